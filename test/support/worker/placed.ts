import { patienceMs } from '../until.ts'
import { eventually } from './worker-process.ts'

/** A worker of a group, of Penstock or of Kafka Connect. */
export interface GroupWorker {
  readonly place: { readonly rest: string }
  request(method: string, path: string, body?: unknown): Promise<unknown>
}

interface Instance {
  readonly state: string
  readonly worker_id: string
}
interface ConnectorStatus {
  readonly connector: Instance
  readonly tasks: readonly (Instance & { readonly id: number })[]
}

/**
 * The workers by the names of what they run, such as `a` and `a-0`, once it is all RUNNING there; `alive` run it. `counts`
 * are the tasks of each connector. The first worker is asked.
 */
export async function placed<W extends GroupWorker>(
  alive: readonly W[],
  counts: Readonly<Record<string, number>>,
): Promise<ReadonlyMap<string, W>> {
  const [first] = alive
  let last = ''
  return await eventually(`everything to run on ${alive.length} workers`, patienceMs, async () => {
    const all = (await first?.request('GET', '/connectors?expand=status')) as Record<
      string,
      { status: ConnectorStatus }
    >
    const places = new Map<string, W>()
    for (const [name, { status }] of Object.entries(all)) {
      const instances = [
        [name, status.connector] as const,
        ...status.tasks.map((task) => [`${name}-${task.id}`, task] as const),
      ]
      for (const [key, { state, worker_id: id }] of instances) {
        const worker = alive.find(({ place }) => place.rest === `http://${id}`)
        if (worker !== undefined && state === 'RUNNING') places.set(key, worker)
      }
    }
    last = JSON.stringify(all)
    const expected = Object.values(counts).reduce((sum, count) => sum + 1 + count, 0)
    return places.size === expected ? places : null
  }).catch((error: unknown) => {
    throw new RangeError(`${String(error)}\n${last}`, { cause: error })
  })
}

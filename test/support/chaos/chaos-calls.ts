import { AcknowledgedWrites } from './acknowledged-writes.ts'
import { configOf, lineBytes, tagKey } from './chaos-connectors.ts'
import type { ChaosGroup } from './chaos-group.ts'
import type { Call, SentCall } from './chaos-plan.ts'
import { judged, type Outcome, type Trouble } from './rest-outcomes.ts'

interface Request {
  readonly method: string
  readonly path: string
  readonly body?: unknown
}

/** Values that a call writes; absent: it leaves them. */
interface Effect {
  /** The tag of the config; null: the connector is deleted. */
  readonly tag?: string | null
  readonly targetState?: string | null
}

/** From one time to another in which records may be delivered again, in milliseconds of the epoch. */
export interface Disturbance {
  readonly what: string
  readonly from: number
  readonly to: number
}

/** Longer than a worker takes to respond that a request has timed out. */
const responseMs = 120_000

interface ChaosCallsOptions {
  readonly group: ChaosGroup
  readonly note: (what: string) => void
}

/** Sends the calls of a plan, and remembers what came of them. */
export class ChaosCalls {
  readonly tags = new AcknowledgedWrites()
  readonly targetStates = new AcknowledgedWrites()
  /** Responses that no operator has to expect. */
  readonly unexpected: string[] = []
  /** How often each outcome came. */
  readonly counts: Record<string, number> = {}
  /** When the offsets of each connector were changed. */
  readonly offsetChanges = new Map<string, Disturbance[]>()
  /** What happens to the group now. */
  readonly troubles = new Set<Trouble>()
  readonly #options: ChaosCallsOptions
  /** Adds the writes of which no one knows whether they were done: they may be done until the fault is over. */
  #undecided: (() => void)[] = []

  constructor(options: ChaosCallsOptions) {
    this.#options = options
  }

  /** What is in progress has ended. */
  settle(): void {
    for (const add of this.#undecided) add()
    this.#undecided = []
  }

  async send({ worker, call }: SentCall): Promise<void> {
    const { group, note } = this.#options
    const request = await this.#requestOf(worker, call)
    if (request === null) return
    const { method, path } = request
    const startedAt = performance.now()
    const from = Date.now()
    note(`worker ${worker} <- ${method} ${path} ${request.body === undefined ? '' : JSON.stringify(request.body)}`)
    const outcome = await responseOf(group.urlOf(worker), request)
    note(`worker ${worker} -> ${method} ${path} ${outcome.status} ${outcome.message.slice(0, 200)}`)
    const found = judged(outcome, this.troubles)
    if (found === null) this.unexpected.push(`${method} ${path}: ${outcome.status} ${outcome.message}`)
    const label = `${outcome.status} ${found?.reason ?? 'unexpected'}`
    this.counts[label] = (this.counts[label] ?? 0) + 1
    this.#remember(call, found?.done ?? null, startedAt)
    if (call.type === 'alter-offsets' || call.type === 'reset-offsets') {
      const changes = this.offsetChanges.get(call.name) ?? []
      this.offsetChanges.set(call.name, [...changes, { what: call.type, from, to: Date.now() }])
    }
  }

  #remember(call: Call, done: boolean | null, startedAt: number): void {
    const { tag, targetState } = effectOf(call)
    const add = (): void => {
      const write = { done, startedAt, endedAt: performance.now() }
      if (tag !== undefined) this.tags.add(call.name, { ...write, value: tag })
      if (targetState !== undefined) this.targetStates.add(call.name, { ...write, value: targetState })
    }
    if (done === null) this.#undecided.push(add)
    else add()
  }

  /** The request of a call; null when there are no offsets that it could change, or they are not known. */
  async #requestOf(worker: number, call: Call): Promise<Request | null> {
    if (call.type !== 'alter-offsets') return requestOf(this.#options.group.directory, call)
    const path = `/connectors/${call.name}/offsets`
    const { status, message } = await responseOf(this.#options.group.urlOf(worker), { method: 'GET', path })
    if (status !== 200) return null
    const { offsets } = JSON.parse(message) as { offsets: readonly StoredOffset[] }
    if (offsets.length === 0) return null
    return { method: 'PATCH', path, body: { offsets: offsets.map((stored) => movedBack(stored, call.share)) } }
  }
}

interface StoredOffset {
  readonly partition: unknown
  readonly offset: Readonly<Record<string, number>>
}

/** An earlier offset: that of a line, in a file. */
function movedBack({ partition, offset }: StoredOffset, share: number): StoredOffset {
  const { position, kafka_offset: kafkaOffset = 0 } = offset
  const moved =
    position === undefined
      ? { kafka_offset: Math.floor(kafkaOffset * share) }
      : { position: Math.floor((position / lineBytes) * share) * lineBytes }
  return { partition, offset: moved }
}

function requestOf(directory: string, call: Exclude<Call, { readonly type: 'alter-offsets' }>): Request {
  const path = `/connectors/${call.name}`
  switch (call.type) {
    case 'create': {
      const body = { name: call.name, config: configOf(directory, call.name, call) }
      const state = call.state === null ? {} : { initial_state: call.state }
      return { method: 'POST', path: '/connectors', body: { ...body, ...state } }
    }
    case 'put':
      return { method: 'PUT', path: `${path}/config`, body: configOf(directory, call.name, call) }
    case 'patch':
      return { method: 'PATCH', path: `${path}/config`, body: { [tagKey]: String(call.tag) } }
    case 'restart': {
      const { includeTasks, onlyFailed } = call
      return { method: 'POST', path: `${path}/restart?includeTasks=${includeTasks}&onlyFailed=${onlyFailed}` }
    }
    case 'restart-task':
      return { method: 'POST', path: `${path}/tasks/${call.task}/restart` }
    case 'read-offsets':
      return { method: 'GET', path: `${path}/offsets` }
    case 'reset-offsets':
      return { method: 'DELETE', path: `${path}/offsets` }
    case 'delete':
      return { method: 'DELETE', path }
    default:
      return { method: 'PUT', path: `${path}/${call.type}` }
  }
}

function effectOf(call: Call): Effect {
  switch (call.type) {
    case 'create': {
      const targetState = call.state === 'RUNNING' ? 'STARTED' : call.state
      return { tag: String(call.tag), ...(targetState === null ? {} : { targetState }) }
    }
    case 'put':
    case 'patch':
      return { tag: String(call.tag) }
    case 'pause':
      return { targetState: 'PAUSED' }
    case 'resume':
      return { targetState: 'STARTED' }
    case 'stop':
      return { targetState: 'STOPPED' }
    case 'delete':
      return { tag: null, targetState: null }
    default:
      return {}
  }
}

/** The status, and the message of an error or the body of a success; status 0 when there is no response. */
async function responseOf(url: string, { method, path, body }: Request): Promise<Outcome> {
  try {
    const response = await fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(responseMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, message: response.ok ? text : messageOf(text) }
  } catch (error) {
    return { status: 0, message: `${String(error)}: ${String((error as Error).cause ?? '')}` }
  }
}

function messageOf(text: string): string {
  try {
    return String((JSON.parse(text) as { readonly message?: unknown }).message)
  } catch {
    return text
  }
}

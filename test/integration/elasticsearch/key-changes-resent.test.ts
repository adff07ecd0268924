import { mapOf, primitive, struct, type ConnectValue, type Header } from 'penstock/api'
import { afterAll, expect, it } from 'vitest'
import { plugin } from '../../../connectors/elasticsearch-sink/index.ts'
import { ElasticsearchClient } from '../../support/elasticsearch/elasticsearch-client.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

const unavailable = '__debezium_unavailable_value'
const keySchema = struct([['id', primitive('INT32')]])
const keyMap = mapOf(primitive('STRING'), primitive('INT32'))
const epoch = 2n ** 53n
const keysPerCase = 6
const topic = `resent-${process.pid}-${Date.now().toString(36)}`

interface Entry {
  readonly key: number
  readonly value: ConnectValue
  readonly headers: readonly Header[]
}

/** The records of one change. */
type Change = readonly Entry[]

interface Row {
  readonly id: number
  readonly n: number
  readonly body: string
}

/** Changes of a table, with the records that the Postgres source makes of them, and the rows they leave. */
class History {
  readonly changes: Change[] = []
  readonly rows = new Map<number, Row>()

  insert(id: number): void {
    const n = this.changes.length
    this.rows.set(id, { id, n, body: `body ${n}` })
    this.#add([{ key: id, value: { id, n, body: `body ${n}` }, headers: [] }])
  }

  update(id: number): void {
    const n = this.changes.length
    this.rows.set(id, { ...this.#row(id), n })
    this.#add([{ key: id, value: { id, n, body: unavailable }, headers: [] }])
  }

  delete(id: number): void {
    this.rows.delete(id)
    this.#add(deletion(id, []))
  }

  rekey(from: number, to: number): void {
    const n = this.changes.length
    const row = this.#row(from)
    this.rows.delete(from)
    this.rows.set(to, { ...row, id: to, n })
    const after = { id: to, n, body: unavailable }
    const creation = { before: null, after, source: {}, op: 'c' }
    this.#add([
      ...deletion(from, [keyHeader('newkey', to)]),
      { key: to, value: creation, headers: [keyHeader('oldkey', from)] },
    ])
  }

  #row(id: number): Row {
    const row = this.rows.get(id)
    if (row === undefined) throw new RangeError(`no row ${id}`)
    return row
  }

  #add(change: Change): void {
    const version = { key: '__penstock.version', schema: null, value: epoch + BigInt(this.changes.length) }
    this.changes.push(change.map((entry) => ({ ...entry, headers: [version, ...entry.headers] })))
  }
}

function deletion(id: number, headers: readonly Header[]): Entry[] {
  return [
    { key: id, value: { before: { id }, after: null, source: {}, op: 'd' }, headers },
    { key: id, value: null, headers },
  ]
}

function keyHeader(name: 'oldkey' | 'newkey', id: number): Header {
  return { key: `__debezium.${name}`, schema: keyMap, value: new Map([['id', id]]) }
}

function randomHistory(first: number, below: (n: number) => number): History {
  const history = new History()
  for (let change = 0; change < 14; change++) {
    const id = first + below(keysPerCase)
    const other = first + below(keysPerCase)
    const does = below(8)
    if (!history.rows.has(id)) history.insert(id)
    else if (does === 0) history.delete(id)
    else if (does < 3 || history.rows.has(other)) history.update(id)
    else history.rekey(id, other)
  }
  return history
}

function append(log: MemoryLog, { key, value, headers }: Entry): void {
  log.append({ topic, keySchema, key: [key], value, headers })
}

function sink(log: MemoryLog): SinkTaskHarness {
  return new SinkTaskHarness(
    plugin,
    { name: 'es', topics: topic, 'connection.url': service('elasticsearch'), 'batch.size': '5' },
    log,
  )
}

describeWith(['elasticsearch'], 'key changes that a killed source resends, in Elasticsearch', () => {
  const client = (): ElasticsearchClient => new ElasticsearchClient(service('elasticsearch'))

  /** The documents of the keys from `first` on, as far as a case has them. */
  async function documents(first: number): Promise<Map<number, unknown>> {
    const all = [...(await client().documents(topic))].map(([id, text]) => [Number(id), JSON.parse(text)] as const)
    return new Map(all.filter(([id]) => id >= first && id < first + keysPerCase).sort(([a], [b]) => a - b))
  }

  const rowsOf = (history: History): Map<number, Row> => new Map([...history.rows].sort(([a], [b]) => a - b))

  afterAll(async () => {
    await fetch(`${service('elasticsearch')}/${topic}`, { method: 'DELETE' })
  })

  it.each([1, 2])('keeps the large value when the partition ended after %i records of the change', async (sent) => {
    const first = -100 * sent
    const history = new History()
    history.insert(first)
    history.insert(first + 1)
    history.update(first + 1)
    history.rekey(first, first + 2)
    const log = new MemoryLog()
    for (const change of history.changes.slice(0, 3)) for (const entry of change) append(log, entry)
    for (const entry of history.changes.at(-1)?.slice(0, sent) ?? []) append(log, entry)
    const task = sink(log)
    await task.start()
    await task.deliverAll()
    for (const change of history.changes.slice(2)) for (const entry of change) append(log, entry)
    await task.deliverAll()
    await task.finish()
    expect(await documents(first)).toEqual(rowsOf(history))
    expect(task.conditions).toEqual(new Map())
    expect(log.committed.get(`${topic}-0`)).toBe(log.records.get(`${topic}-0`)?.length)
  })

  it('keeps the value that a snapshot read under the new key before the changes', async () => {
    const history = new History()
    const first = -300
    history.insert(first)
    history.update(first)
    history.rekey(first, first + 1)
    const [, update, rekey] = history.changes
    const log = new MemoryLog()
    const version = { key: '__penstock.version', schema: null, value: epoch }
    append(log, { key: first + 1, value: { id: first + 1, n: 2, body: 'body 0' }, headers: [version] })
    for (const entry of [...(update ?? []), ...(rekey ?? [])]) append(log, entry)
    const task = sink(log)
    await task.start()
    await task.deliver(1)
    await task.deliverAll()
    await task.finish()
    expect(await documents(first)).toEqual(rowsOf(history))
    expect([task.conditions, task.logger.lines]).toEqual([new Map(), []])
  })

  it.each(Array.from({ length: 40 }, (_, i) => i + 1))(
    'keeps every large value wherever source and sink are killed (seed %i)',
    async (seed) => {
      const random = seededRandom(seed)
      const below = (n: number): number => Math.floor(random() * n)
      const first = seed * keysPerCase
      const history = randomHistory(first, below)
      const log = new MemoryLog()
      let task: SinkTaskHarness | null = null
      const told: string[] = []
      const entries = history.changes.flatMap((change, at) => change.map((entry) => ({ entry, at })))
      const startOf = (change: number): number => entries.findIndex(({ at }) => at === change)
      let next = 0
      for (let kills = 4; next < entries.length;) {
        const end = kills === 0 ? entries.length : next + 1 + below(entries.length - next)
        for (const { entry } of entries.slice(next, end)) append(log, entry)
        next = end
        if (task === null) {
          task = sink(log)
          await task.start()
        }
        if (below(3) > 0) await task.deliver(1 + below(6))
        const then = below(4)
        if (then < 2) await task.deliverAll()
        else if (then === 2) await task.commit()
        if (below(3) === 0) {
          await task.crash()
          told.push(...task.logger.lines)
          task = null
        }
        // The source begins again with a change that it had not confirmed.
        if (kills > 0) next = startOf(below((entries[next]?.at ?? history.changes.length - 1) + 1))
        kills = Math.max(0, kills - 1)
      }
      if (task === null) {
        task = sink(log)
        await task.start()
      }
      await task.deliverAll()
      await task.finish()
      expect(await documents(first)).toEqual(rowsOf(history))
      expect([...told, ...task.logger.lines]).toEqual([])
      expect(log.committed.get(`${topic}-0`)).toBe(log.records.get(`${topic}-0`)?.length)
    },
  )
})

import { mapOf, primitive, struct, type ConnectValue, type Header } from 'penstock/api'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { plugin } from '../../../connectors/elasticsearch-sink/index.ts'
import { ElasticsearchClient } from '../../support/elasticsearch/elasticsearch-client.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'
import { SkippingClock } from '../../support/skipping-clock.ts'

const unavailable = '__debezium_unavailable_value'
const keySchema = struct([['id', primitive('INT32')]])
const keyMap = mapOf(primitive('STRING'), primitive('INT32'))
const epoch = 2n ** 53n

let topic: string
let log: MemoryLog
let clock: SkippingClock
let run = 0
let changes = 0n

function append(id: number, value: ConnectValue, headers: readonly Header[] = []): void {
  const version = { key: '__penstock.version', schema: null, value: epoch + changes }
  log.append({ topic, keySchema, key: [id], value, headers: [version, ...headers] })
}

function row(id: number, value: ConnectValue): void {
  changes += 1n
  append(id, value)
}

function keyHeader(name: 'oldkey' | 'newkey', id: number): Header {
  return { key: `__debezium.${name}`, schema: keyMap, value: new Map([['id', id]]) }
}

async function started(more: Record<string, string> = {}): Promise<SinkTaskHarness> {
  const config = { name: 'es', topics: topic, 'connection.url': service('elasticsearch'), 'retry.backoff.ms': '5' }
  const task = new SinkTaskHarness(plugin, { ...config, ...more }, log, clock)
  await task.start()
  return task
}

/** Gives the task so many records of the log, and no more. */
async function take(task: SinkTaskHarness, count: number): Promise<void> {
  let taken = false
  await task.runUntil('they are taken', () => taken || !(taken = true), count)
}

const committed = (): number | undefined => log.committed.get(`${topic}-0`)
const end = (): number => log.records.get(`${topic}-0`)?.length ?? 0

describeWith(['elasticsearch'], 'what waits in the Elasticsearch sink', () => {
  const client = (): ElasticsearchClient => new ElasticsearchClient(service('elasticsearch'))
  const documents = async (): Promise<Record<string, unknown>> =>
    Object.fromEntries([...(await client().documents(topic))].map(([id, text]) => [id, JSON.parse(text) as unknown]))

  beforeEach(() => {
    run += 1
    topic = `waits-${process.pid}-${Date.now().toString(36)}-${run}`
    log = new MemoryLog()
    clock = new SkippingClock()
    changes = 0n
  })
  afterEach(async () => {
    await fetch(`${service('elasticsearch')}/${topic}`, { method: 'DELETE' })
  })

  it('is a deletion under an old key whose creation does not come: reported, not committed, and applied with the creation', async () => {
    row(1, { id: 1, body: 'large' })
    changes += 1n
    append(1, { before: { id: 1 }, after: null, source: {}, op: 'd' }, [keyHeader('newkey', 2)])
    append(1, null, [keyHeader('newkey', 2)])
    const task = await started()
    await task.deliverAll()
    clock.skip(10_000)
    await task.runUntil('it is shown', () => task.conditions.has('ES_DELETION_WAITS'))
    expect(task.conditions.get('ES_DELETION_WAITS')).toMatch(
      new RegExp(`document '1' of index '${topic}' \\(record ${topic}-0@1\\) has waited since \\d{4}-`),
    )
    await task.commit()
    expect(committed()).toBe(1)
    append(2, { before: null, after: { id: 2, body: unavailable }, source: {}, op: 'c' }, [keyHeader('oldkey', 1)])
    await task.deliverAll()
    await task.finish()
    expect([await documents(), committed(), task.conditions]).toEqual([
      { '2': { id: 2, body: 'large' } },
      end(),
      new Map(),
    ])
  })

  it.each([
    ['blocked', { settings: { 'index.blocks.write': true } }, { settings: { 'index.blocks.write': false } }],
    ['closed', 'close', 'open'],
  ] as const)('is a record for an index that is %s: shown, and over when it is not', async (_name, block, release) => {
    const act = async (what: string | { readonly settings: object }): Promise<void> => {
      if (typeof what === 'string') await client().json('POST', `/${topic}/_${what}`)
      else await client().json('PUT', `/${topic}/_settings`, what.settings)
    }
    row(1, { id: 1 })
    const task = await started()
    await task.deliverAll()
    await act(block)
    row(2, { id: 2 })
    await task.deliver()
    await task.runUntil('it is shown', () => task.conditions.has('ES_INDEX_BLOCKED'))
    expect(task.conditions.get('ES_INDEX_BLOCKED')).toMatch(
      new RegExp(`since \\d{4}-.*: record ${topic}-0@1, document '2' of index '${topic}'`),
    )
    await task.commit()
    expect(committed()).toBe(1)
    await act(release)
    await task.deliverAll()
    await task.finish()
    expect([await client().count(topic), committed(), task.conditions]).toEqual([2, 2, new Map()])
  })

  it.each([
    ['a change that brings it', 'insert', () => row(3, { id: 3, body: 'new' })],
    ['the deletion of the row', 'insert', () => row(3, null)],
    ['a change that brings it, with write.method=upsert', 'upsert', () => row(3, { body: 'new' })],
  ])('is no missing value any more after %s', async (_name, method, act) => {
    row(1, { id: 1 })
    changes += 1n
    append(3, { before: null, after: { id: 3, body: unavailable }, source: {}, op: 'c' }, [keyHeader('oldkey', 2)])
    const task = await started({ 'write.method': method })
    await task.deliverAll()
    await task.runUntil('it is told', () => task.conditions.has('ES_VALUES_MISSING'))
    expect(task.counters.get('elasticsearch_missing_values_total')).toBe(1)
    row(3, { id: 3, n: 1, body: unavailable })
    await task.deliverAll()
    expect(task.conditions.has('ES_VALUES_MISSING')).toBe(true)
    act()
    await task.deliverAll()
    await task.runUntil('it is over', () => !task.conditions.has('ES_VALUES_MISSING'))
    await task.finish()
    expect([task.counters.get('elasticsearch_missing_values_total'), committed()]).toEqual([1, end()])
  })

  it('is a missing value that a later record restores: no loss, even if a commit comes in between', async () => {
    row(1, { id: 1, body: unavailable })
    row(2, { id: 2, body: 'b' })
    row(1, { id: 1, body: 'later' })
    const task = await started()
    await take(task, 2)
    await task.runUntil('it is written', async () => (await client().count(topic)) === 2, 0)
    await task.runUntil('it is committed', async () => (await task.commit(), committed() === 2), 0)
    expect(task.conditions.get('ES_VALUES_MISSING')).toContain("document '1'")
    expect(task.counters.get('elasticsearch_missing_values_total')).toBeUndefined()
    await task.deliverAll()
    await task.runUntil('it is over', () => !task.conditions.has('ES_VALUES_MISSING'), 0)
    await task.finish()
    expect(task.counters.get('elasticsearch_missing_values_total')).toBeUndefined()
    expect(await documents()).toEqual({ '1': { id: 1, body: 'later' }, '2': { id: 2, body: 'b' } })
  })

  it('is a conflict that a later record explains: reported when it takes long, and closed by that record', async () => {
    row(1, { id: 1, n: 0 })
    row(1, { id: 1, n: 1 })
    const first = await started()
    await first.deliverAll()
    await first.finish()
    log.committed.clear()
    const task = await started()
    await take(task, 1)
    await task.runUntil('it is met', () => task.counters.has('elasticsearch_conflicts_total'), 0)
    expect(task.conditions).toEqual(new Map())
    clock.skip(30_000)
    await task.runUntil('it is shown', () => task.conditions.has('ES_CONFLICT_OPEN'), 0)
    expect(task.conditions.get('ES_CONFLICT_OPEN')).toMatch(new RegExp(`records of ${topic}-0.* Since \\d{4}-`))
    await task.commit()
    expect(committed()).toBe(0)
    await task.deliverAll()
    clock.skip(2000)
    await task.runUntil('it is over', async () => {
      await task.commit()
      return committed() === end() && !task.conditions.has('ES_CONFLICT_OPEN')
    })
    await task.finish()
    expect(task.conditions).toEqual(new Map())
  })
})

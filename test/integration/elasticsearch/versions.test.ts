import type { ConnectorPlugin, ConnectValue } from 'penstock/api'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { plugin } from '../../../connectors/elasticsearch-sink/index.ts'
import { ElasticsearchSinkTask } from '../../../connectors/elasticsearch-sink/task.ts'
import { ElasticsearchClient } from '../../support/elasticsearch/elasticsearch-client.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog, SinkTaskHarness, type RecordParts } from '../../support/task/sink-task-harness.ts'

const minute = 60_000
const epoch = 2n ** 53n

let topic: string
let log: MemoryLog
let time: number
let run = 0

/** A row of our source: its version is a header. Each lies a minute after the one before. */
function row(key: string, version: bigint | number, value: ConnectValue, parts: Partial<RecordParts> = {}): void {
  time += minute
  log.append({
    topic,
    key,
    value,
    timestamp: time,
    headers: [{ key: '__penstock.version', schema: null, value: version }],
    ...parts,
  })
}

/** A record of any producer: its version is its offset. */
function plain(key: string, value: ConnectValue): void {
  time += minute
  log.append({ topic, key, value, timestamp: time })
}

/** What a RegexRouter before the sink does. */
function routedTo(index: string): void {
  for (const records of log.records.values()) for (const record of records) Object.assign(record, { topic: index })
}

function sink(more: Record<string, string> = {}, from: ConnectorPlugin = plugin): SinkTaskHarness {
  const config = { name: 'es', topics: topic, 'connection.url': service('elasticsearch'), ...more }
  return new SinkTaskHarness(from, config, log)
}

async function started(more: Record<string, string> = {}): Promise<SinkTaskHarness> {
  const task = sink(more)
  await task.start()
  return task
}

const end = (): number => log.records.get(`${topic}-0`)?.length ?? 0
const committed = (): number | undefined => log.committed.get(`${topic}-0`)

describeWith(['elasticsearch'], 'versions in Elasticsearch', () => {
  const client = (): ElasticsearchClient => new ElasticsearchClient(service('elasticsearch'))
  const documents = async (): Promise<Record<string, string>> => Object.fromEntries(await client().documents(topic))

  beforeEach(() => {
    run += 1
    topic = `versions-${process.pid}-${Date.now().toString(36)}-${run}`
    log = new MemoryLog()
    time = 1_700_000_000_000
  })
  afterEach(async () => {
    await fetch(`${service('elasticsearch')}/${topic}`, { method: 'DELETE' })
  })

  /** Runs until everything is applied and committed, with nothing open. */
  async function settled(task: SinkTaskHarness): Promise<void> {
    await task.deliverAll()
    await task.runUntil('all is committed', async () => {
      await task.commit()
      return committed() === end() && !task.conditions.has('ES_CONFLICT_OPEN')
    })
  }

  async function filled(more: Record<string, string> = {}): Promise<void> {
    const task = await started(more)
    await task.deliverAll()
    await task.finish()
    log.committed.clear()
  }

  it.each([
    ['row versions', (key: string, n: number, value: ConnectValue) => row(key, epoch + BigInt(n), value)],
    ['offsets', (key: string, _n: number, value: ConnectValue) => plain(key, value)],
  ])(
    'let a whole topic be read again, deletes included, with the task stopped in between: %s',
    async (_name, write) => {
      for (let n = 0; n < 60; n++) write(`k${n % 7}`, n, n % 5 === 4 ? null : { n })
      await filled()
      const before = await documents()
      const interrupted = await started({ 'batch.size': '3', 'max.in.flight.requests': '2' })
      await interrupted.put(log.records.get(`${topic}-0`)?.slice(0, 20) ?? [])
      await interrupted.commit()
      await interrupted.crash()
      const again = await started()
      await settled(again)
      await again.finish()
      expect(await documents()).toEqual(before)
      expect(again.counters.get('elasticsearch_conflicts_total')).toBeGreaterThan(0)
      expect(again.counters.get('elasticsearch_version_conflicts_total')).toBeUndefined()
      expect(again.conditions).toEqual(new Map())
    },
  )

  it('let the source resend unconfirmed changes while the sink follows', async () => {
    const rows = Array.from({ length: 20 }, (_, n) => [`k${n % 4}`, epoch + BigInt(n), { n }] as const)
    for (const [key, version, value] of rows) row(key, version, value)
    const task = await started()
    await settled(task)
    for (const [key, version, value] of rows.slice(8)) row(key, version, value, { timestamp: time })
    for (let offset = 20; offset < end(); offset++) {
      await task.put(log.records.get(`${topic}-0`)?.slice(offset, offset + 1) ?? [])
      await task.commit()
    }
    await task.finish()
    expect(task.counters.get('elasticsearch_version_conflicts_total')).toBeUndefined()
    expect(await documents()).toMatchObject({ k3: '{"n":19}', k0: '{"n":16}' })
  })

  it('of a server whose WAL is behind hold offsets back, are reported, and fail the task if the source does not catch up', async () => {
    row('1', epoch + 900n, { v: 'old server' })
    row('2', epoch + 901n, { v: 'old server' })
    await filled()
    log.committed.set(`${topic}-0`, 2)
    row('1', epoch + 10n, { v: 'new server' })
    row('2', epoch + 11n, null)
    row('3', epoch + 12n, { v: 'only on the new one' })
    const task = await started()
    await task.deliverAll()
    await task.runUntil('the conflict shows', () => task.conditions.has('ES_CONFLICT_OPEN'))
    expect(task.conditions.get('ES_CONFLICT_OPEN')).toContain(
      `document '1' of index '${topic}' has version 9007199254741892, record ${topic}-0@2 has 9007199254741002`,
    )
    await task.commit()
    expect(committed()).toBe(2)
    await task.crash()
    row('4', epoch + 13n, { v: 'later' }, { timestamp: time + 20 * minute })
    const again = await started()
    await expect(again.runUntil('it stops', () => false)).rejects.toThrow(
      /ES_VERSION_CONFLICT: document '1' of index .* \(and 1 more documents\): no record of the topic has the stored version.*behavior\.on\.version\.conflict=warn/,
    )
    await again.crash()
    expect(committed()).toBe(2)
    expect(again.counters.get('elasticsearch_version_conflicts_total')).toBe(2)
  })

  it('are correct after the steps of the error: the index deleted, the topic read by its offsets', async () => {
    row('1', epoch + 900n, { v: 'old server' })
    row('2', epoch + 901n, { v: 'old server' })
    row('1', epoch + 10n, { v: 'new server' })
    row('2', epoch + 11n, null)
    await filled({ 'behavior.on.version.conflict': 'ignore' })
    await client().json('DELETE', `/${topic}`)
    const task = await started({ 'document.version': 'offset' })
    await settled(task)
    await task.finish()
    expect(await documents()).toEqual({ '1': '{"v":"new server"}' })
  })

  it('of a topic that was re-created fail the task, and are correct after the steps of the error', async () => {
    for (let n = 0; n < 6; n++) plain(String(n % 2), { gen: 1, n })
    await filled()
    log = new MemoryLog()
    for (let n = 1; n <= 4; n++) plain(String(n % 2), { gen: 2, n })
    const task = await started()
    await expect(task.runUntil('it stops', () => false)).rejects.toThrow(
      /ES_VERSION_CONFLICT: document '1' of index .* has version 5, record .*-0@0 has 0.*a topic that was re-created/,
    )
    await task.crash()
    await client().json('DELETE', `/${topic}`)
    const again = await started({ 'document.version': 'offset' })
    await settled(again)
    await again.finish()
    expect(await documents()).toEqual({ '0': '{"gen":2,"n":4}', '1': '{"gen":2,"n":3}' })
  })

  it.each(['warn', 'ignore'])(
    'of another origin let the task continue with behavior.on.version.conflict=%s',
    async (policy) => {
      for (let n = 0; n < 6; n++) plain(String(n % 2), { gen: 1, n })
      await filled()
      log = new MemoryLog()
      for (let n = 1; n <= 4; n++) plain(String(n % 2), { gen: 2, n })
      plain('new', { gen: 2 })
      const task = await started({ 'behavior.on.version.conflict': policy })
      await settled(task)
      await task.finish()
      expect(await documents()).toEqual({ '0': '{"gen":1,"n":4}', '1': '{"gen":1,"n":5}', new: '{"gen":2}' })
      expect(task.counters.get('elasticsearch_conflicts_total')).toBe(4)
      if (policy === 'ignore') expect([task.logger.lines, task.conditions.size]).toEqual([[], 0])
      else {
        expect(task.conditions.get('ES_VERSION_CONFLICT')).toContain('2 changes were not applied')
        expect(task.logger.lines.join()).toContain(`document '1' of index '${topic}' has version 5`)
        expect(task.counters.get('elasticsearch_version_conflicts_total')).toBe(2)
      }
    },
  )

  it('of a header of the user’s own may come in any order', async () => {
    const custom = (version: number, n: number): void => {
      log.append({ topic, key: 'k', value: { n }, headers: [{ key: 'changed', schema: null, value: version }] })
    }
    custom(9, 1)
    custom(5, 2)
    const task = await started({ 'external.version.header': 'changed' })
    await settled(task)
    await task.finish()
    expect([await documents(), task.conditions.size]).toEqual([{ k: '{"n":1}' }, 0])
  })

  it('of a row that moved to another partition of its table are in order, whichever task comes first (I12)', async () => {
    const index = topic
    topic = `${index}.new`
    row('1', epoch + 21n, { v: 'moved' })
    routedTo(index)
    const newPartition = log
    const second = await started({ 'tasks.max': '2' })
    await second.deliverAll()
    await second.finish()
    topic = `${index}.old`
    log = new MemoryLog()
    row('1', epoch + 10n, { v: 'here' })
    row('1', epoch + 20n, null)
    routedTo(index)
    const first = await started({ 'tasks.max': '2' })
    await first.deliverAll()
    await first.runUntil('it shows', () => first.conditions.has('ES_CONFLICT_OPEN'))
    // The next row of that partition shows that the source has been there.
    row('2', epoch + 22n, { v: 'other' })
    routedTo(index)
    await settled(first)
    await first.finish()
    topic = index
    expect(await documents()).toEqual({ '1': '{"v":"moved"}', '2': '{"v":"other"}' })
    expect(newPartition.committed.size).toBe(1)
    expect(first.counters.get('elasticsearch_version_conflicts_total')).toBeUndefined()
  })

  it('fail the task where the source resends a transaction for long, and are correct after a restart as the error says', async () => {
    const changes = Array.from(
      { length: 10 },
      (_, n) => [n % 9 === 0 ? 'twice' : `k${n}`, epoch + BigInt(n), n] as const,
    )
    for (const [key, version, n] of changes) row(key, version, { n })
    await filled()
    log.committed.set(`${topic}-0`, 10)
    for (const [key, version, n] of changes.slice(0, 9)) row(key, version, { n })
    const task = await started()
    await expect(task.runUntil('it stops', () => false)).rejects.toThrow(
      /ES_VERSION_CONFLICT: document 'twice'.*restart the task when it has caught up/,
    )
    await task.crash()
    for (const [key, version, n] of changes.slice(9)) row(key, version, { n })
    const again = await started()
    await settled(again)
    await again.finish()
    expect((await documents())['twice']).toBe('{"n":9}')
  })

  it.each(['.', '-'])(
    'of a row that moved to another partition of its table are explained by the topic it moved to, delimiter %s',
    async (delimiter) => {
      const index = topic
      topic = `${index}${delimiter}new`
      row('1', epoch + 21n, { v: 'moved' })
      topic = `${index}${delimiter}old`
      row('1', epoch + 10n, { v: 'here' })
      row('1', epoch + 20n, null)
      routedTo(index)
      const task = await started()
      await settled(task)
      await task.finish()
      expect(log.committed.size).toBe(2)
      topic = index
      expect(await documents()).toEqual({ '1': '{"v":"moved"}' })
    },
  )

  it('of a topic that was given more partitions are in order, though the later partition is read first', async () => {
    row('1', epoch + 50n, { v: 'in partition 1' }, { partition: 1 })
    row('1', epoch + 10n, { v: 'in partition 0' }, { partition: 0 })
    const task = await started()
    await settled(task)
    await task.finish()
    expect(await documents()).toEqual({ '1': '{"v":"in partition 1"}' })
    expect(task.conditions).toEqual(new Map())
  })

  it('of offsets in two partitions cannot be compared: the task fails instead of keeping either', async () => {
    log.append({ topic, key: 'x', value: { v: 'first' }, partition: 1 })
    log.append({ topic, key: '1', value: { v: 'in partition 1' }, partition: 1 })
    log.append({ topic, key: '1', value: { v: 'in partition 0' }, partition: 0 })
    const task = await started()
    await expect(task.runUntil('it stops', () => false)).rejects.toThrow(/ES_VERSION_CONFLICT: document '1'/)
    await task.crash()
  })

  it('are explained in a compacted topic by a later record than the one that is gone', async () => {
    for (const n of [0, 1, 2]) row('1', epoch + BigInt(n), { n })
    for (const n of [3, 4]) row('2', epoch + BigInt(n), { n })
    const first = await started()
    await first.put(log.records.get(`${topic}-0`)?.slice(0, 2) ?? [])
    await first.finish()
    log.committed.clear()
    const task = await started()
    task.keeps = ({ originalOffset }) => originalOffset !== 1
    await settled(task)
    await task.finish()
    expect(await documents()).toEqual({ '1': '{"n":2}', '2': '{"n":4}' })
    expect(task.counters.get('elasticsearch_version_conflicts_total')).toBeUndefined()
  })

  it('of another writer that is ahead of this one are harmless, also past the end that was fetched last', async () => {
    plain('1', { n: 0 })
    plain('1', { n: 1 })
    await filled()
    const later = log.records.get(`${topic}-0`)?.pop()
    const task = await started()
    await task.deliverAll()
    if (later !== undefined) log.records.get(`${topic}-0`)?.push(later)
    await settled(task)
    await task.finish()
    expect(await documents()).toEqual({ '1': '{"n":1}' })
  })

  it('are all judged, however many conflicts are open: those that exceed the limit are read again', async () => {
    const small = { ...plugin, createTask: () => new ElasticsearchSinkTask({ entries: 3, bytes: 1_000_000 }) }
    for (const round of [1, 2]) for (let n = 0; n < 20; n++) plain(`k${n}`, { round })
    await filled()
    const again = sink({}, small)
    await again.start()
    await settled(again)
    await again.finish()
    expect(again.counters.get('elasticsearch_documents_total')).toBeGreaterThan(20)
    log = new MemoryLog()
    for (const round of [3, 4]) for (let n = 0; n < 19; n++) plain(`k${n}`, { round })
    plain('k19', { round: 3 })
    const stopping = sink({}, small)
    await stopping.start()
    await expect(stopping.runUntil('it stops', () => false)).rejects.toThrow(/ES_VERSION_CONFLICT/)
    await stopping.crash()
  })

  it('rise from offsets to row versions where our source continues a topic of Debezium, also when it is read again', async () => {
    plain('1', { v: 'Debezium' })
    plain('2', { v: 'Debezium' })
    plain('1', { v: 'Debezium, again' })
    // As Confluent's sink has written it: the offset as external version.
    for (const { key, offset, value } of log.records.get(`${topic}-0`) ?? [])
      await client().json('PUT', `/${topic}/_doc/${String(key)}?version=${offset}&version_type=external`, value)
    log.committed.set(`${topic}-0`, 2)
    row('1', epoch + 5n, { v: 'ours' })
    row('3', epoch + 6n, { v: 'ours' })
    const task = await started()
    await settled(task)
    await task.finish()
    const right = { '1': '{"v":"ours"}', '2': '{"v":"Debezium"}', '3': '{"v":"ours"}' }
    expect(await documents()).toEqual(right)
    log.committed.clear()
    const again = await started()
    await settled(again)
    await again.finish()
    expect(await documents()).toEqual(right)
  })

  it('do not change back to offsets: the task fails with ES_VERSION_MIXED, also after a restart of the sink', async () => {
    row('1', epoch + 5n, { v: 'ours' })
    plain('1', { v: 'Debezium' })
    const task = await started()
    await expect(task.deliver()).rejects.toThrow(/ES_VERSION_MIXED: .*changed back from records with the header/)
    await task.crash()
    log.committed.set(`${topic}-0`, 1)
    await client().json('PUT', `/${topic}/_doc/1?version=${epoch + 5n}&version_type=external`, { v: 'ours' })
    const again = await started()
    await expect(again.runUntil('it stops', () => false)).rejects.toThrow(
      /ES_VERSION_MIXED: document '1' .*changed back from row versions to offsets/,
    )
    await again.crash()
  })

  it('are all superseded for a while in a long replay: the task reports it until a document changes', async () => {
    for (const round of [1, 2]) for (let n = 0; n < 1200; n++) plain(`k${n}`, { round })
    await filled()
    const task = await started()
    await task.put(log.records.get(`${topic}-0`)?.slice(0, 1200) ?? [])
    // The second half is what is stored: it is applied again.
    await task.runUntil('it says so', () => task.conditions.has('ES_SUPERSEDED'), 0)
    await task.runUntil('all is read', async () => {
      await task.commit()
      return committed() === end() && !task.conditions.has('ES_SUPERSEDED')
    })
    await task.finish()
  })
})

import { mapOf, primitive, struct, type ConnectValue, type Header } from 'penstock/api'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { plugin } from '../../../connectors/elasticsearch-sink/index.ts'
import { ElasticsearchClient } from '../../support/elasticsearch/elasticsearch-client.ts'
import { HttpFaults } from '../../support/http-faults.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

const unavailable = '__debezium_unavailable_value'
const keySchema = struct([['id', primitive('INT32')]])
const keyMap = mapOf(primitive('STRING'), primitive('INT32'))
const epoch = 2n ** 53n
const large = 'x'.repeat(5000)

let topic: string
let log: MemoryLog
let faults: HttpFaults
let versions: boolean
let changes: bigint
let run = 0

function append(id: number, value: ConnectValue, headers: readonly Header[] = []): void {
  const version = { key: '__penstock.version', schema: null, value: epoch + changes }
  log.append({ topic, keySchema, key: [id], value, headers: versions ? [version, ...headers] : headers })
}

/** A change of a row; one change has one version, whatever records it makes. */
function row(id: number, value: ConnectValue): void {
  changes += 1n
  append(id, value)
}

/** As the source writes it, and SimpleHeaderConverter reads it. */
function keyHeader(name: 'oldkey' | 'newkey', id: number): Header {
  return { key: `__debezium.${name}`, schema: keyMap, value: new Map([['id', id]]) }
}

function keyChange(from: number, to: number, value: ConnectValue): void {
  changes += 1n
  const leaves = [keyHeader('newkey', to)]
  append(from, { before: { id: from }, after: null, source: {}, op: 'd' }, leaves)
  append(from, null, leaves)
  append(to, { before: null, after: value, source: {}, op: 'c' }, [keyHeader('oldkey', from)])
}

function sink(more: Record<string, string> = {}): SinkTaskHarness {
  const config = { name: 'es', topics: topic, 'connection.url': faults.url, 'retry.backoff.ms': '5', ...more }
  return new SinkTaskHarness(plugin, config, log)
}

async function started(more: Record<string, string> = {}): Promise<SinkTaskHarness> {
  const task = sink(more)
  await task.start()
  return task
}

const records = (from: number, to?: number) => log.records.get(`${topic}-0`)?.slice(from, to) ?? []

describeWith(['elasticsearch'], 'a row whose key changes, in Elasticsearch', () => {
  const client = (): ElasticsearchClient => new ElasticsearchClient(service('elasticsearch'))
  const documents = async (): Promise<Record<string, unknown>> =>
    Object.fromEntries([...(await client().documents(topic))].map(([id, text]) => [id, JSON.parse(text) as unknown]))

  beforeEach(async () => {
    run += 1
    topic = `keys-${process.pid}-${Date.now().toString(36)}-${run}`
    log = new MemoryLog()
    versions = true
    changes = 0n
    faults = await HttpFaults.before(service('elasticsearch'))
  })
  afterEach(async () => {
    await faults.close()
    await fetch(`${service('elasticsearch')}/${topic}`, { method: 'DELETE' })
  })

  async function deliverAll(more: Record<string, string> = {}, batch = 500): Promise<SinkTaskHarness> {
    const task = await started(more)
    await task.deliver(batch)
    await task.deliverAll()
    await task.finish()
    return task
  }

  it.each([
    ['in one batch', 500, true],
    ['record by record', 1, true],
    ['in one batch, with offsets as versions', 500, false],
    ['record by record, with offsets as versions', 1, false],
  ])('takes its unchanged large values along, %s', async (_name, batch, withVersions) => {
    versions = withVersions
    row(1, { id: 1, title: 'a', body: large, tags: [1, 2], meta: { k: 'v' } })
    row(1, { id: 1, title: 'b', body: unavailable, tags: [unavailable], meta: unavailable })
    keyChange(1, 2, { id: 2, title: 'c', body: unavailable, tags: [unavailable], meta: unavailable })
    row(2, { id: 2, title: 'd', body: unavailable, tags: [unavailable], meta: unavailable })
    const task = await deliverAll({}, batch)
    expect(await documents()).toEqual({ '2': { id: 2, title: 'd', body: large, tags: [1, 2], meta: { k: 'v' } } })
    expect(task.conditions).toEqual(new Map())
    log.committed.clear()
    const again = await deliverAll({}, batch)
    expect(await documents()).toEqual({ '2': { id: 2, title: 'd', body: large, tags: [1, 2], meta: { k: 'v' } } })
    expect(again.conditions).toEqual(new Map())
    expect(log.committed.get(`${topic}-0`)).toBe(records(0).length)
  })

  it.each([1, 2, 3, 4])('keeps them when the sink is killed after %i records', async (count) => {
    row(1, { id: 1, body: large })
    keyChange(1, 2, { id: 2, body: unavailable })
    const killed = await started()
    await killed.put(records(0, count))
    await killed.runUntil('they are sent', async () => (await client().count(topic)) > 0, 0)
    await killed.commit()
    await killed.crash()
    const task = await deliverAll()
    expect(await documents()).toEqual({ '2': { id: 2, body: large } })
    expect(task.conditions).toEqual(new Map())
  })

  it('deletes the old document only after the new one is applied', async () => {
    row(1, { id: 1, body: large })
    const first = await deliverAll()
    expect(first.conditions.size).toBe(0)
    keyChange(1, 2, { id: 2, body: unavailable })
    faults.decide = (_method, path) => (path.startsWith('/_bulk') ? { kind: 'answer', status: 503 } : { kind: 'pass' })
    const killed = await started()
    await killed.put(records(1))
    await killed.runUntil('it was refused', () => (killed.counters.get('elasticsearch_retries_total') ?? 0) > 3, 0)
    await killed.crash()
    expect(Object.keys(await documents())).toEqual(['1'])
    faults.decide = () => ({ kind: 'pass' })
    await deliverAll()
    expect(await documents()).toEqual({ '2': { id: 2, body: large } })
  })

  it('takes the latest values through several changes of key, and leaves the old key to another row', async () => {
    row(1, { id: 1, body: 'early' })
    row(1, { id: 1, body: large })
    keyChange(1, 7, { id: 7, body: unavailable })
    keyChange(7, 9, { id: 9, body: unavailable })
    row(1, { id: 1, body: 'another row' })
    row(9, { id: 9, body: unavailable, n: 1 })
    keyChange(1, 7, { id: 7, body: unavailable })
    const right = { '9': { id: 9, body: large, n: 1 }, '7': { id: 7, body: 'another row' } }
    await deliverAll()
    expect(await documents()).toEqual(right)
    log.committed.clear()
    const again = await deliverAll({}, 1)
    expect(await documents()).toEqual(right)
    expect(again.conditions).toEqual(new Map())
  })

  it('keeps the value that the new document has when the old one is gone', async () => {
    keyChange(1, 2, { id: 2, body: unavailable })
    const version = String(epoch + changes)
    await client().json('PUT', `/${topic}/_doc/2?version=${version}&version_type=external`, { id: 2, body: large })
    const task = await deliverAll()
    expect(await documents()).toEqual({ '2': { id: 2, body: large } })
    expect(task.conditions).toEqual(new Map())
  })

  it('takes no value of another row that has the old key by now', async () => {
    row(1, { id: 1, body: 'the row that moved' })
    keyChange(1, 2, { id: 2, body: unavailable })
    row(1, { id: 1, body: 'another row' })
    log.committed.set(`${topic}-0`, 3)
    const first = await started()
    await first.put(records(4))
    await first.finish()
    // Only the creation is left: the deletion was committed, and the old key has another row.
    log.committed.set(`${topic}-0`, 3)
    const task = await started()
    await task.deliverAll()
    await task.runUntil('it is told', () => task.conditions.has('ES_VALUES_MISSING'))
    await task.finish()
    expect(await documents()).toEqual({ '2': { id: 2 }, '1': { id: 1, body: 'another row' } })
  })

  it.each([{ 'write.method': 'upsert' }, { 'document.version': 'none' }])(
    'copies no value of another row when the creation is written again without versions: %o',
    async (more) => {
      row(1, { id: 1, body: large })
      keyChange(1, 2, { id: 2, body: unavailable })
      row(1, { id: 1, body: 'another row' })
      await deliverAll(more)
      const right = { '1': { id: 1, body: 'another row' }, '2': { id: 2, body: large } }
      expect(await documents()).toEqual(right)
      log.committed.set(`${topic}-0`, 3)
      await deliverAll(more)
      expect(await documents()).toEqual(right)
    },
  )

  it('copies them where a transform writes the deleted row instead of deleting it', async () => {
    row(1, { id: 1, body: large, __deleted: 'false' })
    changes += 1n
    append(1, { id: 1, body: null, __deleted: 'true' }, [keyHeader('newkey', 2)])
    append(2, { id: 2, body: unavailable, __deleted: 'false' }, [keyHeader('oldkey', 1)])
    const task = await deliverAll()
    expect(await documents()).toEqual({
      '1': { id: 1, body: null, __deleted: 'true' },
      '2': { id: 2, body: large, __deleted: 'false' },
    })
    expect(task.conditions).toEqual(new Map())
  })

  it('copies nothing from a row that a transform marked as deleted, and names the missing values', async () => {
    row(1, { id: 1, body: large, __deleted: 'false' })
    changes += 1n
    append(1, { id: 1, body: '', __deleted: 'true' }, [keyHeader('newkey', 2)])
    row(3, { id: 3, body: 'between', __deleted: 'false' })
    changes -= 1n
    append(2, { id: 2, body: unavailable, __deleted: 'false' }, [keyHeader('oldkey', 1)])
    const task = await started()
    await task.deliverAll()
    await task.runUntil('it is told', () => task.conditions.has('ES_VALUES_MISSING'))
    await task.finish()
    expect((await documents())['2']).toEqual({ id: 2, __deleted: 'false' })
  })

  it('copies no null as an unchanged large value, and names it as missing', async () => {
    row(1, { id: 1, body: null })
    row(1, { id: 1, body: unavailable })
    const task = await started()
    await task.deliverAll()
    await task.runUntil('it is told', () => task.conditions.has('ES_VALUES_MISSING'))
    await task.finish()
    expect(await documents()).toEqual({ '1': { id: 1 } })
  })

  it.each([
    ['a transform leaves the creation out', [3]],
    ['a transform leaves the tombstone and the creation out, and the topic continues', [2, 3]],
  ])('is deleted under the old key when %s', async (_name, left) => {
    row(1, { id: 1, body: large })
    keyChange(1, 2, { id: 2, body: unavailable })
    row(8, null)
    const task = sink()
    task.keeps = ({ originalOffset }) => ![...left, 4].includes(originalOffset)
    await task.start()
    await task.deliverAll()
    await task.runUntil('it is deleted', async () => {
      await task.commit()
      return Object.keys(await documents()).length === 0
    })
    await task.finish()
    expect(log.committed.get(`${topic}-0`)).toBe(5)
  })

  it.each([
    ['in one batch', 500],
    ['record by record', 1],
  ])('keeps them where the key changes there and back, wherever the sink is killed, %s', async (_name, batch) => {
    row(1, { id: 1, body: large })
    keyChange(1, 2, { id: 2, body: unavailable })
    keyChange(2, 1, { id: 1, body: unavailable })
    const right = { '1': { id: 1, body: large } }
    await deliverAll({}, batch)
    expect(await documents()).toEqual(right)
    for (let from = 0; from < 7; from++) {
      log.committed.set(`${topic}-0`, from)
      const killed = await started()
      await killed.put(records(from, from + 3))
      await killed.commit()
      await killed.crash()
      const again = await deliverAll({}, batch)
      expect([from, await documents(), again.conditions]).toEqual([from, right, new Map()])
    }
  })

  it('copies them with write.method=upsert too', async () => {
    row(1, { id: 1, body: large })
    keyChange(1, 2, { id: 2, body: unavailable })
    await deliverAll({ 'write.method': 'upsert' })
    expect(await documents()).toEqual({ '2': { id: 2, body: large } })
  })

  it('is deleted under the old key only when the source resends the rest: nothing is lost before', async () => {
    row(1, { id: 1, body: large })
    keyChange(1, 2, { id: 2, body: unavailable })
    const creation = log.records.get(`${topic}-0`)?.pop()
    const task = await started()
    await task.deliverAll()
    expect(Object.keys(await documents())).toEqual(['1'])
    expect(log.committed.get(`${topic}-0`)).toBe(1)
    // The source begins the change again.
    changes -= 1n
    keyChange(1, 2, { id: 2, body: unavailable })
    expect(creation).toBeDefined()
    await task.deliverAll()
    await task.finish()
    expect(await documents()).toEqual({ '2': { id: 2, body: large } })
    expect(log.committed.get(`${topic}-0`)).toBe(6)
  })

  it('names values that no document has: document, fields and record, in the logs, the status and a counter', async () => {
    row(3, { id: 3, body: unavailable, tags: [unavailable] })
    keyChange(4, 5, { id: 5, body: unavailable })
    const task = await started()
    await task.deliverAll()
    await task.runUntil('it is told', () => task.conditions.has('ES_VALUES_MISSING'))
    await task.finish()
    expect(task.counters.get('elasticsearch_missing_values_total')).toBe(3)
    expect(task.logger.lines).toEqual([
      `a value is lost: document '3' of index '${topic}' has no 'body', 'tags' (record ${topic}-0@0)`,
      `a value is lost: document '5' of index '${topic}' has no 'body' (record ${topic}-0@3)`,
    ])
    expect(task.conditions.get('ES_VALUES_MISSING')).toContain('2 documents lack large values')
  })

  it('does not report a value that is missing only during a replay', async () => {
    row(1, { id: 1, body: unavailable })
    row(2, { id: 2, body: unavailable })
    row(1, null)
    row(2, { id: 2, body: 'new' })
    const task = await deliverAll({ 'batch.size': '1' })
    expect(await documents()).toEqual({ '2': { id: 2, body: 'new' } })
    expect([task.conditions.size, task.logger.lines]).toEqual([0, []])
  })
})

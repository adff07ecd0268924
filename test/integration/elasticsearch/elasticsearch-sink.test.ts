import { Logical, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { plugin } from '../../../connectors/elasticsearch-sink/index.ts'
import { ElasticsearchClient } from '../../support/elasticsearch/elasticsearch-client.ts'
import { HttpFaults } from '../../support/http-faults.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'
import { untilPasses } from '../../support/until.ts'

let topic: string
let log: MemoryLog
let faults: HttpFaults
let run = 0

const keySchema = struct([['id', primitive('INT32')]])
const row = struct(
  [
    ['id', primitive('INT32')],
    ['price', primitive('BYTES', { optional: true, name: Logical.decimal, parameters: { scale: '2' } })],
    ['at', primitive('INT64', { optional: true, name: 'io.debezium.time.MicroTimestamp' })],
    ['note', primitive('STRING', { optional: true })],
  ],
  { name: 'v.Value', optional: true },
)
const envelope = struct(
  [
    ['before', row],
    ['after', row],
    ['source', struct([['lsn', primitive('INT64')]])],
    ['op', primitive('STRING')],
  ],
  { name: 'v.Envelope' },
)
const unavailable = '__debezium_unavailable_value'

function change(
  id: number,
  version: number | bigint,
  after: ConnectValue,
  op = 'u',
  valueSchema: Schema = envelope,
): void {
  const value = op === 'tombstone' ? null : [null, after, [1], op]
  log.append({
    topic,
    keySchema,
    key: [id],
    valueSchema: value === null ? null : valueSchema,
    value,
    headers: [{ key: '__penstock.version', schema: null, value: version }],
  })
}

function sink(more: Record<string, string> = {}): SinkTaskHarness {
  return new SinkTaskHarness(
    plugin,
    { name: 'es', topics: topic, 'connection.url': faults.url, 'retry.backoff.ms': '5', ...more },
    log,
  )
}

describeWith(['elasticsearch'], 'the Elasticsearch sink on a real server', () => {
  const client = (): ElasticsearchClient => new ElasticsearchClient(service('elasticsearch'))

  beforeEach(async () => {
    run += 1
    topic = `sink-${process.pid}-${Date.now().toString(36)}-${run}`
    log = new MemoryLog()
    faults = await HttpFaults.before(service('elasticsearch'))
  })
  afterEach(async () => {
    await faults.close()
    await fetch(`${service('elasticsearch')}/${topic}`, { method: 'DELETE' })
  })

  it('writes rows with exact decimals and ISO timestamps, under a mapping that matches', async () => {
    change(1, 100, [1, '12345678901234567.10', 1_700_000_000_123_456, 'a'], 'r')
    const task = sink()
    await task.start()
    await task.deliver()
    await task.finish()
    expect(await client().documents(topic)).toEqual(
      new Map([['1', '{"id":1,"price":"12345678901234567.10","at":"2023-11-14T22:13:20.123456Z","note":"a"}']]),
    )
    const mapping = (await client().json('GET', `/${topic}/_mapping`)) as Record<
      string,
      { mappings: { properties: unknown } }
    >
    expect(mapping[topic]?.mappings.properties).toMatchObject({
      id: { type: 'integer' },
      price: { type: 'double' },
      at: { type: 'date' },
      note: { type: 'text' },
    })
    expect(log.committed.get(`${topic}-0`)).toBe(1)
  })

  it('stores values that their field cannot index: the row of a far year, a numeric of 400 digits', async () => {
    change(1, 100, [1, '9'.repeat(400), 9_224_318_015_999_999_999n, 'far'])
    const task = sink()
    await task.start()
    await task.deliver()
    await task.finish()
    expect((await client().documents(topic)).get('1')).toContain('+294276-12-31T23:59:59.999999Z')
  })

  it('writes infinity as null where the field is a date, and logs it', async () => {
    await client().json('PUT', `/${topic}`, { mappings: { properties: { at: { type: 'date' } } } })
    change(1, 100, [1, null, 9_223_372_036_825_200_000n, 'for good'], 'c')
    change(2, 200, [2, null, -9_223_372_036_832_400_000n, 'always'], 'c')
    const task = sink()
    await task.start()
    await task.deliver()
    await task.finish()
    expect([...(await client().documents(topic)).values()]).toEqual([
      '{"id":1,"price":null,"at":null,"note":"for good"}',
      '{"id":2,"price":null,"at":null,"note":"always"}',
    ])
    expect(task.counters.get('elasticsearch_infinities_total')).toBe(2)
    expect(task.logger.lines).toEqual([expect.stringContaining("field 'at' holds infinity")])
  })

  it('keeps the later change of a document in a replay, and applies deletes', async () => {
    change(1, 100, [1, null, null, 'first'], 'c')
    change(1, 200, [1, null, null, 'second'])
    change(2, 300, [2, null, null, 'gone'], 'c')
    change(2, 400, null, 'd')
    change(2, 401, null, 'tombstone')
    const first = sink()
    await first.start()
    await first.deliverAll()
    await first.crash()
    log.committed.clear()
    const again = sink()
    await again.start()
    await again.deliver(1)
    await again.finish()
    expect([...(await client().documents(topic))]).toEqual([['1', '{"id":1,"price":null,"at":null,"note":"second"}']])
    expect(again.counters.get('elasticsearch_conflicts_total')).toBeGreaterThan(0)
  })

  it('keeps the stored value where a change lacks a large column, also for changes in one request', async () => {
    change(1, 100, [1, '1.00', null, 'large text'], 'c')
    const first = sink()
    await first.start()
    await first.deliverAll()
    change(1, 200, [1, '2.00', null, unavailable])
    change(2, 300, [2, '1.00', null, 'other'], 'c')
    change(2, 301, [2, '3.00', null, unavailable])
    change(3, 400, [3, '4.00', null, unavailable])
    await first.deliver()
    await first.finish()
    const documents = await client().documents(topic)
    expect(documents.get('1')).toBe('{"id":1,"price":"2.00","at":null,"note":"large text"}')
    expect(documents.get('2')).toBe('{"id":2,"price":"3.00","at":null,"note":"other"}')
    expect(documents.get('3')).toBe('{"id":3,"price":"4.00","at":null}')
    expect(first.counters.get('elasticsearch_missing_values_total')).toBe(1)
    expect(first.logger.lines.join()).toContain("document '3'")
  })

  it('keeps the stored value of a column that the source names as unchanged, because its type has no placeholder', async () => {
    change(1, 100, [1, '123.45', null, 'a'], 'c')
    const task = sink()
    await task.start()
    await task.deliverAll()
    const headers = [
      { key: '__penstock.version', schema: null, value: 200 },
      { key: '__penstock.unchanged', schema: null, value: 'price' },
    ]
    log.append({
      topic,
      keySchema,
      key: [1],
      valueSchema: envelope,
      value: [null, [1, null, null, 'b'], [1], 'u'],
      headers,
    })
    await task.deliver()
    await task.finish()
    expect((await client().documents(topic)).get('1')).toBe('{"id":1,"at":null,"note":"b","price":"123.45"}')
  })

  it('deletes no document for a deletion with an unknown key, and reports it', async () => {
    change(0, 100, [0, null, null, 'another row'], 'c')
    for (const value of [[[0, null, null, null], null, [1], 'd'], null]) {
      const headers = [
        { key: '__penstock.version', schema: null, value: 200 },
        { key: '__penstock.unknown', schema: null, value: 'id' },
      ]
      log.append({ topic, keySchema, key: [0], valueSchema: value === null ? null : envelope, value, headers })
    }
    const task = sink()
    await task.start()
    await task.deliver()
    await task.finish()
    expect((await client().documents(topic)).get('0')).toContain('another row')
    expect(task.conditions.get('ES_KEY_UNKNOWN')).toContain(topic)
  })

  it('waits for a server that rejects requests, times out, cuts responses and drops connections, and loses nothing', async () => {
    for (let id = 0; id < 500; id++) change(id, 100 + id, [id, null, null, `n${id}`], 'c')
    const broken = ['503', '429', 'drop', 'cut', 'drop-after', '502']
    let n = 0
    faults.decide = (_method, path) => {
      const kind = broken[n++ % (broken.length + 1)]
      if (kind === undefined || (path !== '/' && n > 30)) return { kind: 'pass' }
      if (kind === 'drop' || kind === 'cut' || kind === 'drop-after') return { kind }
      return { kind: 'answer', status: Number(kind) }
    }
    const task = sink({ 'batch.size': '50', 'max.in.flight.requests': '3' })
    await task.start()
    await task.deliver()
    await task.finish()
    expect(await client().count(topic)).toBe(500)
    expect(log.committed.get(`${topic}-0`)).toBe(500)
    expect(task.counters.get('elasticsearch_retries_total')).toBeGreaterThan(5)
  })

  it('retries where the response with a mapping or a stored value is cut', async () => {
    await client().json('PUT', `/${topic}`, { mappings: { properties: { price: { type: 'double' } } } })
    change(1, 100, [1, '1.00', null, 'large text'], 'c')
    const task = sink()
    await task.start()
    const cut = new Set<string>()
    faults.decide = (method, path) => {
      const what = `${method} ${path.split('?')[0]}`
      if (cut.has(what) || path.startsWith('/_bulk')) return { kind: 'pass' }
      cut.add(what)
      return { kind: 'cut' }
    }
    await task.deliverAll()
    change(1, 200, [1, '2.00', null, unavailable])
    await task.deliver()
    await task.finish()
    expect((await client().documents(topic)).get('1')).toBe('{"id":1,"price":"2.00","at":null,"note":"large text"}')
    expect(cut).toContain(`GET /${topic}/_mapping`)
    expect(cut).toContain('POST /_mget')
  })

  it('fails with Elasticsearch’s reason, the record, the document and the index when a document does not fit', async () => {
    await client().json('PUT', `/${topic}`, { mappings: { properties: { n: { type: 'integer' } } } })
    log.append({ topic, key: 'good', value: { n: 1 } })
    log.append({ topic, key: 'bad', value: { n: 'x' } })
    const task = sink()
    await task.start()
    await expect(task.deliverAll()).rejects.toThrow(
      new RegExp(
        `ES_MALFORMED: Indexing failed: record ${topic}-0@1, document 'bad' of index '${topic}': .*_parsing_exception.*set behavior\\.on\\.malformed\\.documents to warn`,
      ),
    )
    expect(task.raised?.message).toContain('ES_MALFORMED')
    await task.crash()
  })

  it('skips such a document where the config says so, and logs it', async () => {
    await client().json('PUT', `/${topic}`, { mappings: { properties: { n: { type: 'integer' } } } })
    log.append({ topic, key: 'bad', value: { n: 'x' } })
    log.append({ topic, key: 'good', value: { n: 1 } })
    const task = sink({ 'behavior.on.malformed.documents': 'warn' })
    await task.start()
    await task.deliver()
    await task.finish()
    expect([...(await client().documents(topic)).keys()]).toEqual(['good'])
    expect(task.logger.lines.join()).toContain("document 'bad'")
    expect(log.committed.get(`${topic}-0`)).toBe(2)
  })

  it('waits for an alias that is gone, and drops nothing where it has no write index', async () => {
    const alias = `${topic}-alias`
    const point = (action: 'add' | 'remove', writes: boolean): Promise<unknown> =>
      client().json('POST', '/_aliases', {
        actions: [{ [action]: { index: topic, alias, ...(action === 'add' ? { is_write_index: writes } : {}) } }],
      })
    await client().json('PUT', `/${topic}`)
    log.append({ topic, key: '1', value: { a: 1 } })
    log.append({ topic, key: '2', value: { a: 2 } })
    const task = sink({
      'external.resource.usage': 'alias_index',
      'topic.to.external.resource.mapping': `${topic}:${alias}`,
      'behavior.on.malformed.documents': 'ignore',
    })
    await task.start()
    await task.deliver()
    await task.runUntil('it waits', () => (task.counters.get('elasticsearch_retries_total') ?? 0) > 2)
    await point('add', true)
    await task.deliverAll()
    expect(await client().count(topic)).toBe(2)
    await point('add', false)
    log.append({ topic, key: '3', value: { a: 3 } })
    await task.deliver()
    await expect(task.runUntil('it fails', () => false)).rejects.toThrow(
      /ES_REFUSED: .*no write index is defined for alias/,
    )
    await task.crash()
  })

  it('extends the mapping by a new column', async () => {
    change(1, 100, [1, null, null, 'a'], 'c')
    const task = sink()
    await task.start()
    await task.deliverAll()
    const wider = struct(
      [
        ...row.fields.map((field) => [field.name, field.schema] as const),
        ['born', primitive('INT32', { optional: true, name: 'io.debezium.time.Date' })],
      ],
      { name: 'v.Value', optional: true },
    )
    const schema = struct(
      [
        ['before', wider],
        ['after', wider],
        ['source', struct([['lsn', primitive('INT64')]])],
        ['op', primitive('STRING')],
      ],
      { name: 'v.Envelope' },
    )
    change(2, 200, [2, null, null, 'b', 0], 'c', schema)
    await task.deliver()
    await task.finish()
    const mapping = (await client().json('GET', `/${topic}/_mapping`)) as Record<
      string,
      { mappings: { properties: unknown } }
    >
    expect(mapping[topic]?.mappings.properties).toMatchObject({ born: { type: 'date' } })
  })

  it('writes records without a key only when the key is ignored, each once however often it is sent', async () => {
    log.append({ topic, value: { n: 1 } })
    const refusing = sink()
    await refusing.start()
    await expect(refusing.deliver()).rejects.toThrow(new RegExp(`record ${topic}-0@0: ES_NULL_KEY: .*key.ignore=true`))
    await refusing.crash()
    for (let i = 0; i < 2; i++) {
      const task = sink({ 'key.ignore': 'true' })
      await task.start()
      await task.deliver()
      await task.finish()
      log.committed.clear()
    }
    expect([...(await client().documents(topic)).keys()]).toEqual([`${topic}+0+0`])
  })

  it('changes only the fields of the record with write.method=upsert', async () => {
    log.append({ topic, key: '1', value: { a: 1, b: 1 } })
    log.append({ topic, key: '1', value: { b: 2 } })
    log.append({ topic, key: '2', value: { a: 1 } })
    log.append({ topic, key: '2', value: null })
    const task = sink({ 'write.method': 'upsert' })
    await task.start()
    await task.deliver()
    await task.finish()
    expect([...(await client().documents(topic))]).toEqual([['1', '{"a":1,"b":2}']])
  })

  it.each([401, 403])(
    'fails immediately with ES_DENIED when Elasticsearch rejects the user with %i',
    async (status) => {
      const body = JSON.stringify({ error: { type: 'security_exception', reason: 'no' }, status })
      faults.decide = () => ({ kind: 'answer', status, body })
      log.append({ topic, key: '1', value: { a: 1 } })
      const task = sink({ 'connection.username': 'a', 'connection.password': 'secret' })
      await task.start()
      await expect(task.deliverAll()).rejects.toThrow(new RegExp(`ES_DENIED: .*HTTP ${status}`))
      await task.crash()
    },
  )

  it.each([
    ['an index is created', 'PUT', 401],
    ['a mapping is read', 'GET', 403],
    ['documents are written', 'POST', 401],
    ['documents are written', 'POST', 403],
    ['documents are written', 'POST', 302],
    ['documents are written', 'POST', 404],
  ])(
    'waits, and reports it, while a proxy rejects the request with its own page when %s (%s, %i)',
    async (_name, method, status) => {
      await client().json('PUT', `/${topic}`)
      change(1, 100, [1, null, null, 'a'], 'c')
      const body = '<html><body>Forbidden</body></html>'
      faults.decide = (asked) => (asked === method ? { kind: 'answer', status, body } : { kind: 'pass' })
      const task = sink()
      await task.start()
      const delivered = task.deliverAll()
      await untilPasses(async () =>
        expect(task.conditions.get('ES_FOREIGN_RESPONSE')).toContain(`HTTP ${status} to ${method}`),
      )
      faults.decide = () => ({ kind: 'pass' })
      await delivered
      await task.finish()
      expect([await client().count(topic), task.conditions]).toEqual([1, new Map()])
    },
  )

  it('rejects a config at validation when no server listens', async () => {
    const { parseConfig } = await import('../../../src/config/definition/parse-config.ts')
    const raw = { 'connection.url': 'http://127.0.0.1:1', topics: 'a' }
    const problems = await plugin.check?.(parseConfig(plugin.configDef, raw), raw, AbortSignal.timeout(60_000))
    expect(problems).toEqual([
      { key: 'connection.url', message: expect.stringContaining('Could not connect to Elasticsearch') },
    ])
  })
})

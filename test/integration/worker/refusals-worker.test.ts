import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { RestClient } from '../../support/rest/rest-client.ts'
import { eventually, workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'
import { writtenLines } from '../../support/worker/written-lines.ts'
import '../../support/broker/kafkajs-queue.ts'

const text = 'org.apache.kafka.connect.storage.StringConverter'
const converters = { 'key.converter': text, 'value.converter': text }
const directories: string[] = []
const workers: WorkerProcess[] = []

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'penstock-refusals-'))
  directories.push(made)
  return made
}

async function run(settings: Record<string, string> = {}, data = join(directory(), 'log')): Promise<WorkerProcess> {
  const worker = await WorkerProcess.start(await workerPlace(data), settings)
  workers.push(worker)
  return worker
}

/** What a worker says that does not start. */
async function refusal(settings: Record<string, string>, data?: string): Promise<string> {
  try {
    await run(settings, data)
  } catch (error) {
    return String(error)
  }
  throw new RangeError('the worker started')
}

function kafka(worker: WorkerProcess): Kafka {
  return new Kafka({ brokers: [worker.place.broker], logLevel: logLevel.NOTHING })
}

async function produce(worker: WorkerProcess, topic: string, messages: { key: string | null; value: string | null }[]) {
  const producer = kafka(worker).producer({ allowAutoTopicCreation: true })
  await producer.connect()
  await producer.send({ topic, messages, compression: CompressionTypes.None })
  await producer.disconnect()
}

const sinkTo = (file: string, extra: Record<string, string>): Record<string, string> => ({
  'connector.class': 'FileStreamSink',
  file,
  ...converters,
  ...extra,
})

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.kill()))
  for (const made of directories.splice(0)) rmSync(made, { recursive: true, force: true })
})

describe('a worker refuses to start, and says what to do', () => {
  it('when another process has the port of its log', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const said = await refusal({ 'embedded.broker.listener': `127.0.0.1:${port}` })
    other.close()
    expect(said).toContain(`cannot listen on 127.0.0.1:${port} (EADDRINUSE)`)
    expect(said).toContain('Choose another port')
    expect(said).toContain('embedded.broker.listener')
  })

  it('when another worker holds its directory: that process by its id, and both ways out', async () => {
    const data = join(directory(), 'log')
    const owner = await run({}, data)
    const said = await refusal({}, data)
    expect(said).toContain(`in use by process ${owner.pid}`)
    expect(said).toContain('set bootstrap.servers to its address')
    expect(said).toContain('penstock broker')
    expect(owner.ended).toBe(false)
  })

  it.each([
    ['listeners', 'http://0.0.0.0:0'],
    ['embedded.broker.listener', '0.0.0.0:0'],
  ])('when %s is open to other machines, without the line that allows it', async (key, value) => {
    const said = await refusal({ [key]: value })
    expect(said).toContain(`"${key}" listens on 0.0.0.0`)
    expect(said).toContain('listeners.allow.unauthenticated=true')
  })

  it('when a setting does not parse, or is known and not served', async () => {
    expect(await refusal({ 'offset.storage.partitions': 'many' })).toContain(
      'Invalid value many for configuration offset.storage.partitions',
    )
    expect(await refusal({ 'exactly.once.source.support': 'enabled' })).toContain('exactly-once delivery of sources')
  })
})

describe('the REST API refuses, and says what to do', () => {
  let worker: WorkerProcess
  let rest: RestClient

  beforeAll(async () => {
    const data = mkdtempSync(join(tmpdir(), 'penstock-refusals-'))
    worker = await WorkerProcess.start(await workerPlace(data))
    rest = new RestClient(worker.place.rest)
  })
  afterAll(async () => {
    await worker.kill()
    rmSync(worker.place.directory, { recursive: true, force: true })
  })

  it('a class that no plugin has, naming those that there are', async () => {
    const answer = await rest.post('/connectors', { name: 'x', config: { 'connector.class': 'org.example.Nothing' } })
    expect(answer.status).toBe(500)
    expect(answer.body).toContain('Failed to find any class that implements Connector')
    expect(answer.body).toContain('org.example.Nothing')
    expect(answer.body).toContain('io.debezium.connector.postgresql.PostgresConnector')
  })

  it('a config without a class, or with a name of its own', async () => {
    const without = await rest.post('/connectors', { name: 'x', config: {} })
    expect([without.status, without.body]).toEqual([400, expect.stringContaining('contains no connector type')])
    const other = await rest.put('/connectors/x/config', {
      name: 'y',
      'connector.class': 'FileStreamSink',
      topics: 't',
    })
    expect([other.status, other.body]).toEqual([400, expect.stringContaining('y')])
  })

  it.each([
    ['Postgres source', 'PostgresConnector', ['database.hostname', 'database.user', 'database.dbname', 'topic.prefix']],
    ['Elasticsearch sink', 'ElasticsearchSinkConnector', ['connection.url', 'topics']],
    ['S3 sink', 'S3SinkConnector', ['s3.bucket.name', 'flush.size', 'topics']],
  ])('a %s without its options, each by name', async (_title, connector, missing) => {
    const answer = await rest.post('/connectors', { name: 'x', config: { 'connector.class': connector } })
    expect(answer.status).toBe(400)
    for (const key of missing) expect(answer.body).toContain(key)
  })

  it('values that no option takes, with the option and what it takes', async () => {
    const answer = await rest.post('/connectors', {
      name: 'x',
      config: {
        'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
        topics: 't',
        'tasks.max': '0',
        's3.bucket.name': 'b',
        'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
        'flush.size': 'few',
        's3.part.size': '1',
        's3.compression.type': 'brotli',
        'errors.tolerance': 'some',
      },
    })
    expect(answer.status).toBe(400)
    for (const key of ['tasks.max', 'flush.size', 's3.part.size', 's3.compression.type', 'errors.tolerance'])
      expect(answer.body).toContain(key)
  })

  it('JSON that is none, and says where it breaks', async () => {
    const answer = await rest.send('POST', '/connectors', '{"name": "x", "config": {')
    expect(answer.status).toBe(500)
    expect(answer.body).toContain('not valid JSON')
    expect((await rest.get('/connectors')).json).toEqual([])
  })
})

describe('a worker whose log holds what it should not', () => {
  it('continues past garbage in the config topic, and names the record', async () => {
    const data = join(directory(), 'log')
    const first = await run({}, data)
    const output = join(directory(), 'out.txt')
    await first.post('sink', sinkTo(output, { topics: 'lines' }))
    await produce(first, 'connect-configs', [
      { key: 'connector-broken', value: 'no JSON at all' },
      { key: 'connector-list', value: '[1, 2]' },
      { key: 'what-is-this', value: '{}' },
      { key: 'commit-sink', value: '{"tasks":"three"}' },
    ])
    await produce(first, 'lines', [{ key: null, value: 'one' }])
    await eventually('the sink continues', 60_000, async () => (writtenLines(output).length === 1 ? true : null))
    await first.stop()
    const second = await run({}, data)
    await produce(second, 'lines', [{ key: null, value: 'two' }])
    await eventually('the sink continues', 60_000, async () => (writtenLines(output).length === 2 ? true : null))
    expect(await second.request('GET', '/connectors')).toEqual(['sink'])
    for (const worker of [first, second]) {
      expect(worker.output).toContain('connect-configs')
      expect(worker.output).toContain('its value is not JSON')
      expect(worker.output).toContain('its key is none of those that Connect writes')
    }
  })

  it('cuts the torn end of a segment, says so, and keeps every record before it', async () => {
    const data = join(directory(), 'log')
    const first = await run({}, data)
    const messages = Array.from({ length: 100 }, (_, i) => ({ key: null, value: `line ${i}` }))
    await produce(first, 'lines', messages)
    await first.kill()
    const partition = readdirSync(data, { recursive: true, encoding: 'utf8' }).find((path) =>
      /lines-0.*\.log$/.test(path),
    )
    expect(partition).toBeDefined()
    const segment = join(data, partition ?? '')
    const whole = readFileSync(segment)
    // The beginning of a batch again, as a write leaves it that did not finish.
    appendFileSync(segment, whole.subarray(0, Math.floor(whole.length / 2)))
    const second = await run({}, data)
    expect(second.output).toContain('cutting the unfinished end of a segment')
    expect(second.output).toContain(segment)
    expect(readFileSync(segment)).toEqual(whole)
    const output = join(directory(), 'out.txt')
    await second.post('sink', sinkTo(output, { topics: 'lines' }))
    const lines = await eventually('all lines', 60_000, async () =>
      writtenLines(output).length >= 100 ? writtenLines(output) : null,
    )
    expect(lines).toEqual(messages.map(({ value }) => value))
  })

  it('fails a sink whose committed offset was removed, and does not jump over what is missing', async () => {
    const worker = await run({ 'offset.flush.interval.ms': '200' })
    const output = join(directory(), 'out.txt')
    await produce(worker, 'lines', [{ key: null, value: 'one' }])
    await worker.post('sink', sinkTo(output, { topics: 'lines' }))
    const admin = kafka(worker).admin()
    await admin.connect()
    await eventually('the first offset is committed', 60_000, async () => {
      const [found] = await admin.fetchOffsets({ groupId: 'connect-sink', topics: ['lines'] })
      return found?.partitions[0]?.offset === '1' ? true : null
    })
    await worker.request('PUT', '/connectors/sink/stop')
    await eventually('it has stopped', 60_000, async () => {
      const { tasks } = (await worker.request('GET', '/connectors/sink/status')) as { tasks: unknown[] }
      return tasks.length === 0 ? true : null
    })
    await produce(
      worker,
      'lines',
      ['two', 'three', 'four'].map((value) => ({ key: null, value })),
    )
    await admin.deleteTopicRecords({ topic: 'lines', partitions: [{ partition: 0, offset: '3' }] })
    await admin.disconnect()
    await worker.request('PUT', '/connectors/sink/resume')
    const [failure] = await eventually('the sink fails', 60_000, async () => {
      const found = await worker.failures()
      return found.length > 0 ? found : null
    })
    expect(failure).toContain('offset 1 of lines-0 is outside its log (3 to 4)')
    expect(failure).toContain('offsets 1 to 2 were removed by retention before they were read')
    expect(failure).toContain('set consumer.override.auto.offset.reset in the config of the connector')
    expect(writtenLines(output)).toEqual(['one'])
  })

  it('gives a topic that appears to the sinks whose topics.regex it matches, long before metadata.max.age.ms', async () => {
    const worker = await run()
    const output = join(directory(), 'out.txt')
    await worker.post('sink', sinkTo(output, { 'topics.regex': 'shop\\..*' }))
    await produce(worker, 'shop.first', [{ key: null, value: 'first' }])
    await eventually('the sink has found a topic', 60_000, async () =>
      writtenLines(output).length === 1 ? true : null,
    )
    for (let i = 0; i < 3; i += 1) {
      await produce(worker, `shop.later${i}`, [{ key: null, value: 'later' }])
      await eventually('the line of a later topic', 60_000, async () =>
        writtenLines(output).length === i + 2 ? true : null,
      )
    }
  })
})

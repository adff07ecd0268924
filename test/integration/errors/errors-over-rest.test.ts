import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import { ClientHarness, Outcomes, readAll, textRecord, writeAll } from '../../contract/client-harness.ts'
import { untilPasses } from '../../support/until.ts'
import { eventually, WorkerProcess, workerPlace } from '../../support/worker/worker-process.ts'

const json = 'org.apache.kafka.connect.json.JsonConverter'
const text = 'org.apache.kafka.connect.storage.StringConverter'
const tolerant = {
  'errors.tolerance': 'all',
  'errors.deadletterqueue.topic.name': 'letters',
  'errors.deadletterqueue.context.headers.enable': 'true',
}

interface Errors {
  readonly causes: readonly { readonly cause: string; readonly count: number; readonly [key: string]: unknown }[]
  readonly read: { readonly records: number; readonly own: number; readonly complete: boolean }
  readonly next: string | null
  readonly note: string | null
}

describe('the dead letters of connectors over REST', () => {
  let worker: WorkerProcess
  let client: KafkaClient
  let directory = ''
  let harness: ClientHarness

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'penstock-errors-'))
    const settings = { 'offset.flush.interval.ms': '100', 'config.providers': 'file' }
    worker = await WorkerProcess.start(await workerPlace(join(directory, 'log')), {
      ...settings,
      'config.providers.file.class': 'org.apache.kafka.common.config.provider.FileConfigProvider',
      'config.providers.file.param.allowed.paths': directory,
    })
    harness = new ClientHarness(worker.place.broker)
    client = await harness.connect()
    for (const name of ['orders', 'shop']) await client.admin.createTopic({ name, partitions: 1, replicationFactor: 1 })
    const anyTime = { 'message.timestamp.after.max.ms': String(2n ** 63n - 1n) }
    await client.admin.createTopic({ name: 'letters', partitions: 2, replicationFactor: 1, configs: anyTime })
    await writeAll(client, 'orders', ['1', 'none {', '2', 'nothing', '{"a":'])
    await writeAll(client, 'shop', ['no JSON'])
    await worker.post('orders-sink', sink('orders', tolerant))
    await worker.post('shop-sink', sink('shop', tolerant))
    await eventually('four dead letters', 60_000, async () =>
      (await readAll(client, 'letters')).length === 4 ? true : null,
    )
  }, 120_000)
  afterAll(async () => {
    await harness?.close()
    await worker?.kill()
    rmSync(directory, { recursive: true, force: true })
  })

  const sink = (topics: string, more: Readonly<Record<string, string>>): Record<string, string> => ({
    'connector.class': 'FileStreamSink',
    file: join(directory, `${topics}.out`),
    topics,
    'key.converter': text,
    'value.converter': json,
    'value.converter.schemas.enable': 'false',
    ...more,
  })
  const errors = async (connector: string, query = ''): Promise<Errors> =>
    (await worker.request('GET', `/connectors/${connector}/errors${query}`)) as Errors
  const refusal = async (path: string): Promise<unknown> => {
    const response = await fetch(`${worker.place.rest}${path}`)
    return [response.status, ((await response.json()) as { message: string }).message]
  }

  /** Records with these keys that the sink of orders fails on. */
  async function writeLetters(keys: readonly string[]): Promise<void> {
    const before = await readAll(client, 'letters')
    const producer = client.producer(new Outcomes())
    for (const [index, key] of keys.entries()) producer.append(textRecord('orders', key, 'no JSON', 0), index)
    await producer.flush()
    await producer.close()
    await untilPasses(async () => expect(await readAll(client, 'letters')).toHaveLength(before.length + keys.length))
  }

  it('are those of the connector alone, where several share a topic', async () => {
    const found = await errors('orders-sink')
    expect(found).toMatchObject({
      topic: 'letters',
      read: { own: 3, records: 4, complete: true },
      next: null,
      note: null,
    })
    expect(found.causes.reduce((sum, { count }) => sum + count, 0)).toBe(3)
    expect(found.causes[0]).toMatchObject({
      stage: 'VALUE_CONVERTER',
      class: json,
      exception: 'org.apache.kafka.connect.errors.DataException',
      first_time: expect.stringMatching(/^\d{4}-/),
      example: { record: { topic: 'orders', partition: 0 }, dead_letter: { partition: expect.any(Number) } },
    })
    expect(await errors('shop-sink')).toMatchObject({
      causes: [{ count: 1, example: { record: { topic: 'shop', partition: 0, offset: 0 } } }],
    })
  })

  it('can be read in parts, which together have each letter once', async () => {
    await writeLetters(['k0', 'k1', 'k2', 'k3', 'k4'])
    const partitions = (await readAll(client, 'letters')).map(({ partition }) => partition)
    // One of them is read before the other.
    expect(new Set(partitions).size).toBe(2)
    expect(partitions.length % 2).toBe(1)
    let query = '?limit=1'
    let own = 0
    for (let part = 1; part <= 20; part += 1) {
      const { read, next, note } = await errors('orders-sink', query)
      own += read.own
      expect(read.complete).toBe(next === null)
      expect(note === null).toBe(next === null)
      if (next === null) break
      expect(note).toContain('Not everything was read')
      query = `?limit=1&before=${next}`
    }
    expect(own).toBe(8)
  })

  it('are shown whatever other programs have written into the topic', async () => {
    const outcomes = new Outcomes()
    const producer = client.producer(outcomes)
    const header = (key: string, value: Buffer | null) => ({ key: `__connect.errors.${key}`, value })
    const hostile = [
      header('connector.name', Buffer.from('hostile')),
      header('stage', null),
      header('exception.message', Buffer.from([0xff, 0x00, 0x22])),
      header('topic', Buffer.from('__proto__')),
      { key: '__penstock.errors.source.offset', value: Buffer.from('['.repeat(9000)) },
    ]
    const timestamp = Number.MAX_SAFE_INTEGER
    producer.append({ topic: 'letters', partition: 0, key: null, value: null, headers: hostile, timestamp }, 0)
    producer.append({ topic: 'letters', partition: 1, key: null, value: null, headers: [], timestamp: 1 }, 1)
    await producer.flush()
    await producer.close()
    expect(outcomes.failed).toEqual([])
    await worker.post('hostile', sink('shop', tolerant))
    await untilPasses(async () => expect((await errors('hostile')).read.own).toBeGreaterThanOrEqual(2))
    const found = await errors('hostile')
    expect(found.read).toMatchObject({ without_context: 1 })
    expect(found.causes).toContainEqual(
      expect.objectContaining({
        stage: '',
        first_time: null,
        example: expect.objectContaining({
          record: { topic: '__proto__', source_partition: null, source_offset: null },
        }),
      }),
    )
  })

  it('of a source have the place in the source', async () => {
    writeFileSync(join(directory, 'in.txt'), 'one\n')
    await worker.post('source', {
      'connector.class': 'FileStreamSource',
      file: join(directory, 'in.txt'),
      topic: 'lines',
      transforms: 'number',
      'transforms.number.type': 'org.apache.kafka.connect.transforms.Cast$Value',
      'transforms.number.spec': 'int32',
      ...tolerant,
    })
    await untilPasses(async () => expect((await errors('source')).read.own).toBe(1))
    const place = {
      topic: 'lines',
      source_partition: { filename: join(directory, 'in.txt') },
      source_offset: { position: 4 },
    }
    expect((await errors('source')).causes).toMatchObject([{ stage: 'TRANSFORMATION', example: { record: place } }])
  })

  it('are refused by name where they cannot be told', async () => {
    await worker.post('none', sink('orders', {}))
    expect(await refusal('/connectors/none/errors')).toEqual([
      400,
      expect.stringContaining('Name its topic with errors.deadletterqueue.topic.name'),
    ])
    await worker.post('bare', sink('orders', { ...tolerant, 'errors.deadletterqueue.context.headers.enable': 'false' }))
    expect(await refusal('/connectors/bare/errors')).toEqual([
      400,
      expect.stringContaining('Set errors.deadletterqueue.context.headers.enable=true'),
    ])
    writeFileSync(join(directory, 'names.properties'), 'topic=letters\n')
    const reference = `\${file:${join(directory, 'names.properties')}:topic}`
    await worker.post('secret', sink('orders', { ...tolerant, 'errors.deadletterqueue.topic.name': reference }))
    expect(await refusal('/connectors/secret/errors')).toEqual([
      400,
      expect.stringContaining('reference to a config provider in errors.deadletterqueue.topic.name'),
    ])
    expect(await refusal('/connectors/unknown/errors')).toEqual([404, 'Connector unknown not found'])
    for (const query of ['limit=0', 'limit=100001', 'limit=ten', 'before=', 'before=0', 'before=0:1,', 'before=a:1'])
      expect(await refusal(`/connectors/orders-sink/errors?${query}`), query).toEqual([400, expect.any(String)])
    await worker.request('PUT', '/connectors/bare/config', {
      ...sink('orders', tolerant),
      'errors.deadletterqueue.topic.name': 'absent',
      'tasks.max': '1',
    })
    await worker.request('PUT', '/connectors/bare/stop')
    expect((await fetch(`${worker.place.rest}/connectors/bare/errors`)).status).toBe(200)
  })
})

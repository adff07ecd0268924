import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { FetchedRecord } from '../../../src/client/consumer/fetched-record.ts'
import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import { ClientHarness, Outcomes, readAll } from '../../contract/client-harness.ts'
import { untilPasses } from '../../support/until.ts'
import { WorkerProcess, workerPlace, type WorkerPlace } from '../../support/worker/worker-process.ts'

const json = 'org.apache.kafka.connect.json.JsonConverter'
const bytes = 'org.apache.kafka.connect.converters.ByteArrayConverter'
/** Key and value: `bad` is no JSON. */
type Entry = readonly [key: Buffer | string | null, value: string, partition?: number]
const binary = Buffer.from([0xff, 0x00, 0x0a])

describe('keys that are parked behind their dead letters', () => {
  let place: WorkerPlace
  let directory = ''
  let worker: WorkerProcess
  let client: KafkaClient
  let harness: ClientHarness | null = null

  async function start(): Promise<void> {
    worker = await WorkerProcess.start(place, { 'offset.flush.interval.ms': '100', 'session.timeout.ms': '6000' })
    harness = new ClientHarness(place.broker)
    client = await harness.connect()
  }
  async function kill(): Promise<void> {
    await harness?.close()
    harness = null
    await worker?.kill()
  }
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'penstock-parked-'))
    place = await workerPlace(join(directory, 'log'))
    await start()
    await client.admin.createTopic({ name: 'orders', partitions: 2, replicationFactor: 1 })
  }, 120_000)
  afterEach(async () => {
    await kill()
    rmSync(directory, { recursive: true, force: true })
  })

  const sink = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
    'connector.class': 'FileStreamSink',
    file: join(directory, 'out.txt'),
    topics: 'orders',
    'key.converter': bytes,
    'value.converter': json,
    'value.converter.schemas.enable': 'false',
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': 'letters',
    'errors.deadletterqueue.context.headers.enable': 'true',
    'errors.deadletterqueue.park.keys': 'true',
    ...more,
  })
  async function write(...entries: readonly Entry[]): Promise<void> {
    const outcomes = new Outcomes()
    const producer = client.producer(outcomes)
    for (const [index, [key, value, partition = 0]] of entries.entries()) {
      const bare = { topic: 'orders', partition, value: Buffer.from(value), headers: [], timestamp: null }
      producer.append({ ...bare, key: key === null ? null : Buffer.from(key) }, index)
    }
    await producer.flush()
    await producer.close()
    expect(outcomes.failed).toEqual([])
  }
  const delivered = (file = 'out.txt'): string[] => {
    const path = join(directory, file)
    return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : []
  }
  const behind = ({ headers }: FetchedRecord): string | null | undefined => {
    const found = headers.findLast(({ key }) => key === '__penstock.errors.parked.behind')
    return found === undefined ? undefined : (found.value?.toString() ?? null)
  }
  const letters = async (): Promise<unknown[]> =>
    (await readAll(client, 'letters')).map((letter) => [
      letter.key?.toString('latin1') ?? null,
      letter.value?.toString(),
      behind(letter),
    ])
  const status = async (connector = 'sink'): Promise<string> =>
    JSON.stringify(await worker.request('GET', `/connectors/${connector}/status`))

  it('send later records of these keys, whatever their bytes, to the dead letter queue in their order, and no others (I12)', async () => {
    await worker.post('sink', sink())
    await write(
      ['a', '1'],
      ['a', 'bad'],
      ['b', '2'],
      ['a', '3'],
      [null, 'bad'],
      [null, '4'],
      ['', 'bad'],
      ['', '5'],
      [binary, 'bad'],
      [binary, '6'],
      ['a', '7', 1],
      ['a', '8'],
    )
    await untilPasses(async () => expect(await letters()).toHaveLength(8))
    expect(await letters()).toEqual([
      ['a', 'bad', null],
      ['a', '3', 'orders-0@1'],
      [null, 'bad', null],
      ['', 'bad', null],
      ['', '5', 'orders-0@6'],
      ['\u00ff\u0000\n', 'bad', null],
      ['\u00ff\u0000\n', '6', 'orders-0@8'],
      ['a', '8', 'orders-0@1'],
    ])
    await untilPasses(() => expect(delivered().toSorted()).toEqual(['1', '2', '4', '7']))
    await untilPasses(async () =>
      expect(await status()).toMatch(/PARKED_KEYS: .*3 keys are parked behind dead letters in topic letters/),
    )
    await untilPasses(async () => {
      const metrics = await (await fetch(`${place.rest}/metrics`)).text()
      expect(metrics).toContain('penstock_task_error_records_parked_total{connector="sink",task="0"} 4\n')
      expect(metrics).toContain('penstock_task_error_parked_keys{connector="sink",task="0"} 3\n')
    })
    // They are a cause of their own.
    const { causes } = (await worker.request('GET', '/connectors/sink/errors')) as { causes: { count: number }[] }
    expect(causes.map(({ count }) => count)).toEqual([4, 4])
  })

  it('stay parked when the worker is killed, and when their partitions move to another task (I9)', async () => {
    await worker.post('sink', sink())
    await write(['a', 'bad'], ['c', 'bad', 1], ['b', '1'])
    await untilPasses(() => expect(delivered()).toEqual(['1']))
    await untilPasses(async () => expect(await letters()).toHaveLength(2))
    await kill()
    await start()
    await write(['a', '2'], ['b', '3'], ['c', '4', 1])
    await untilPasses(async () =>
      expect(await letters()).toEqual(
        expect.arrayContaining([
          ['a', '2', 'orders-0@0'],
          ['c', '4', 'orders-1@0'],
        ]),
      ),
    )
    await untilPasses(async () => expect(await status()).toContain('2 keys are parked'))
    await worker.request('PUT', '/connectors/sink/config', sink({ 'tasks.max': '2' }))
    await untilPasses(async () => expect((await status()).match(/1 key is parked/g) ?? []).toHaveLength(2))
    await write(['a', '5'], ['b', '6'], ['c', '7', 1], ['d', '8', 1])
    await untilPasses(async () =>
      expect(await letters()).toEqual(
        expect.arrayContaining([
          ['a', '5', 'orders-0@0'],
          ['c', '7', 'orders-1@0'],
        ]),
      ),
    )
    await untilPasses(() => expect(new Set(delivered())).toEqual(new Set(['1', '3', '6', '8'])))
  })

  it('are those of one connector, where others share the dead letter queue', async () => {
    await worker.post('sink', sink())
    await write(['a', 'bad'], ['a', '1'])
    await untilPasses(async () => expect(await letters()).toHaveLength(2))
    const text = 'org.apache.kafka.connect.storage.StringConverter'
    await worker.post('other', sink({ file: join(directory, 'other.txt'), 'value.converter': text }))
    await untilPasses(() => expect(delivered('other.txt')).toEqual(['bad', '1']))
    expect(await letters()).toHaveLength(2)
    expect(await status('other')).not.toContain('PARKED_KEYS')
  })

  it('are released by another dead letter queue; from rewound offsets, their records are delivered in order', async () => {
    await worker.post('sink', sink())
    await write(['a', 'bad'], ['a', '1'], ['b', '2'])
    await untilPasses(() => expect(delivered()).toEqual(['2']))
    await untilPasses(async () => expect(await letters()).toHaveLength(2))
    await worker.request('PUT', '/connectors/sink/stop')
    const at = { partition: { kafka_topic: 'orders', kafka_partition: 0 }, offset: { kafka_offset: 0 } }
    await untilPasses(async () => await worker.request('PATCH', '/connectors/sink/offsets', { offsets: [at] }))
    const corrected = { 'value.converter': 'org.apache.kafka.connect.storage.StringConverter' }
    await worker.request('PUT', '/connectors/sink/config', {
      ...sink({ ...corrected, 'errors.deadletterqueue.topic.name': 'letters-2' }),
    })
    await worker.request('PUT', '/connectors/sink/resume')
    await untilPasses(() => expect(delivered()).toEqual(['2', 'bad', '1', '2']))
    expect(await letters()).toHaveLength(2)
  })

  it('have a limit, at which the task fails by name and commits nothing', async () => {
    await worker.post('sink', sink({ 'errors.deadletterqueue.park.keys.max': '2' }))
    await write(['a', 'bad'], ['b', 'bad'], ['a', 'bad'], ['c', 'bad'], ['d', '1'])
    await untilPasses(async () => expect(await status()).toContain('PARKED_KEYS_LIMIT: 2 keys are parked'))
    expect(await letters()).not.toContainEqual(['c', 'bad', null])
    await worker.request('PUT', '/connectors/sink/config', sink({ 'errors.deadletterqueue.park.keys.max': '3' }))
    await untilPasses(() => expect(delivered()).toEqual(['1']))
    await untilPasses(async () => expect(await letters()).toContainEqual(['c', 'bad', null]))
  })
})

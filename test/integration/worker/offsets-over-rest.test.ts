import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Kafka, logLevel } from 'kafkajs'
import { beforeEach, describe, expect, it } from 'vitest'

import { RestClient } from '../../support/rest/rest-client.ts'
import { untilPasses } from '../../support/until.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import type { WorkerProcess } from '../../support/worker/worker-process.ts'
import { writtenLines } from '../../support/worker/written-lines.ts'

const text = 'org.apache.kafka.connect.storage.StringConverter'
const converters = { 'key.converter': text, 'value.converter': text }
const group = { 'group.id': 'workers' }

const workers = testWorkers()
let worker: WorkerProcess
let rest: RestClient

beforeEach(async () => {
  worker = await workers.start(group)
  rest = new RestClient(worker.place.rest)
})

const output = (): readonly string[] => writtenLines(join(workers.directory, 'out'))

/** Five lines of a file have passed through a topic into another file. */
async function moveLines(): Promise<void> {
  writeFileSync(join(workers.directory, 'in'), 'a\nb\nc\nd\ne\n')
  await worker.post('src', {
    'connector.class': 'FileStreamSource',
    file: join(workers.directory, 'in'),
    topic: 't',
    ...converters,
  })
  await worker.post('snk', {
    'connector.class': 'FileStreamSink',
    file: join(workers.directory, 'out'),
    topics: 't',
    ...converters,
  })
  await untilPasses(() => expect(output()).toEqual(['a', 'b', 'c', 'd', 'e']))
}

const success = (done: string): object => ({
  status: 200,
  json: { message: `The offsets for this connector have been ${done} successfully` },
})

async function send(method: string, path: string, body: unknown = null): Promise<object> {
  const { status, json } = await rest.send(method, path, body)
  return { status, json }
}

describe('offsets over REST', () => {
  it('of a source are where it continues: those that were set, or the beginning after a reset', async () => {
    await moveLines()
    const partition = { filename: join(workers.directory, 'in') }
    await worker.request('PUT', '/connectors/src/stop')
    // Sent while the task still stops: what it commits then comes before the change.
    expect(
      await send('PATCH', '/connectors/src/offsets', { offsets: [{ partition, offset: { position: 6 } }] }),
    ).toEqual(success('altered'))
    expect(await send('GET', '/connectors/src/offsets')).toMatchObject({
      json: { offsets: [{ partition, offset: { position: 6 } }] },
    })
    await worker.request('PUT', '/connectors/src/resume')
    await untilPasses(() => expect(output().slice(5)).toEqual(['d', 'e']))
    await worker.request('PUT', '/connectors/src/stop')
    expect(await send('DELETE', '/connectors/src/offsets')).toEqual(success('reset'))
    expect(await send('DELETE', '/connectors/src/offsets')).toEqual(success('reset'))
    expect(await send('GET', '/connectors/src/offsets')).toMatchObject({ json: { offsets: [] } })
    await worker.request('PUT', '/connectors/src/resume')
    await untilPasses(() => expect(output().slice(7)).toEqual(['a', 'b', 'c', 'd', 'e']))
  })

  it('of a sink are where its group continues: those that were set, or the beginning after a reset', async () => {
    await moveLines()
    await worker.request('PUT', '/connectors/snk/stop')
    const offsets = [{ partition: { kafka_topic: 't', kafka_partition: '0' }, offset: { kafka_offset: 3 } }]
    expect(await send('PATCH', '/connectors/snk/offsets', { offsets })).toEqual(success('altered'))
    await worker.request('PUT', '/connectors/snk/resume')
    await untilPasses(() => expect(output().slice(5)).toEqual(['d', 'e']))
    await worker.request('PUT', '/connectors/snk/stop')
    expect(await send('DELETE', '/connectors/snk/offsets')).toEqual(success('reset'))
    expect(await send('GET', '/connectors/snk/offsets')).toMatchObject({ json: { offsets: [] } })
    await worker.request('PUT', '/connectors/snk/resume')
    await untilPasses(() => expect(output().slice(7)).toEqual(['a', 'b', 'c', 'd', 'e']))
  })

  it('of a sink stay when another program is a member of its group, or the topic does not exist', async () => {
    await moveLines()
    await worker.request('PUT', '/connectors/snk/stop')
    await untilPasses(async () =>
      expect(await send('GET', '/connectors/snk/offsets')).toMatchObject({
        json: { offsets: [{ offset: { kafka_offset: 5 } }] },
      }),
    )
    const client = new Kafka({ brokers: [worker.place.broker], logLevel: logLevel.NOTHING })
    const other = client.consumer({ groupId: 'connect-snk' })
    try {
      const joined = new Promise((resolve) => other.on('consumer.group_join', resolve))
      await other.subscribe({ topic: 't' })
      await other.run({ autoCommit: false, eachMessage: async () => undefined })
      await joined
      const busy = expect.stringMatching(
        /^Failed to (alter|reset) consumer group offsets for connector snk either because its tasks/,
      )
      const at = (kafka_topic: string, offset: object | null): object => ({
        offsets: [{ partition: { kafka_topic, kafka_partition: 0 }, offset }],
      })
      expect(await send('DELETE', '/connectors/snk/offsets')).toMatchObject({ status: 500, json: { message: busy } })
      for (const offset of [{ kafka_offset: 1 }, null]) {
        const answer = await send('PATCH', '/connectors/snk/offsets', at('t', offset))
        expect(answer).toMatchObject({ status: 500, json: { message: busy } })
      }
      await other.disconnect()
      expect(await send('PATCH', '/connectors/snk/offsets', at('nope', { kafka_offset: 1 }))).toMatchObject({
        status: 500,
        json: { message: expect.stringMatching(/^Failed to alter consumer group offsets for connector snk: .*nope/) },
      })
      expect(await send('GET', '/connectors/snk/offsets')).toMatchObject({
        json: { offsets: [{ offset: { kafka_offset: 5 } }] },
      })
    } finally {
      await other.disconnect()
    }
  })

  it('are changed by any worker of the group, as configs are', async () => {
    await moveLines()
    const second = await workers.start({ ...group, 'bootstrap.servers': worker.place.broker })
    rest = new RestClient(second.place.rest)
    await untilPasses(async () => expect(await second.request('GET', '/connectors')).toHaveLength(2))
    await second.request('PUT', '/connectors/snk/stop')
    await untilPasses(async () => expect(await send('DELETE', '/connectors/snk/offsets')).toEqual(success('reset')))
    expect(
      await send('PATCH', '/connectors/snk/config', { 'x.y': 'z', topics: null, 'topics.regex': 't' }),
    ).toMatchObject({
      status: 200,
      json: { name: 'snk', config: { 'x.y': 'z', 'topics.regex': 't' } },
    })
    await second.request('PUT', '/connectors/snk/resume')
    await untilPasses(() => expect(output().slice(5)).toEqual(['a', 'b', 'c', 'd', 'e']))
  })

  it('that are malformed are rejected, and change nothing', async () => {
    await moveLines()
    for (const connector of ['src', 'snk']) await worker.request('PUT', `/connectors/${connector}/stop`)
    const before = await rest.get('/connectors/src/offsets')
    const statusOf = async (connector: string, body: unknown): Promise<unknown> =>
      (await rest.send('PATCH', `/connectors/${connector}/offsets`, body)).status
    for (const body of ['[]', { key: [] }, { offsets: {} }, { offsets: [123] }, { offsets: [{ partition: 1 }] }]) {
      expect([body, await statusOf('src', body)]).toEqual([body, 500])
    }
    const sinkAt = (partition: unknown, offset: unknown): object => ({ offsets: [{ partition, offset }] })
    const t0 = { kafka_topic: 't', kafka_partition: 0 }
    for (const body of [
      {},
      { offsets: [] },
      { offsets: null },
      sinkAt(null, null),
      sinkAt({ kafka_topic: 't' }, null),
      sinkAt({ kafka_topic: 't', kafka_partition: 1.5 }, null),
      sinkAt({ kafka_topic: 't', kafka_partition: 4_294_967_296 }, null),
      sinkAt(t0, {}),
      sinkAt(t0, { kafka_offset: null }),
      sinkAt(t0, { kafka_offset: '0x10' }),
      sinkAt(t0, { kafka_offset: 1e300 }),
    ]) {
      expect([body, await statusOf('snk', body)]).toEqual([body, 400])
    }
    expect(await statusOf('src', sinkAt({ filename: 'f' }, { position: { nested: 1 } }))).toBe(400)
    expect((await rest.get('/connectors/src/offsets')).body).toBe(before.body)
  })
})

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { KafkaClient } from '../../../src/client/kafka-client.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { writeAll } from '../../contract/client-harness.ts'
import { deleteRecords, recreateTopic } from '../../support/broker/cluster-tools.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { describeWith, service } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { kafkaSettings } from '../../support/worker/kafka-settings.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'

const text = 'org.apache.kafka.connect.storage.StringConverter'
const override = 'consumer.override.auto.offset.reset'
const workers = testWorkers()
const clients: KafkaClient[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})

interface Task {
  readonly state: string
  readonly trace?: string
}

/** A worker with a file sink that has written and committed `a` and `b`; null is the embedded broker. */
async function running(
  config: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string>> = {},
  kafka: string | null = null,
) {
  const topic = `reset-${process.pid}-${Date.now().toString(36)}`
  const worker = await workers.start({
    'offset.flush.interval.ms': '100',
    ...(kafka === null ? {} : kafkaSettings(kafka, `group-${topic}`)),
    ...settings,
  })
  const bootstrapServers = kafka ?? worker.place.broker
  const options = { bootstrapServers, clientId: 'test', clock: systemClock, logger: quietLogger() }
  const client = await KafkaClient.connect(options)
  clients.push(client)
  const output = join(workers.directory, 'out.txt')
  const base = { 'connector.class': 'FileStreamSink', file: output, topics: topic, 'value.converter': text }
  const lines = () => (existsSync(output) ? readFileSync(output, 'utf8').split('\n').slice(0, -1).join('') : '')
  const task = async (): Promise<Task | undefined> => {
    const status = (await worker.request('GET', `/connectors/${topic}/status`)) as { tasks: readonly Task[] }
    return status.tasks[0]
  }
  const committed = async () => (await client.admin.groupOffsets(`connect-${topic}`))[0]?.offset
  /** The offsets are written once the task has ended, which its status does not show. */
  const stopAt = async (offset: number): Promise<void> => {
    await worker.request('PUT', `/connectors/${topic}/stop`)
    await worker.request('PATCH', `/connectors/${topic}/offsets`, {
      offsets: [{ partition: { kafka_topic: topic, kafka_partition: 0 }, offset: { kafka_offset: offset } }],
    })
  }
  await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
  await writeAll(client, topic, ['a', 'b'])
  await worker.post(topic, { ...base, ...config })
  const latest = config[override] === 'latest'
  if (latest) {
    await untilPasses(async () => expect((await task())?.state).toBe('RUNNING'))
    await stopAt(0)
    await worker.request('PUT', `/connectors/${topic}/resume`)
  }
  await untilPasses(() => expect(lines()).toBe('ab'))
  await untilPasses(async () => expect(await committed()).toBe(2))
  return {
    worker,
    topic,
    lines,
    task,
    stop: () => stopAt(2),
    write: (...values: string[]) => writeAll(client, topic, values),
    removeBefore: (offset: number) => deleteRecords(bootstrapServers, { topic, partition: 0 }, offset),
    recreate: () => recreateTopic(client, bootstrapServers, topic),
    committed,
    resume: () => worker.request('PUT', `/connectors/${topic}/resume`),
    reconfigure: (more: Record<string, string>) =>
      worker.request('PUT', `/connectors/${topic}/config`, { name: topic, ...base, ...more }),
    failure: async (): Promise<string> =>
      await untilPasses(async () => {
        const found = await task()
        expect(found?.state).toBe('FAILED')
        return found?.trace ?? ''
      }),
    trace: async (): Promise<string> =>
      await untilPasses(async () => {
        const found = await task()
        expect(found).toMatchObject({ state: 'RUNNING', trace: expect.stringContaining('RECORDS_SKIPPED') })
        return found?.trace ?? ''
      }),
    metrics: async () => await (await fetch(`${worker.place.rest}/metrics`)).text(),
  }
}

/** The sink is stopped at offset 2, and records up to offset 4 are deleted meanwhile. */
async function afterRetention(...args: Parameters<typeof running>) {
  const sink = await running(...args)
  await sink.stop()
  expect(await sink.committed()).toBe(2)
  await sink.write('c', 'd', 'e', 'f')
  await sink.removeBefore(4)
  await sink.resume()
  return sink
}

async function continuesAtTheStart(...args: Parameters<typeof running>): Promise<void> {
  const { topic, trace, lines, metrics, write, worker } = await afterRetention(...args)
  await untilPasses(() => expect(lines()).toBe('abef'))
  expect(await trace()).toContain(
    `RECORDS_SKIPPED: offsets 2 to 3 of ${topic}-0 were deleted before they were read (2 in total)`,
  )
  await untilPasses(async () =>
    expect(await metrics()).toMatch(new RegExp(`^penstock_sink_offsets_skipped_total\\{[^}]*\\} 2$`, 'm')),
  )
  expect(await metrics()).toMatch(/^penstock_task_condition\{.*code="RECORDS_SKIPPED".*\} 1$/m)
  expect(worker.output).toContain('reading continues at the start, offset 4 (auto.offset.reset=earliest)')
  await write('g')
  await untilPasses(() => expect(lines()).toBe('abefg'))
  await worker.request('POST', `/connectors/${topic}/restart?includeTasks=true`)
  await untilPasses(async () => expect(await metrics()).not.toContain('RECORDS_SKIPPED'))
}

async function continuesAtTheEnd(...args: Parameters<typeof running>): Promise<void> {
  const { topic, trace, lines, write, committed } = await afterRetention(...args)
  expect(await trace()).toContain(
    `RECORDS_SKIPPED: offsets 2 to 5 of ${topic}-0 were not read (4 in total): those before 4 were deleted`,
  )
  await untilPasses(async () => expect(await committed()).toBe(6))
  await write('g')
  await untilPasses(() => expect(lines()).toBe('abg'))
}

async function readsTheNewTopic(policy: 'earliest' | 'latest', ...[, ...rest]: Parameters<typeof running>) {
  const { recreate, write, lines, trace, topic, worker } = await running({ [override]: policy }, ...rest)
  const assignments = (): number => worker.output.split(`partitions assigned: ${topic}-0 from `).length
  const before = assignments()
  await recreate()
  await untilPasses(() => expect(assignments()).toBeGreaterThan(before))
  expect(await trace()).toContain(`topic ${topic} was deleted and created again`)
  await write('x')
  await untilPasses(() => expect(lines()).toBe('abx'))
}

describeWith([], 'a sink whose records of the embedded log are deleted before it reads them', () => {
  it('continues at the start with earliest, and shows what it has lost until it is restarted', async () => {
    await continuesAtTheStart({ [override]: 'earliest' })
  }, 240_000)

  it('does as the worker is configured', async () => {
    await continuesAtTheStart({}, { 'consumer.auto.offset.reset': 'earliest' })
  }, 240_000)

  it('continues at the end with latest', async () => {
    await continuesAtTheEnd({ [override]: 'latest' })
  }, 240_000)

  it('fails by name with none', async () => {
    const sink = await running({})
    await sink.stop()
    await sink.write('c', 'd')
    await sink.removeBefore(3)
    await sink.reconfigure({ [override]: 'none' })
    await sink.resume()
    expect(await sink.failure()).toContain('OffsetOutOfRangeError')
    expect(sink.lines()).toBe('ab')
  }, 240_000)

  it('fails by name without a setting, and continues once the advice is followed', async () => {
    const sink = await afterRetention({})
    expect(await sink.failure()).toMatch(
      /OffsetOutOfRangeError: offset 2 of .* set consumer\.override\.auto\.offset\.reset in the config of the connector/,
    )
    expect(sink.lines()).toBe('ab')
    await sink.reconfigure({ [override]: 'earliest' })
    await untilPasses(() => expect(sink.lines()).toBe('abef'))
    expect(await sink.trace()).toContain('RECORDS_SKIPPED')
  }, 240_000)

  it('fails by name without a setting, and continues at the start once its offsets are removed over REST', async () => {
    const sink = await afterRetention({})
    expect(await sink.failure()).toContain('DELETE')
    await sink.stop()
    await sink.worker.request('DELETE', `/connectors/${sink.topic}/offsets`)
    await sink.resume()
    await untilPasses(() => expect(sink.lines()).toBe('abef'))
  }, 240_000)

  it.each(['earliest', 'latest'] as const)(
    'reads a topic that is created again from its %s',
    async (policy) => {
      await readsTheNewTopic(policy, {})
    },
    240_000,
  )
})

describeWith(['kafka'], 'a sink whose records of a Kafka are deleted before it reads them', () => {
  it('continues at the start with earliest, and shows what it has lost until it is restarted', async () => {
    await continuesAtTheStart({ [override]: 'earliest' }, {}, service('kafka'))
  }, 240_000)

  it('continues at the end with latest', async () => {
    await continuesAtTheEnd({ [override]: 'latest' }, {}, service('kafka'))
  }, 240_000)

  it('reads a topic that is created again from its start with earliest', async () => {
    await readsTheNewTopic('earliest', {}, {}, service('kafka'))
  }, 240_000)
})

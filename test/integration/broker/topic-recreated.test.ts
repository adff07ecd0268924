import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { KafkaClient } from '../../../src/client/kafka-client.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { writeAll } from '../../contract/client-harness.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { S3Bucket } from '../../support/s3/s3-bucket.ts'
import { describeWith, service } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { kafkaSettings } from '../../support/worker/kafka-settings.ts'
import { workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'
import { deleteTopic } from '../../support/broker/cluster-tools.ts'

const text = 'org.apache.kafka.connect.storage.StringConverter'
const waitMs = 60_000
const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

interface Task {
  readonly state: string
  readonly trace?: string
}

async function taskOf(worker: WorkerProcess, connector: string): Promise<Task | null> {
  const status = (await worker.request('GET', `/connectors/${connector}/status`)) as { tasks: readonly Task[] }
  return status.tasks[0] ?? null
}

async function failure(worker: WorkerProcess, connector: string): Promise<string> {
  return await untilPasses(async () => {
    const task = await taskOf(worker, connector)
    expect(task?.state).toBe('FAILED')
    return task?.trace ?? ''
  }, waitMs)
}

async function restart(worker: WorkerProcess, connector: string): Promise<void> {
  await worker.request('POST', `/connectors/${connector}/restart?includeTasks=true&onlyFailed=true`)
}

/** A topic that sinks read is deleted and created again; the worker is told what each of them needs, and gets it. */
async function lifeOfTwoTopics(
  settings: (topic: string) => Record<string, string>,
  bootstrap: string | null,
): Promise<void> {
  const topic = `again-${process.pid}-${Date.now().toString(36)}`
  const directory = mkdtempSync(join(tmpdir(), 'penstock-again-'))
  undo.push(() => rmSync(directory, { recursive: true, force: true }))
  const place = await workerPlace(join(directory, 'log'))
  const worker = await WorkerProcess.start(place, settings(topic))
  undo.push(() => worker.kill())
  const bucket = await S3Bucket.create(service('versitygw'))
  undo.push(() => bucket.remove())
  const client = await KafkaClient.connect({
    bootstrapServers: bootstrap ?? place.broker,
    clientId: 'test',
    clock: systemClock,
    logger: quietLogger(),
  })
  undo.push(() => client.close())
  const create = () => client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
  const output = join(directory, 'out.txt')
  const lines = (): readonly string[] =>
    existsSync(output) ? readFileSync(output, 'utf8').split('\n').slice(0, -1) : []
  const archive = bucket.config({
    'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
    topics: topic,
    'value.converter': text,
    'flush.size': '2',
  })
  const key = (directoryName: string): string => `${directoryName}/${topic}/partition=0/${topic}+0+0000000000.json`

  await create()
  await writeAll(client, topic, ['a', 'b', 'c'])
  await worker.post('copy', {
    'connector.class': 'FileStreamSink',
    file: output,
    topics: topic,
    'value.converter': text,
  })
  await worker.post('archive', { ...archive, name: 'archive' })
  await untilPasses(() => expect(lines()).toEqual(['a', 'b', 'c']), waitMs)
  await untilPasses(async () => expect(await bucket.text(key('topics'))).toBe('"a"\n"b"\n'), waitMs)

  const committed = async () => (await client.admin.groupOffsets('connect-archive')).find((at) => at.topic === topic)
  await untilPasses(async () => expect((await committed())?.offset).toBe(2), waitMs)

  await deleteTopic(bootstrap ?? place.broker, topic)
  await untilPasses(async () => expect(await create()).toBe(true), waitMs)
  await writeAll(client, topic, ['x', 'y', 'z'])
  for (const connector of ['copy', 'archive'])
    expect(await failure(worker, connector)).toContain(`TOPIC_RECREATED: topic ${topic} was deleted`)
  expect(lines()).toEqual(['a', 'b', 'c'])

  await restart(worker, 'copy')
  await untilPasses(() => expect(lines()).toEqual(['a', 'b', 'c', 'x', 'y', 'z']), waitMs)

  await restart(worker, 'archive')
  await untilPasses(async () => expect(await failure(worker, 'archive')).toContain('S3_OTHER_TOPIC'), waitMs)
  expect(await bucket.text(key('topics'))).toBe('"a"\n"b"\n')
  await worker.request('PUT', '/connectors/archive/config', { ...archive, name: 'archive', 'topics.dir': 'again' })
  await untilPasses(async () => expect(await bucket.text(key('again'))).toBe('"x"\n"y"\n'), waitMs)
  expect(await bucket.text(key('topics'))).toBe('"a"\n"b"\n')
  expect(await worker.failures()).toEqual([])
}

describeWith(['versitygw'], 'a topic of the embedded log that is deleted and created again', () => {
  it('fails its sinks by name, replaces no archived object, and is read once the advice is followed', async () => {
    await lifeOfTwoTopics(() => ({}), null)
  }, 240_000)
})

describeWith(['versitygw', 'kafka'], 'a topic of Kafka that is deleted and created again', () => {
  it('fails its sinks by name, replaces no archived object, and is read once the advice is followed', async () => {
    const kafka = service('kafka')
    await lifeOfTwoTopics((topic) => kafkaSettings(kafka, `group-${topic}`), kafka)
  }, 240_000)
})

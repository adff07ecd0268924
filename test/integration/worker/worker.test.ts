import { appendFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, describe, expect, it } from 'vitest'

import type { Admin } from '../../../src/client/admin.ts'
import { KafkaClient } from '../../../src/client/kafka-client.ts'
import { offsetTimes } from '../../../src/client/consumer/list-offsets.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { describeWith, service } from '../../support/services.ts'
import { kafkaSettings } from '../../support/worker/kafka-settings.ts'
import {
  eventually,
  workerPlace,
  WorkerProcess,
  WorkerProcessError,
  type WorkerPlace,
} from '../../support/worker/worker-process.ts'
import { untilPasses } from '../../support/until.ts'
import { deleteRecords } from '../../support/broker/cluster-tools.ts'

const text = 'org.apache.kafka.connect.storage.StringConverter'
const converters = { 'key.converter': text, 'value.converter': text }
const directories: string[] = []
const workers: WorkerProcess[] = []

interface Bench {
  readonly place: WorkerPlace
  readonly input: string
  readonly output: string
}

async function bench(): Promise<Bench> {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-worker-'))
  directories.push(directory)
  return {
    place: await workerPlace(join(directory, 'log')),
    input: join(directory, 'in.txt'),
    output: join(directory, 'out.txt'),
  }
}

async function run(place: WorkerPlace, settings: Record<string, string> = {}): Promise<WorkerProcess> {
  const worker = await WorkerProcess.start(place, settings)
  workers.push(worker)
  return worker
}

const sourceOf = ({ input }: Bench, topic = 'lines') => ({
  'connector.class': 'FileStreamSource',
  file: input,
  topic,
  ...converters,
})
const sinkOf = ({ output }: Bench, topic = 'lines') => ({
  'connector.class': 'FileStreamSink',
  file: output,
  topics: topic,
  ...converters,
})

const linesOf = (file: string): string[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : []

const numbered = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `line ${from + i}`)

async function untilLines(file: string, count: number): Promise<readonly string[]> {
  return await eventually(`${count} lines in ${file}`, 60_000, async () => {
    const lines = linesOf(file)
    return lines.length >= count ? lines : null
  })
}

interface Status {
  readonly connector: { readonly state: string }
  readonly tasks: readonly { readonly id: number; readonly state: string; readonly trace?: string }[]
}

async function statusOf(worker: WorkerProcess, name: string): Promise<Status> {
  return (await worker.request('GET', `/connectors/${name}/status`)) as Status
}

async function untilTask(worker: WorkerProcess, name: string, state: string): Promise<Status> {
  return await eventually(`task of ${name} is ${state}`, 60_000, async () => {
    const status = await statusOf(worker, name).catch(() => null)
    return status?.tasks[0]?.state === state ? status : null
  })
}

async function untilStopped(worker: WorkerProcess, name: string): Promise<void> {
  await eventually(`${name} is stopped, without tasks`, 60_000, async () => {
    const status = await statusOf(worker, name)
    return status.connector.state === 'STOPPED' && status.tasks.length === 0 ? true : null
  })
}

afterEach(async () => {
  await Promise.all(workers.splice(0).map(async (worker) => await worker.kill()))
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

describe('a worker with its own log', () => {
  it('moves lines from a file to another, and stops gracefully at SIGTERM', async () => {
    const at = await bench()
    writeFileSync(at.input, `${numbered(0, 1000).join('\n')}\n`)
    const worker = await run(at.place)
    await worker.post('source', sourceOf(at))
    await worker.post('sink', sinkOf(at))
    expect(await untilLines(at.output, 1000)).toEqual(numbered(0, 1000))
    expect((await untilTask(worker, 'source', 'RUNNING')).connector.state).toBe('RUNNING')
    expect(await worker.request('GET', '/connectors/source/topics')).toEqual({ source: { topics: ['lines'] } })
    expect(await worker.stop()).toBe(0)
    expect(worker.output).toContain('ready: REST')
  })

  it('continues after a restart where it stopped, without a line twice', async () => {
    const at = await bench()
    writeFileSync(at.input, `${numbered(0, 100).join('\n')}\n`)
    const first = await run(at.place)
    await first.post('source', sourceOf(at))
    await first.post('sink', sinkOf(at))
    await untilLines(at.output, 100)
    expect(await first.stop()).toBe(0)
    appendFileSync(at.input, `${numbered(100, 200).join('\n')}\n`)
    const second = await run(at.place)
    expect(await untilLines(at.output, 200)).toEqual(numbered(0, 200))
    // The offset is stored once the lines are acknowledged, which may be after they are read from the log.
    const offset = { partition: { filename: at.input }, offset: { position: readFileSync(at.input).length } }
    await untilPasses(async () =>
      expect(await second.request('GET', '/connectors/source/offsets')).toEqual({ offsets: [offset] }),
    )
  })

  it('loses no line when it is killed again and again (I9)', async () => {
    const at = await bench()
    writeFileSync(at.input, '')
    let worker = await run(at.place)
    await worker.post('source', { ...sourceOf(at), 'batch.size': '50' })
    await worker.post('sink', sinkOf(at))
    let written = 0
    for (let round = 0; round < 5; round += 1) {
      appendFileSync(at.input, `${numbered(written, written + 5000).join('\n')}\n`)
      written += 5000
      await worker.killAfter(200 + round * 150)
      worker = await run(at.place)
    }
    const wanted = new Set(numbered(0, written))
    const seen = await eventually('every line arrived', 60_000, async () => {
      const lines = linesOf(at.output)
      return new Set(lines).size >= wanted.size ? lines : null
    })
    expect(new Set(seen)).toEqual(wanted)
    expect(firstSightings(seen)).toEqual([...wanted])
  })

  it('pauses, resumes, stops and deletes over REST', async () => {
    const at = await bench()
    writeFileSync(at.input, 'one\n')
    const worker = await run(at.place)
    await worker.post('source', sourceOf(at))
    await untilTask(worker, 'source', 'RUNNING')
    await worker.request('PUT', '/connectors/source/pause')
    await untilTask(worker, 'source', 'PAUSED')
    await worker.request('PUT', '/connectors/source/resume')
    await untilTask(worker, 'source', 'RUNNING')
    await worker.request('PUT', '/connectors/source/stop')
    await untilStopped(worker, 'source')
    await worker.request('DELETE', '/connectors/source')
    await expect(
      eventually('its status is gone', 60_000, async () => (await statusOf(worker, 'source')) && null),
    ).rejects.toThrow('404')
  })

  it('shows a failing task with its trace, and runs it again when its cause is mended', async () => {
    const at = await bench()
    writeFileSync(at.input, 'one\n')
    const worker = await run(at.place)
    await worker.post('source', sourceOf(at))
    await worker.post('sink', { ...sinkOf(at), 'value.converter': 'org.apache.kafka.connect.json.JsonConverter' })
    const failed = await untilTask(worker, 'sink', 'FAILED')
    expect(failed.connector.state).toBe('RUNNING')
    expect(failed.tasks[0]?.trace).toContain('the value of the record lines-0@0 does not decode')
    await worker.request('PUT', '/connectors/sink/config', sinkOf(at))
    await untilTask(worker, 'sink', 'RUNNING')
    expect(await untilLines(at.output, 1)).toEqual(['one'])
  })

  it('takes up a topic that begins to match topics.regex long before metadata.max.age.ms has passed', async () => {
    const at = await bench()
    writeFileSync(at.input, 'one\n')
    const worker = await run(at.place)
    const { topics: _, ...config } = sinkOf(at)
    await worker.post('sink', { ...config, 'topics.regex': 'lines\\..*' })
    await untilTask(worker, 'sink', 'RUNNING')
    await worker.post('source', sourceOf(at, 'lines.late'))
    await untilTask(worker, 'source', 'RUNNING')
    await eventually('the line is there', 60_000, async () => (linesOf(at.output).length === 1 ? true : null))
  })

  it('refuses the directory of another worker and names its process', async () => {
    const at = await bench()
    const owner = await run(at.place)
    const other = await workerPlace(at.place.directory)
    const refused = run(other)
    await expect(refused).rejects.toThrow(WorkerProcessError)
    await expect(refused).rejects.toThrow(`in use by process ${owner.pid}`)
    await expect(refused).rejects.toThrow('bootstrap.servers')
  })

  it('says why and ends with code 70 when its log dies', async () => {
    const at = await bench()
    const worker = await run(at.place)
    await eventually('it is part of its group', 60_000, async () => {
      const health = await worker.request('GET', '/health').catch(() => null)
      return health === null ? null : true
    })
    renameSync(at.place.directory, `${at.place.directory}-gone`)
    await worker.end(60_000)
    expect(worker.exitCode).toBe(70)
    expect(worker.output).toContain('the data directory is gone')
  })

  it('refuses a port that is taken, and says which setting to change', async () => {
    const at = await bench()
    await run(at.place)
    const other = await bench()
    const refused = await run({ ...other.place, rest: at.place.rest })
    await refused.end(60_000)
    expect(refused.output).toContain('another process uses the port')
    expect(refused.output).toContain('listeners=')
  })
})

describeWith(['kafka'], 'a worker on a Kafka cluster', () => {
  it('fails a sink whose committed offset was removed from the log, by name, and resets nothing (I7)', async () => {
    const at = await bench()
    const topic = `worker-removed-${Date.now()}`
    writeFileSync(at.input, `${numbered(0, 20).join('\n')}\n`)
    const worker = await run(at.place, clusterSettings(topic))
    await worker.post(`source-${topic}`, sourceOf(at, topic))
    await worker.post(`sink-${topic}`, sinkOf(at, topic))
    await untilLines(at.output, 20)
    await worker.request('PUT', `/connectors/sink-${topic}/stop`)
    await untilStopped(worker, `sink-${topic}`)
    appendFileSync(at.input, `${numbered(20, 40).join('\n')}\n`)
    await eventually('the log has all lines', 60_000, async () => ((await endOf(topic)) >= 40 ? true : null))
    await removeBefore(topic, 30)
    await worker.request('PUT', `/connectors/sink-${topic}/resume`)
    const failed = await untilTask(worker, `sink-${topic}`, 'FAILED')
    expect(failed.tasks[0]?.trace).toContain(`offset 20 of ${topic}-0 is outside its log (30 to 40)`)
    expect(linesOf(at.output)).toHaveLength(20)
  })

  it('moves lines through it, and a second worker of the group stands by and takes over', async () => {
    const at = await bench()
    const topic = `worker-test-${Date.now()}`
    const settings = clusterSettings(topic)
    writeFileSync(at.input, `${numbered(0, 100).join('\n')}\n`)
    const first = await run(at.place, settings)
    await first.post(`source-${topic}`, sourceOf(at, topic))
    await first.post(`sink-${topic}`, sinkOf(at, topic))
    await untilLines(at.output, 100)
    const second = await run(await workerPlace(at.place.directory), settings)
    expect(await second.request('GET', '/connectors')).toHaveLength(2)
    expect((await statusOf(second, `sink-${topic}`)).tasks).toHaveLength(1)
    await second.request('PUT', `/connectors/sink-${topic}/pause`)
    await untilTask(first, `sink-${topic}`, 'PAUSED')
    await second.request('PUT', `/connectors/sink-${topic}/resume`)
    expect(await first.stop()).toBe(0)
    appendFileSync(at.input, `${numbered(100, 200).join('\n')}\n`)
    expect(await untilLines(at.output, 200)).toEqual(numbered(0, 200))
  })
})

/** A worker of its own group on the cluster. */
function clusterSettings(name: string): Record<string, string> {
  return { ...kafkaSettings(service('kafka'), `group-${name}`), 'session.timeout.ms': '30000' }
}

async function withAdmin<T>(action: (admin: Admin) => Promise<T>): Promise<T> {
  const bootstrapServers = service('kafka')
  const client = await KafkaClient.connect({
    bootstrapServers,
    clientId: 'test',
    clock: systemClock,
    logger: quietLogger(),
  })
  try {
    return await action(client.admin)
  } finally {
    await client.close()
  }
}

async function endOf(topic: string): Promise<number> {
  const latest = { topic, partition: 0, timestamp: offsetTimes.latest }
  return await withAdmin(async (admin) => (await admin.listOffsets([latest]))[0]?.offset ?? 0)
}

async function removeBefore(topic: string, offset: number): Promise<void> {
  await deleteRecords(service('kafka'), { topic, partition: 0 }, offset)
}

/** Each line once, where it was first seen. */
function firstSightings(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)]
}

import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'

import { Servers } from '../../../src/servers/servers.ts'
import { ClientHarness } from '../../contract/client-harness.ts'
import { writePluginPackage } from '../../support/plugins/plugin-package.ts'
import { describeWith, service } from '../../support/services.ts'
import { patienceMs, until, untilPasses } from '../../support/until.ts'
import { JavaWorker, javaWorkerSettings } from '../../support/worker/java-worker.ts'
import { kafkaSettings } from '../../support/worker/kafka-settings.ts'
import { placed, type GroupWorker } from '../../support/worker/placed.ts'
import { eventually, workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'
import { writtenLines } from '../../support/worker/written-lines.ts'

const sources = ['a', 'b', 'c']
const timeoutMs = 300_000
/** A class that only ours have. */
const ownClass = 'test.FlakyConnector'
/** How much of each worker's log a failure shows. */
const logChars = 20_000

describeWith(['kafka'], 'a worker of Apache Kafka Connect and two of Penstock in a group', () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-mixed-'))
  const path = (name: string): string => join(directory, name)
  const counts: Record<string, number> = { a: 1, b: 1, c: 1, out: 3 }
  const expected = new Set<string>()
  /** How often the status topic said RUNNING, by the record's key: `status-connector-<name>`, `status-task-<name>-<id>`. */
  const running = new Map<string, number>()
  let harness: ClientHarness
  let group: string
  let servers: Servers
  let java: JavaWorker
  let closeStatuses: () => Promise<void>
  const ours: WorkerProcess[] = []

  const settings = () => kafkaSettings(service('kafka'), group)
  const topic = (name: string): string => `${group}-${name}`
  const startJava = (): Promise<JavaWorker> =>
    JavaWorker.start(servers, { 'bootstrap.servers': service('kafka'), 'group.id': group })
  const startOurs = async (): Promise<void> => {
    const { rest } = await workerPlace('')
    const worker = await WorkerProcess.start(
      { rest, broker: '127.0.0.1:0', directory },
      {
        ...settings(),
        ...javaWorkerSettings,
        'plugin.path': `connect-file,${path('plugins')}`,
      },
    )
    ours.push(worker)
  }

  beforeAll(async () => {
    harness = new ClientHarness(service('kafka'))
    group = harness.name('mixed')
    servers = Servers.open()
    writePluginPackage(path('plugins'), 'flaky')
    // The first member of a group leads it.
    java = await startJava()
    await startOurs()
    await startOurs()
    const client = await harness.connect()
    const reader = client.topicReader({
      topic: `${group}-status`,
      onRecord: ({ key, value }) => {
        const name = key?.toString() ?? ''
        if (value !== null && JSON.parse(value.toString()).state === 'RUNNING')
          running.set(name, (running.get(name) ?? 0) + 1)
      },
    })
    await reader.start()
    closeStatuses = () => reader.close()
  }, timeoutMs)
  afterEach(({ task }) => {
    if (task.result?.state !== 'fail') return
    for (const { place, output } of [java, ...ours])
      process.stderr.write(`the end of the log of ${place.rest}:\n${output.slice(-logChars)}\n`)
  })
  afterAll(async () => {
    await Promise.all([java?.kill(), ...ours.map((worker) => worker.kill())])
    await closeStatuses?.()
    await harness?.close()
    await servers?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const source = (name: string) => ({
    'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
    'tasks.max': '1',
    file: path(`${name}.in`),
    topic: topic(name),
  })
  const sink = (name: string, topics: readonly string[]) => ({
    'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
    'tasks.max': String(topics.length),
    topics: topics.map(topic).join(),
    'consumer.override.group.id': topic(name),
    file: path(name),
  })
  const write = (name: string, from: number, to: number): void => {
    const lines = Array.from({ length: to - from }, (_, i) => `${name}-${from + i}`)
    appendFileSync(path(`${name}.in`), lines.map((line) => `${line}\n`).join(''))
    for (const line of lines) expected.add(line)
  }
  const missing = (): string[] => {
    const seen = new Set([...writtenLines(path('out')), ...writtenLines(path('more'))])
    return [...expected].filter((line) => !seen.has(line))
  }
  const allLines = (): Promise<void> =>
    until(
      () => `all lines, of which ${missing().length} are missing`,
      () => missing().length === 0,
    )

  /** As a client sends it: a request that a rebalance refuses is repeated. */
  const send = async (worker: GroupWorker, method: string, at: string, body?: unknown): Promise<unknown> => {
    const { answer } = await eventually(`${method} ${at} between rebalances`, patienceMs, async () => {
      try {
        return { answer: await worker.request(method, at, body) }
      } catch (error) {
        if (!String(error).includes('HTTP 409')) throw error
        return null
      }
    })
    return answer
  }
  const create = (worker: GroupWorker, name: string, config: Readonly<Record<string, string>>): Promise<unknown> =>
    send(worker, 'POST', '/connectors', { name, config })

  /** Waits until each worker runs at least a connector and two tasks, and all of them show the same. */
  const shared = async (workers: readonly GroupWorker[]): Promise<ReadonlyMap<string, GroupWorker>> =>
    await untilPasses(async () => {
      const [places = new Map<string, GroupWorker>(), ...others] = await Promise.all(
        workers.map((_, i) => placed([...workers.slice(i), ...workers.slice(0, i)], counts)),
      )
      for (const [name, at] of places) for (const other of others) expect(other.get(name)).toBe(at)
      for (const worker of workers) {
        const held = [...places.keys()].filter((name) => places.get(name) === worker)
        expect(held.filter((name) => !name.includes('-')).length).toBeGreaterThanOrEqual(1)
        expect(held.filter((name) => name.includes('-')).length).toBeGreaterThanOrEqual(2)
      }
      return places
    })

  /** Changes each connector. Its owner sends the changed task configs to the leader, from which all workers have them. */
  const reconfigure = async (workers: readonly GroupWorker[], note: string): Promise<void> => {
    const [first, second] = workers as [GroupWorker, GroupWorker]
    for (const name of Object.keys(counts)) {
      const config = await send(first, 'GET', `/connectors/${name}/config`)
      await send(second, 'PUT', `/connectors/${name}/config`, { ...(config as object), note })
    }
    for (const worker of workers) {
      for (const [name, tasks] of Object.entries(counts)) {
        await untilPasses(async () => {
          const configs = (await send(worker, 'GET', `/connectors/${name}/tasks`)) as { config: { note?: string } }[]
          expect(configs.map(({ config }) => config.note)).toEqual(Array.from({ length: tasks }, () => note))
        })
      }
    }
    await placed(workers, counts)
  }

  it(
    'share connectors and tasks that any of them is given, by the assignments of Kafka Connect',
    async () => {
      const workers = [...ours, java]
      for (const [i, name] of sources.entries()) {
        write(name, 0, 500)
        await create(workers[i] as GroupWorker, name, source(name))
      }
      await create(ours[0] as GroupWorker, 'out', sink('out', sources))
      await shared(workers)
      expect(java.leader).toBe(java.place.rest)
      await allLines()
    },
    timeoutMs,
  )

  it(
    'accept the task configs that ours send to the leader',
    async () => {
      const workers = [...ours, java]
      await shared(workers)
      await reconfigure(workers, 'first')
      expect(java.leader).toBe(java.place.rest)
    },
    timeoutMs,
  )

  it(
    'forward to the owner what only it can do, whichever is asked',
    async () => {
      const workers = [...ours, java]
      const places = await shared(workers)
      for (const worker of workers) {
        const before = new Map(running)
        for (const name of places.keys()) {
          const [connector = '', task] = name.split('-')
          await send(worker, 'POST', `/connectors/${connector}${task === undefined ? '' : `/tasks/${task}`}/restart`)
        }
        for (const name of places.keys()) {
          const key = `status-${name.includes('-') ? 'task' : 'connector'}-${name}`
          await until(`RUNNING once more: ${key}`, () => (running.get(key) ?? 0) > (before.get(key) ?? 0))
        }
      }
      await placed(workers, counts)
    },
    timeoutMs,
  )

  it(
    'run on ours what a killed leader of Kafka Connect ran, and lose no line',
    async () => {
      for (const name of sources) write(name, 500, 1000)
      await java.kill()
      await placed(ours, counts)
      for (const name of sources) write(name, 1000, 1500)
      await allLines()
    },
    timeoutMs,
  )

  it(
    'give a worker of Kafka Connect its share when it joins, led by one of ours',
    async () => {
      java = await startJava()
      const workers = [...ours, java]
      await shared(workers)
      expect(ours.map(({ place }) => place.rest)).toContain(java.leader)
      await reconfigure(workers, 'second')
      write('d', 0, 500)
      await create(java, 'd', source('d'))
      await create(java, 'more', sink('more', ['d']))
      for (const name of sources) write(name, 1500, 2000)
      await allLines()
      expect(new Set([...writtenLines(path('out')), ...writtenLines(path('more'))])).toEqual(expected)
    },
    timeoutMs,
  )

  it(
    'keep connectors away from a worker of Kafka Connect that lacks their class, while ours lead',
    async () => {
      const [first] = ours as [WorkerProcess]
      const hosts = new Set(ours.map(({ place }) => new URL(place.rest).host))
      await create(first, 'idle', { 'connector.class': ownClass, away: path('away'), 'tasks.max': '6' })
      const owners = await untilPasses(async () => {
        const { connector, tasks } = (await first.request('GET', '/connectors/idle/status')) as {
          connector: { worker_id: string }
          tasks: { worker_id: string }[]
        }
        expect(tasks).toHaveLength(6)
        return [connector, ...tasks].map(({ worker_id: id }) => id)
      })
      expect(owners.filter((id) => !hosts.has(id))).toEqual([])
      await send(first, 'DELETE', '/connectors/idle')
    },
    timeoutMs,
  )
})

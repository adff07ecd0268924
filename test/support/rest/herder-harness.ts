import { type TaskId, formatTaskId } from '../../../src/config/connector/task-id.ts'
import { expect } from 'vitest'

import type { RawConfig } from '../../../src/api/config-def.ts'
import { ConnectError } from '../../../src/api/errors.ts'
import type { ConfigInfos, SubmittedConfig } from '../../../src/config/definition/config-infos.ts'
import { ConfigFold } from '../../../src/herder/config-fold.ts'
import type { ConfigRecord } from '../../../src/storage/config-record.ts'
import type { InstanceStatus } from '../../../src/herder/entities/connector-status.ts'
import type { RunState } from '../../../src/storage/status-record.ts'
import { WorkerHerder, type Statuses } from '../../../src/herder/worker-herder.ts'
import { fileConnectors } from '../../../src/plugin/built-in-plugins.ts'
import { PluginRegistry } from '../../../src/plugin/plugin-registry.ts'
import type { TaskStart } from '../../../src/runtime/task-thread/task-thread-messages.ts'
import { ManualClock } from '../manual-clock.ts'
import { quietLogger } from '../quiet-logger.ts'
import { untilPasses } from '../until.ts'

/** One that never fires. */
export const signal = new AbortController().signal
export const source = 'org.apache.kafka.connect.file.FileStreamSourceConnector'
/** Of connector `a`. */
export const config = { 'connector.class': source, 'tasks.max': '1', name: 'a', topic: 't' }

/** The states, in memory, with everything that was ever written. */
class MemoryStatuses implements Statuses {
  readonly writes: string[] = []
  readonly #connectors = new Map<string, InstanceStatus>()
  readonly #tasks = new Map<string, { id: TaskId; status: InstanceStatus }>()
  setGeneration(): void {}
  putConnector(name: string, state: RunState, trace: string | null): void {
    this.writes.push(`${name} ${state}`)
    this.#connectors.set(name, { state, trace, workerId: 'w' })
  }
  putConnectorSafely = (name: string, state: RunState, trace: string | null): void =>
    this.putConnector(name, state, trace)
  putTask(id: TaskId, state: RunState, trace: string | null): void {
    this.writes.push(`${formatTaskId(id)} ${state}`)
    this.#tasks.set(formatTaskId(id), { id, status: { state, trace, workerId: 'w' } })
  }
  putTaskSafely = (id: TaskId, state: RunState, trace: string | null): void => this.putTask(id, state, trace)
  removeConnector(name: string): void {
    this.writes.push(`${name} removed`)
    this.#connectors.delete(name)
  }
  removeTask(id: TaskId): void {
    this.writes.push(`${formatTaskId(id)} removed`)
    this.#tasks.delete(formatTaskId(id))
  }
  topic(): void {}
  connector = (name: string): InstanceStatus | null => this.#connectors.get(name) ?? null
  task = (id: TaskId): InstanceStatus | null => this.#tasks.get(formatTaskId(id))?.status ?? null
  tasks = (connector: string) =>
    [...this.#tasks.values()]
      .filter(({ id }) => id.connector === connector)
      .map(({ id, status: { state, workerId, trace } }) => ({ id: id.task, state, workerId, trace }))
  topics = (): readonly string[] => []
  known = () => ({ connectors: [...this.#connectors.keys()], tasks: [...this.#tasks.values()].map(({ id }) => id) })
}

export const noErrors: ConfigInfos = { name: source, errorCount: 0, groups: [], configs: [], warnings: [] }

/** A worker without threads: tasks run at once, unless the test says otherwise. */
class MemoryWorker {
  readonly calls: string[] = []
  readonly running = new Map<string, TaskStart>()
  startErrors: Error[] = []
  /** Calls that do not return before these do. */
  readonly holds = new Map<string, Promise<unknown>>()
  taskConfigErrors: Error[] = []
  checkSize: (connector: string, config: SubmittedConfig) => void = () => undefined
  taskCount = 1
  infos = noErrors
  onTask: (start: TaskStart) => void = () => undefined
  async #call(what: string): Promise<void> {
    this.calls.push(what)
    await this.holds.get(what)
  }
  async startConnector(name: string): Promise<void> {
    await this.#call(`start ${name}`)
    const error = this.startErrors.shift()
    if (error !== undefined) throw error
  }
  async stopConnector(name: string): Promise<void> {
    await this.#call(`stop ${name}`)
  }
  async taskConfigs(name: string, max: number): Promise<readonly RawConfig[]> {
    const error = this.taskConfigErrors.shift()
    if (error !== undefined) throw error
    if (this.taskCount > max) throw new ConnectError('too many', { code: 'TOO_MANY_TASKS' })
    return Array.from({ length: this.taskCount }, (_, n) => ({ n: String(n), of: name }))
  }
  async startTask(start: TaskStart): Promise<void> {
    await this.#call(`start ${formatTaskId(start.id)}`)
    this.running.set(formatTaskId(start.id), start)
    this.onTask(start)
  }
  async stopTask(id: TaskId): Promise<void> {
    await this.#call(`stop ${formatTaskId(id)}`)
    this.running.delete(formatTaskId(id))
  }
  pauseTask(id: TaskId): void {
    this.calls.push(`pause ${formatTaskId(id)}`)
  }
  resumeTask(id: TaskId): void {
    this.calls.push(`resume ${formatTaskId(id)}`)
  }
  async validate(): Promise<ConfigInfos> {
    return this.infos
  }
  async pluginConfig(): Promise<[]> {
    return []
  }
}

/** A herder whose log, group and worker are in memory. */
export async function herd(options: { isLeader?: boolean } = {}) {
  const fold = new ConfigFold()
  const statuses = new MemoryStatuses()
  const worker = new MemoryWorker()
  const clock = new ManualClock()
  const isLeader = options.isLeader ?? true
  let generation = 1
  const logger = quietLogger()
  const round = async (): Promise<void> => {
    generation += 1
    const { work } = herder.configuration()
    await herder.onMembership({ generation, isLeader, leaderUrl: 'http://leader/', work })
  }
  const append = async (...records: ConfigRecord[]): Promise<void> => {
    for (const record of records) {
      const change = fold.apply(record, fold.offset)
      if (change !== null) herder.onConfigChange(change)
    }
  }
  const herder: WorkerHerder = new WorkerHerder({
    fold,
    statuses,
    offsets: { ofSource: async () => [], ofGroup: async () => [] },
    writer: {
      checkSize: (connector, given) => worker.checkSize(connector, given),
      putConnectorConfig: async (connector, raw, state) =>
        await append(
          ...(state === null || state === undefined ? [] : [{ type: 'target-state', connector, state } as const]),
          {
            type: 'connector',
            connector,
            config: raw,
          },
        ),
      removeConnectorConfig: async (connector) =>
        await append({ type: 'connector', connector, config: null }, { type: 'target-state', connector, state: null }),
      putTaskConfigs: async (connector, configs) =>
        await append(...configs.map((raw, task) => ({ type: 'task', connector, task, config: raw }) as const), {
          type: 'commit',
          connector,
          tasks: configs.length,
        }),
      putTargetState: async (connector, state) => await append({ type: 'target-state', connector, state }),
      putRestartRequest: async (request) => await append({ type: 'restart', ...request }),
    },
    worker,
    plugins: new PluginRegistry(fileConnectors),
    serverInfo: { version: '3.9.1', commit: 'x', kafkaClusterId: null },
    group: { groupId: 'workers' },
    gracefulMs: 1000,
    topicTracking: true,
    clock,
    logger,
    requestRound: () => void round(),
  })
  worker.onTask = (start) => herder.local.taskState(start, start.paused ? 'PAUSED' : 'RUNNING', null)
  await round()
  const running = async (): Promise<void> => {
    await herder.createConnector('a', config, null, signal)
    await untilPasses(() => expect(statuses.task({ connector: 'a', task: 0 })?.state).toBe('RUNNING'))
    statuses.writes.length = 0
    worker.calls.length = 0
  }
  return { herder, fold, statuses, worker, clock, append, running, logger }
}

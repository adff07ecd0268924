import type { TaskStart } from '../../../src/runtime/task-run.ts'
import { expect } from 'vitest'

import type { RawConfig } from '../../../src/api/config-def.ts'
import type { DiagnosisFinding } from '../../../src/api/diagnosis/finding.ts'
import { ConnectError } from '../../../src/api/errors.ts'
import type { PartitionRange } from '../../../src/client/consumer/topic-tail.ts'
import type { GroupOffset } from '../../../src/client/group/group-offsets.ts'
import type { TaskFlow } from '../../../src/diagnosis/flow/task-flow.ts'
import type { ObservedCondition } from '../../../src/diagnosis/observations.ts'
import type { AskTasks } from '../../../src/herder/diagnosis/diagnosis-reader.ts'
import type { ConfigInfos, SubmittedConfig } from '../../../src/config/definition/config-infos.ts'
import type { RestartSettings } from '../../../src/config/restart-settings.ts'
import { present } from '../../../src/foundation/assert.ts'
import { formatTaskId, type TaskId } from '../../../src/config/connector/task-id.ts'
import { nothingAssigned, sameWork } from '../../../src/herder/group/assignment.ts'
import type { WorkerGroupHandlers } from '../../../src/herder/group/worker-group.ts'
import type { TaskRunner } from '../../../src/herder/local/assigned-tasks.ts'
import type { ConnectorRunner } from '../../../src/herder/local/connector-instances.ts'
import { ConnectorOffsetWriter } from '../../../src/herder/offsets/connector-offset-writer.ts'
import { WorkerStatusStore, type StatusTopic } from '../../../src/herder/state/worker-status-store.ts'
import type { WorkerHerderOptions } from '../../../src/herder/worker-herder-options.ts'
import { WorkerHerder } from '../../../src/herder/worker-herder.ts'
import { LogLevels } from '../../../src/foundation/logging/log-levels.ts'
import { fileConnectors } from '../../../src/plugin/built-in-plugins.ts'
import { PluginRegistry } from '../../../src/plugin/plugin-registry.ts'
import type { ConnectorListener } from '../../../src/runtime/connector-listener.ts'
import type { TaskListener } from '../../../src/runtime/task-listener.ts'
import type { ConfigSubscriber } from '../../../src/storage/config-backing-store.ts'
import type { ConfigRecord } from '../../../src/storage/config-record.ts'
import type { InstanceRecord, StatusListener } from '../../../src/storage/status-backing-store.ts'
import { StatusFold } from '../../../src/storage/status-fold.ts'
import type { RunStatus, TopicUse } from '../../../src/storage/status-record.ts'
import { ManualClock } from '../manual-clock.ts'
import { quietLogger } from '../quiet-logger.ts'
import { untilPasses } from '../until.ts'

/** One that never fires. */
export const signal = new AbortController().signal
export const source = 'org.apache.kafka.connect.file.FileStreamSourceConnector'
/** Of connector `a`. */
export const config = { 'connector.class': source, 'tasks.max': '1', name: 'a', topic: 't' }

/** The status topic in memory, with everything that was ever written. */
class MemoryStatusTopic extends StatusFold implements StatusTopic {
  readonly writes: string[] = []

  #onStatus: StatusListener = () => undefined

  async start(_signal?: AbortSignal, onStatus: StatusListener = () => undefined): Promise<void> {
    this.#onStatus = onStatus
  }

  /** Another worker has written it. */
  read(status: InstanceRecord): void {
    this.apply(status)
    this.#onStatus(status)
  }

  putConnector(connector: string, status: RunStatus | null): void {
    this.writes.push(`${connector} ${status?.state ?? 'removed'}`)
    this.apply({ type: 'connector', connector, status })
  }

  putConnectorSafe(connector: string, status: RunStatus): void {
    this.putConnector(connector, status)
  }

  putTask(connector: string, task: number, status: RunStatus | null): void {
    this.writes.push(`${connector}-${task} ${status?.state ?? 'removed'}`)
    this.apply({ type: 'task', connector, task, status })
  }

  putTaskSafe(connector: string, task: number, status: RunStatus): void {
    this.putTask(connector, task, status)
  }

  removeConnectorOf(workerId: string, connector: string): boolean {
    const isOwn = this.connector(connector)?.workerId === workerId
    if (isOwn) this.putConnector(connector, null)
    return isOwn
  }

  removeTaskOf(workerId: string, connector: string, task: number): boolean {
    const isOwn = this.task(connector, task)?.workerId === workerId
    if (isOwn) this.putTask(connector, task, null)
    return isOwn
  }

  putTopic(use: TopicUse): void {
    this.apply({ type: 'topic', topic: use.topic, connector: use.connector, use })
  }

  resetTopics(connector: string): void {
    for (const { topic } of this.topics(connector)) this.apply({ type: 'topic', topic, connector, use: null })
  }
}

/** The config topic in memory. A write is read back immediately. */
class MemoryConfigs {
  readonly records: ConfigRecord[] = []
  checkSize: (connector: string, config: SubmittedConfig) => void = () => undefined
  #subscriber: ConfigSubscriber | null = null

  async start(subscriber: ConfigSubscriber): Promise<void> {
    this.#subscriber = subscriber
    for (const [offset, record] of this.records.entries()) subscriber(record, offset)
  }

  async refresh(): Promise<void> {}

  /** A write is done before another call. */
  async abandonWrites(): Promise<void> {}

  async append(...records: ConfigRecord[]): Promise<void> {
    for (const record of records) this.#subscriber?.(record, this.records.push(record) - 1)
  }

  putConnectorConfig: WorkerHerderOptions['configs']['putConnectorConfig'] = async (connector, raw, state) => {
    const target = state === null || state === undefined ? [] : [{ type: 'target-state', connector, state } as const]
    await this.append(...target, { type: 'connector', connector, config: raw })
  }

  removeConnectorConfig: WorkerHerderOptions['configs']['removeConnectorConfig'] = async (connector) =>
    await this.append({ type: 'connector', connector, config: null }, { type: 'target-state', connector, state: null })

  putTaskConfigs: WorkerHerderOptions['configs']['putTaskConfigs'] = async (connector, configs) =>
    await this.append(...configs.map((raw, task) => ({ type: 'task', connector, task, config: raw }) as const), {
      type: 'commit',
      connector,
      tasks: configs.length,
    })

  putTaskCount: WorkerHerderOptions['configs']['putTaskCount'] = async (connector, tasks) =>
    await this.append({ type: 'tasks-fencing', connector, tasks })

  putTargetState: WorkerHerderOptions['configs']['putTargetState'] = async (connector, state) =>
    await this.append({ type: 'target-state', connector, state })

  putStopped: WorkerHerderOptions['configs']['putStopped'] = async (connector) =>
    await this.append({ type: 'commit', connector, tasks: 0 }, { type: 'target-state', connector, state: 'STOPPED' })

  putLoggerLevel: WorkerHerderOptions['configs']['putLoggerLevel'] = async (logger, level) =>
    await this.append({ type: 'logger-level', logger, level })

  putSessionKey: WorkerHerderOptions['configs']['putSessionKey'] = async ({ key, algorithm, createdMs }) =>
    await this.append({
      type: 'session-key',
      key: key.toString('base64'),
      algorithm,
      creationTimestamp: createdMs,
    })

  putRestartRequest: WorkerHerderOptions['configs']['putRestartRequest'] = async (request) =>
    await this.append({ type: 'restart', ...request })
}

export const noErrors: ConfigInfos = { name: source, errorCount: 0, groups: [], configs: [], warnings: [] }

/** Runs connectors and tasks without threads: a task runs immediately, unless the test says otherwise. */
class MemoryWorker {
  readonly calls: string[] = []
  readonly running = new Map<string, TaskStart>()
  startErrors: Error[] = []
  /** Calls that do not return before these do. */
  readonly holds = new Map<string, Promise<unknown>>()
  taskConfigErrors: Error[] = []
  taskCount = 1
  infos = noErrors
  /** What the connector's plugin finds. */
  probed: readonly DiagnosisFinding[] = []
  /** Of tasks that run, by the text of their ids. */
  readonly flows = new Map<string, TaskFlow>()
  ranges: PartitionRange[] = []
  committed: GroupOffset[] = []
  conditions: readonly ObservedCondition[] = []
  /** Other workers, by their ids. */
  readonly others = new Map<string, (connector: string) => Awaited<ReturnType<AskTasks>>>()
  #listeners: { connectors: ConnectorListener | null; tasks: TaskListener | null } = { connectors: null, tasks: null }

  get connectorListener(): ConnectorListener {
    return present(this.#listeners.connectors, 'the listener of connectors')
  }

  get taskListener(): TaskListener {
    return present(this.#listeners.tasks, 'the listener of tasks')
  }

  runConnectors(listener: ConnectorListener): ConnectorRunner {
    this.#listeners.connectors = listener
    return {
      startConnector: async (name) => {
        await this.call(`start ${name}`)
        const error = this.startErrors.shift()
        if (error !== undefined) throw error
      },
      stopConnector: async (name) => await this.call(`stop ${name}`),
      taskConfigs: async (name, max) => {
        await this.holds.get(`task configs ${name}`)
        return this.#taskConfigs(name, max)
      },
      validate: async ({ name }) => {
        await this.holds.get(`validate ${name ?? ''}`)
        return this.infos
      },
      pluginConfig: async () => [],
      alterOffsets: async (name) => {
        await this.call(`alter offsets of ${name}`)
        return true
      },
      diagnose: async (name) => {
        await this.call(`diagnose ${name}`)
        return this.probed
      },
      close: async () => void this.calls.push('close connectors'),
    }
  }

  runTasks(listener: TaskListener): TaskRunner {
    this.#listeners.tasks = listener
    return {
      start: async (start) => {
        await this.call(`start ${formatTaskId(start.id)}`)
        this.running.set(formatTaskId(start.id), start)
        listener.onTaskState(start, start.paused ? 'PAUSED' : 'RUNNING', null)
      },
      stop: async (id: TaskId) => {
        await this.call(`stop ${formatTaskId(id)}`)
        this.running.delete(formatTaskId(id))
      },
      pause: (id) => void this.calls.push(`pause ${formatTaskId(id)}`),
      resume: (id) => void this.calls.push(`resume ${formatTaskId(id)}`),
      samples: () => [],
      flow: ({ connector, task }) => this.flows.get(`${connector}-${task}`) ?? null,
      close: async () => void this.calls.push('close tasks'),
    }
  }

  async call(what: string): Promise<void> {
    this.calls.push(what)
    await this.holds.get(what)
  }

  #taskConfigs(name: string, max: number): readonly RawConfig[] {
    const error = this.taskConfigErrors.shift()
    if (error !== undefined) throw error
    if (this.taskCount > max) throw new ConnectError('too many', { code: 'TOO_MANY_TASKS' })
    return Array.from({ length: this.taskCount }, (_, n) => ({ n: String(n), of: name }))
  }
}

const noGroups = {
  alterGroupOffsets: async (): Promise<void> => undefined,
  deleteGroupOffsets: async (): Promise<void> => undefined,
  deleteGroup: async (): Promise<boolean> => false,
}

export interface HerdOptions {
  readonly isLeader?: boolean
  /** In the config topic when the herder starts. */
  readonly before?: readonly ConfigRecord[]
  /** Writes what is in the status topic when the herder starts. */
  readonly statusesBefore?: (statuses: WorkerStatusStore) => void
  readonly hasNoOffsets?: boolean
  readonly restarts?: Partial<RestartSettings>
}

/** A herder whose topics, group and worker are in memory. */
export async function herd(options: HerdOptions = {}) {
  const topic = new MemoryStatusTopic()
  const configs = new MemoryConfigs()
  configs.records.push(...(options.before ?? []))
  const worker = new MemoryWorker()
  const clock = new ManualClock()
  const isLeader = options.isLeader ?? true
  let generation = 1
  const logger = quietLogger()
  /** With everything that was ever written, also by the test. */
  const statuses = Object.assign(new WorkerStatusStore(topic, 'w', clock), { writes: topic.writes, topic })
  options.statusesBefore?.(statuses)
  const activity = { count: 0 }
  const rebalances = { count: 0 }
  const lease = { isValid: true }
  let assigned = nothingAssigned
  const group = Promise.withResolvers<WorkerGroupHandlers>()
  const rebalance = async (): Promise<void> => {
    const handlers = await group.promise
    generation += 1
    const { work } = handlers.snapshot()
    assigned = work
    const membership = { generation, isLeader, leaderUrl: 'http://leader/', isSigned: false, work }
    const { released } = await handlers.onMembership(membership)
    await released
  }
  const herder: WorkerHerder = new WorkerHerder({
    configs,
    statuses,
    offsets: {
      start: async () => undefined,
      isEmpty: options.hasNoOffsets ?? false,
      ofSource: async () => [],
      ofGroup: async () => [],
    },
    offsetWriter: new ConnectorOffsetWriter({
      store: { alter: async (name) => void worker.calls.push(`write offsets of ${name}`) },
      admin: noGroups,
    }),
    letters: noLetters,
    diagnosis: {
      client: {
        partitionRanges: async () => worker.ranges,
        admin: { groupOffsets: async () => worker.committed },
      },
      conditions: () => worker.conditions,
      askTasks: async (other, connector) => worker.others.get(other)?.(connector) ?? { kind: 'tasks', tasks: [] },
      workerId: 'w',
      restUrl: 'http://w',
    },
    errors: { of: async (name) => await Promise.reject(new ConnectError(`no letters of ${name}`)) },
    offsetTopic: 'offsets',
    lease,
    fenceTasks: async (connector, tasks) => await worker.call(`fence ${tasks} tasks of ${connector}`),
    joinGroup: (handlers) => {
      group.resolve(handlers)
      const checkConfigured = (): void => {
        if (!isLeader || sameWork(handlers.snapshot().work, assigned)) return
        rebalances.count += 1
        void rebalance()
      }
      return {
        start: () => undefined,
        checkConfigured,
        released: async () => undefined,
        ownerOfConnector: () => null,
        ownerOfTask: () => null,
        close: async () => undefined,
      }
    },
    runConnectors: (listener) => worker.runConnectors(listener),
    runTasks: (listener) => worker.runTasks(listener),
    plugins: new PluginRegistry(fileConnectors),
    serverInfo: { version: '3.9.1', commit: 'x', kafkaClusterId: null },
    groupSettings: { groupId: 'workers' },
    sessionKeySettings: {
      generationAlgorithm: 'HmacSHA256',
      keyBits: null,
      ttlMs: 0,
      signatureAlgorithm: 'HmacSHA256',
      verificationAlgorithms: ['HmacSHA256'],
    },
    sendTaskConfigs: async ({ connector }) => void worker.calls.push(`send task configs of ${connector}`),
    gracefulMs: 1000,
    restarts: { enabled: true, maxAttempts: 3, backoff: { initialMs: 500, maxMs: 30_000 }, ...options.restarts },
    logLevels: LogLevels.startingAt('info'),
    topicTracking: true,
    topicTrackingReset: true,
    clock,
    logger,
    onActivity: () => {
      activity.count += 1
    },
  })
  await herder.start(signal)
  const handlers = await group.promise
  await rebalance()
  const running = async (): Promise<void> => {
    await herder.createConnector('a', config, null, signal)
    await untilPasses(() => expect(topic.task('a', 0)?.state).toBe('RUNNING'))
    topic.writes.length = 0
    worker.calls.length = 0
  }
  return { herder, handlers, configs, statuses, worker, clock, running, logger, activity, rebalances, lease, rebalance }
}

const noLetters: WorkerHerderOptions['letters'] = {
  partitionRanges: async () => [],
  readRanges: async () => undefined,
  admin: { describeTopics: async () => new Map(), groupOffsets: async () => [] },
}

import type { TaskId } from '../config/connector/task-id.ts'
import type { RawConfig } from '../api/config-def.ts'
import type { SourceOffset, SourcePartition } from '../api/record.ts'
import type { ConfigInfos, ConfigKeyInfo, SubmittedConfig } from '../config/definition/config-infos.ts'
import type { WorkerGroup } from '../config/connector/connector-problems.ts'
import type { Clock } from '../foundation/clock.ts'
import type { LogLevel } from '../foundation/logging/log-levels.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { LogSink } from '../foundation/logging/named-logger.ts'
import type { PluginDescriptor } from '../plugin/plugin-descriptor.ts'
import type { PluginRegistry } from '../plugin/plugin-registry.ts'
import type { LabelledSample } from './metrics/prometheus-text.ts'
import { TaskSampleTable } from './metrics/task-sample-table.ts'
import { PluginThreads } from './plugin-threads.ts'
import type { TaskSettings } from './task-settings.ts'
import type { TaskState } from './task-thread/task-control.ts'
import type { TaskStart } from './task-thread/task-thread-messages.ts'
import type { BlockingLimits } from './task-thread-watch.ts'
import { TaskThreads } from './task-threads.ts'

/** What happens in the worker by itself. */
export interface WorkerEvents {
  /** A task is told by the object it was started with. */
  onTaskState(start: TaskStart, state: TaskState, trace: string | null): void
  /** The task has ended. `cause` tells a failure of its own from the death of its thread. */
  onTaskFailed(start: TaskStart, trace: string, cause: 'task' | 'thread'): void
  /** The task lost its thread and is started again on another; its states follow. */
  onTaskMoved(start: TaskStart, trace: string): void
  onTopic(id: TaskId, topic: string): void
  onReconfigure(connector: string): void
  onConnectorFailed(connector: string, trace: string): void
  /** The instances of these connectors are gone with their thread. */
  onConnectorsLost(connectors: readonly string[], reason: Error): void
  readOffsets(connector: string, partitions: readonly SourcePartition[]): Promise<readonly (SourceOffset | null)[]>
}

export interface WorkerOptions {
  readonly settings: TaskSettings
  readonly plugins: PluginRegistry
  /** Those of `plugins` that were found on `plugin.path`. */
  readonly foundPlugins: readonly PluginDescriptor[]
  readonly maxTaskThreads: number
  readonly blocking: BlockingLimits
  readonly logLevel: LogLevel
  readonly logSink: LogSink
  readonly logger: Logger
  readonly clock: Clock
  readonly events: WorkerEvents
}

/** The connectors and tasks that run in this process: threads, and what crosses their boundaries. Runs no plugin code itself. */
export class Worker {
  readonly metrics = new TaskSampleTable()
  readonly #plugins: PluginRegistry
  readonly #pluginThreads: PluginThreads
  readonly #taskThreads: TaskThreads

  constructor(options: WorkerOptions) {
    const { plugins, foundPlugins, logLevel, logSink, logger, clock, events, settings } = options
    this.#plugins = plugins
    this.#pluginThreads = new PluginThreads({
      foundPlugins,
      logLevel,
      logSink,
      logger,
      clock,
      events: {
        onReconfigure: (connector) => events.onReconfigure(connector),
        onConnectorFailed: (connector, trace) => events.onConnectorFailed(connector, trace),
        onConnectorsLost: (connectors, reason) => events.onConnectorsLost(connectors, reason),
      },
    })
    this.#taskThreads = new TaskThreads({
      settings,
      foundPlugins,
      maxThreads: options.maxTaskThreads,
      blocking: options.blocking,
      logLevel,
      logSink,
      logger,
      clock,
      events: {
        onTaskState: (start, state, trace) => events.onTaskState(start, state, trace),
        onTaskFailed: (start, trace, cause) => {
          this.metrics.forget(start.id)
          events.onTaskFailed(start, trace, cause)
        },
        onTaskMoved: (start, trace) => {
          this.metrics.forget(start.id)
          events.onTaskMoved(start, trace)
        },
        onTopic: (start, topic) => events.onTopic(start.id, topic),
        onMetrics: (id, samples) => this.metrics.take(id, samples),
        readOffsets: async (connector, partitions) => await events.readOffsets(connector, partitions),
      },
    })
  }

  /** What is known of the threads that run tasks. */
  threadSamples(): readonly LabelledSample[] {
    return this.#taskThreads.watch.samples()
  }

  /** Starts the connector's instance, after stopping one that runs. @throws what the plugin throws, PluginTimeoutError */
  async startConnector(connector: string, config: RawConfig): Promise<void> {
    await this.#pluginThreads.startConnector(connector, config)
  }

  async stopConnector(connector: string): Promise<void> {
    await this.#pluginThreads.stopConnector(connector)
  }

  async taskConfigs(connector: string, maxTasks: number): Promise<readonly RawConfig[]> {
    return await this.#pluginThreads.taskConfigs(connector, maxTasks)
  }

  async validate(config: SubmittedConfig, group: WorkerGroup): Promise<ConfigInfos> {
    return await this.#pluginThreads.validate(config, group)
  }

  async pluginConfig(plugin: string): Promise<readonly ConfigKeyInfo[]> {
    return await this.#pluginThreads.pluginConfig(plugin)
  }

  /** Hands the task to a thread; how it fares comes through the events. */
  async startTask(start: TaskStart): Promise<void> {
    const { className } = this.#plugins.connector(start.connectorConfig['connector.class'] ?? '')
    await this.#taskThreads.start(start, className)
  }

  /** Ends the task, in order if that can be had within `timeoutMs`. */
  async stopTask(id: TaskId, timeoutMs: number): Promise<void> {
    await this.#taskThreads.stop(id, timeoutMs)
    this.metrics.forget(id)
  }

  pauseTask(id: TaskId): void {
    this.#taskThreads.pause(id)
  }

  resumeTask(id: TaskId): void {
    this.#taskThreads.resume(id)
  }

  /** Ends all threads; stop tasks and connectors before. */
  async close(): Promise<void> {
    await Promise.all([this.#taskThreads.close(), this.#pluginThreads.close()])
  }
}

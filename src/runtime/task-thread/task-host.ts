import type { RawConfig } from '../../api/config-def.ts'
import type { ConnectorPlugin } from '../../api/connector.ts'
import { ConfigError } from '../../api/errors.ts'
import type { SourceOffset, SourcePartition } from '../../api/record.ts'
import type { SinkTask, SourceTask } from '../../api/task.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { parseConfig } from '../../config/parse-config.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import { traceOf } from '../failures.ts'
import { TaskMeters } from '../metrics/task-meters.ts'
import { taskName, type TaskId } from '../task-id.ts'
import { consumerOptions, producerOptions, type TaskSettings } from '../task-settings.ts'
import { interruptible } from '../interruptible.ts'
import type { HostContext } from './host-context.ts'
import { greatestHeader } from './greatest-header.ts'
import { RecordEncoder } from './record-encoder.ts'
import { SinkTaskLoop } from './sink-task-loop.ts'
import { offsetRecordOf } from './source-offset-record.ts'
import { SourceTaskLoop } from './source-task-loop.ts'
import { subscriptionOf } from './subscription-of.ts'
import { TaskControl, type TaskEvents, type TaskState } from './task-control.ts'
import { loadConverters, loadTransforms } from './task-plugins.ts'
import type { TaskSamples, TaskStart } from './task-thread-messages.ts'
import { topicCreation } from './topic-creation.ts'

/** Of the time that the worker waits for tasks to end: the rest is for closing the client. */
const endShare = 0.8

/** What the host's surroundings do for its tasks. */
export interface TaskHostOptions {
  readonly settings: TaskSettings
  readonly plugins: PluginRegistry
  readonly clock: Clock
  readonly logger: Logger
  /** The client that all tasks of the thread share; connects when the first of them needs it. */
  readonly client: () => Promise<KafkaClient>
  readonly readOffsets: (
    connector: string,
    partitions: readonly SourcePartition[],
  ) => Promise<readonly (SourceOffset | null)[]>
  readonly onState: (id: TaskId, state: TaskState, trace: string | null) => void
  readonly onFailed: (id: TaskId, trace: string) => void
  readonly onTopic: (id: TaskId, topic: string) => void
}

interface HostedTask {
  readonly id: TaskId
  readonly control: TaskControl
  readonly meters: TaskMeters
  /** Resolves when the task has ended, however. */
  readonly ended: Promise<void>
}

/** The tasks of one thread: puts each together from its plugins and runs its loop. */
export class TaskHost {
  readonly #options: TaskHostOptions
  readonly #tasks = new Map<string, HostedTask>()

  constructor(options: TaskHostOptions) {
    this.#options = options
  }

  /** Begins to run a task; how it fares comes through the events. */
  start(start: TaskStart): void {
    const { id } = start
    const control = new TaskControl(start.paused)
    const meters = new TaskMeters()
    const ended = this.#run(start, control, meters)
    this.#tasks.set(taskName(id), { id, control, meters, ended })
  }

  /** Asks a task to end and waits for it. */
  async stop(id: TaskId): Promise<void> {
    const task = this.#tasks.get(taskName(id))
    task?.control.stop()
    await task?.ended
  }

  pause(id: TaskId): void {
    this.#tasks.get(taskName(id))?.control.pause()
  }

  resume(id: TaskId): void {
    this.#tasks.get(taskName(id))?.control.resume()
  }

  samples(): readonly TaskSamples[] {
    return [...this.#tasks.values()].map(({ id, meters }) => ({ id, samples: meters.samples() }))
  }

  async #run(start: TaskStart, control: TaskControl, meters: TaskMeters): Promise<void> {
    const { id } = start
    const name = taskName(id)
    try {
      await this.#runLoop(start, control, meters)
    } catch (error) {
      if (control.ended && control.failure === null) return
      this.#options.logger.error(`task ${name} failed and stays down until it is restarted`, { error })
      this.#options.onFailed(id, traceOf(error))
    } finally {
      this.#tasks.delete(name)
    }
  }

  async #runLoop(start: TaskStart, control: TaskControl, meters: TaskMeters): Promise<void> {
    const { plugins, client } = this.#options
    const plugin = await plugins.load(plugins.connector(start.connectorConfig['connector.class'] ?? ''))
    const context = this.#context(start, plugin, meters)
    const kafka = await interruptible(client(), control.ending)
    const loop =
      plugin.kind === 'source'
        ? await this.#sourceLoop(start, plugin, context, kafka, control)
        : await this.#sinkLoop(start, plugin, context, kafka, control)
    await loop.run()
  }

  #context(start: TaskStart, plugin: ConnectorPlugin, meters: TaskMeters): HostContext {
    const { clock, logger } = this.#options
    const { id, taskConfig } = start
    return {
      connector: id.connector,
      task: id.task,
      config: parseConfig(plugin.configDef, taskConfig),
      raw: taskConfig,
      logger: logger.child(taskName(id)),
      clock,
      metrics: meters,
    }
  }

  async #sourceLoop(
    start: TaskStart,
    plugin: ConnectorPlugin,
    context: HostContext,
    kafka: KafkaClient,
    control: TaskControl,
  ): Promise<SourceTaskLoop> {
    const { settings, plugins, readOffsets } = this.#options
    const { connector } = start.id
    const config = start.connectorConfig
    const transforms = await loadTransforms(plugins, config)
    return new SourceTaskLoop({
      createTask: () => sourceTask(plugin),
      context: {
        ...context,
        readOffsets: async (partitions) => await readOffsets(connector, partitions),
        greatestHeader: greatestHeader(kafka, transforms, context.clock),
        ensureTopic: async ({ name, partitions, replicationFactor, configs }) => {
          await kafka.admin.createTopic({ name, partitions, replicationFactor, configs })
        },
      },
      transforms,
      encoder: new RecordEncoder(await loadConverters(plugins, config, settings)),
      producer: kafka.producer(producerOptions(settings, config)),
      prepareTopic: topicCreation(config, kafka.admin),
      offsetRecord: (offset) => offsetRecordOf(settings.offsetTopic, connector, offset),
      control,
      events: this.#events(start),
      flushTimeoutMs: settings.offsetFlushTimeoutMs,
      endTimeoutMs: settings.gracefulMs * endShare,
    })
  }

  async #sinkLoop(
    start: TaskStart,
    plugin: ConnectorPlugin,
    context: HostContext,
    kafka: KafkaClient,
    control: TaskControl,
  ): Promise<SinkTaskLoop> {
    const { settings, plugins } = this.#options
    const config: RawConfig = start.connectorConfig
    return new SinkTaskLoop({
      createTask: () => sinkTask(plugin),
      context,
      transforms: await loadTransforms(plugins, config),
      converters: await loadConverters(plugins, config, settings),
      consumer: kafka.consumer(consumerOptions(start.id.connector, settings, config)),
      subscription: subscriptionOf(config),
      clusterId: kafka.clusterId,
      control,
      events: this.#events(start),
      commitIntervalMs: settings.offsetFlushIntervalMs,
      flushTimeoutMs: settings.offsetFlushTimeoutMs,
      endTimeoutMs: settings.gracefulMs * endShare,
    })
  }

  #events({ id }: TaskStart): TaskEvents {
    return {
      onState: (state, trace) => this.#options.onState(id, state, trace),
      onTopic: (topic) => this.#options.onTopic(id, topic),
    }
  }
}

function sourceTask(plugin: ConnectorPlugin): SourceTask {
  const task = plugin.createTask()
  if ('poll' in task) return task
  throw new ConfigError(`${plugin.className} says that it is a source, but its tasks do not poll`)
}

function sinkTask(plugin: ConnectorPlugin): SinkTask {
  const task = plugin.createTask()
  if ('put' in task) return task
  throw new ConfigError(`${plugin.className} says that it is a sink, but its tasks do not put`)
}

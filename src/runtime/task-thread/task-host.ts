import type { TaskRun, TaskStart } from '../task-run.ts'
import { AsyncLocalStorage } from 'node:async_hooks'
import { threadId } from 'node:worker_threads'

import type { RawConfig } from '../../api/config-def.ts'
import type { ConnectorPlugin } from '../../api/connector.ts'
import { ConfigError } from '../../api/errors.ts'
import type { SinkTask, SourceTask } from '../../api/task.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { shownAfterMs } from '../../client/log-trouble.ts'
import { parseConfig } from '../../config/definition/parse-config.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import { traceOf } from '../failures.ts'
import { Meters } from '../../foundation/metrics/meters.ts'
import { formatTaskId } from '../../config/connector/task-id.ts'
import { consumerOptions, producerOptions, type TaskSettings } from '../task-settings.ts'
import { abortable } from '../../foundation/async/abortable.ts'
import { settledWithin } from '../../foundation/async/deadline.ts'
import type { HostContext } from './host-context.ts'
import { greatestHeader } from './sink/greatest-header.ts'
import { RecordEncoder } from './record-encoder.ts'
import { SinkTaskLoop } from './sink/sink-task-loop.ts'
import { offsetRecordOf } from './source/source-offset-record.ts'
import { SourceTaskLoop } from './source/source-task-loop.ts'
import { subscriptionOf } from './sink/subscription-of.ts'
import type { TaskProgressListener } from '../task-listener.ts'
import { TaskControl } from './task-control.ts'
import { loadConverters, loadTransforms } from './task-plugins.ts'
import { TaskLeftovers } from './task-leftovers.ts'
import { TaskStatus } from './task-status.ts'
import type { ReadOffsets, TaskSamples } from './task-thread-messages.ts'
import { topicCreation } from './source/topic-creation.ts'

/** The number of the incarnation whose code runs. */
const runningTask = new AsyncLocalStorage<number | null>()

/** Whose code this thread runs; null when it is the thread's own. */
export function runningIncarnation(): number | null {
  return runningTask.getStore() ?? null
}

/** Runs `action` in the name of no task: what it makes is shared. */
export function outsideOfTasks<T>(action: () => T): T {
  return runningTask.run(null, action)
}

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
  readonly readOffsets: ReadOffsets
  readonly listener: TaskProgressListener<TaskRun>
  /** The task has ended by an error. `leftovers` says what of it may still run. */
  readonly onFailed: (run: TaskRun, trace: string, leftovers: readonly string[]) => void
}

/** What belongs to one run of a task. */
interface StartedTask {
  readonly run: TaskRun
  readonly control: TaskControl
  readonly meters: Meters
  readonly leftovers: TaskLeftovers
}

interface RunningTask extends StartedTask {
  /** Resolves when the task has ended, however. */
  readonly ended: Promise<void>
}

/** The tasks of one thread: puts each together from its plugins and runs its loop. */
export class TaskHost {
  readonly #options: TaskHostOptions
  readonly #tasks = new Map<number, RunningTask>()

  constructor(options: TaskHostOptions) {
    this.#options = options
  }

  /** Begins to run a task; how it fares comes through the events. */
  start(run: TaskRun): void {
    const task = { run, control: new TaskControl(run.paused), meters: new Meters(), leftovers: new TaskLeftovers() }
    // Whatever the task begins belongs to it, so that a thread that is probed can say whose code it runs.
    const ended = runningTask.run(run.incarnation, async () => await this.#run(task))
    this.#tasks.set(run.incarnation, { ...task, ended })
  }

  /** Asks a task to end and waits for it. Returns what of it may still run. */
  async stop(number: number): Promise<readonly string[]> {
    const task = this.#tasks.get(number)
    task?.control.stop()
    await task?.ended
    return task?.leftovers.list ?? []
  }

  pause(number: number): void {
    this.#tasks.get(number)?.control.pause()
  }

  resume(number: number): void {
    this.#tasks.get(number)?.control.resume()
  }

  samples(): readonly TaskSamples[] {
    return [...this.#tasks.values()].map(({ run, meters }) => ({
      incarnation: run.incarnation,
      samples: meters.samples(),
    }))
  }

  async #run(task: StartedTask): Promise<void> {
    const { run, control, leftovers } = task
    const endsAt = this.#endOf(control)
    const failure = await this.#runLoop(task).then(
      () => null,
      (error: unknown) => ({ error }),
    )
    // A call that the end cut short returns by itself soon: its neighbours keep their thread for that long.
    await settledWithin(this.#options.clock, endsAt() - this.#options.clock.monotonic(), leftovers.settled())
    this.#tasks.delete(run.incarnation)
    if (failure === null || (control.isEnding && control.failure === null)) return
    this.#options.logger.error(`task ${formatTaskId(run.id)} failed and stays down until it is restarted`, failure)
    this.#options.onFailed(run, traceOf(failure.error), leftovers.list)
  }

  /** By when the task has to have ended, by the monotonic clock: the time runs from when it is asked to, or fails. */
  #endOf(control: TaskControl): () => number {
    const { clock, settings } = this.#options
    let askedAt: number | null = null
    control.stopSignal.addEventListener('abort', () => (askedAt = clock.monotonic()), { once: true })
    return () => (askedAt ?? clock.monotonic()) + settings.gracefulMs * endShare
  }

  async #runLoop(task: StartedTask): Promise<void> {
    const { run, meters } = task
    const { plugins } = this.#options
    const plugin = await plugins.load(plugins.connector(run.connectorConfig['connector.class'] ?? ''))
    const context = this.#context(run, plugin, meters)
    const kafka = await this.#connected(task, context)
    const loop =
      plugin.kind === 'source'
        ? await this.#sourceLoop(task, plugin, context, kafka)
        : await this.#sinkLoop(task, plugin, context, kafka)
    context.logger.info(`the task starts on thread ${threadId}`)
    await loop.run()
    context.logger.info('the task has stopped')
  }

  /** The client, which connects to the log when the first task needs it. A log that does not respond is shown. */
  async #connected({ run, control }: StartedTask, context: HostContext): Promise<KafkaClient> {
    const { clock, client, settings } = this.#options
    const { logger, metrics } = context
    const status = new TaskStatus({ control, run, listener: this.#options.listener, logger, metrics })
    const since = new Date(clock.now()).toISOString()
    const cancel = clock.after(shownAfterMs, () => {
      const text = `the log at ${settings.bootstrapServers} has not responded since ${since}; task ${formatTaskId(run.id)} starts when it does`
      status.setCondition('LOG_UNREACHABLE', text)
      status.show({ state: 'RESTARTING' })
    })
    try {
      return await abortable(client(), control.stopSignal)
    } finally {
      cancel()
      status.setCondition('LOG_UNREACHABLE', null)
    }
  }

  #context(start: TaskStart, plugin: ConnectorPlugin, meters: Meters): HostContext {
    const { clock, logger } = this.#options
    const { id, taskConfig } = start
    return {
      connector: id.connector,
      task: id.task,
      config: parseConfig(plugin.configDef, taskConfig),
      raw: taskConfig,
      logger: logger.child(formatTaskId(id)),
      clock,
      metrics: meters,
    }
  }

  async #sourceLoop(
    task: StartedTask,
    plugin: ConnectorPlugin,
    context: HostContext,
    kafka: KafkaClient,
  ): Promise<SourceTaskLoop> {
    const { settings, plugins, readOffsets, listener } = this.#options
    const { run, control, leftovers } = task
    const { connector } = run.id
    const config = run.connectorConfig
    const transforms = await loadTransforms(plugins, config)
    return new SourceTaskLoop({
      createTask: () => leftovers.source(sourceTask(plugin)),
      context: {
        ...context,
        readOffsets: async (partitions) => await readOffsets(connector, partitions),
        greatestHeader: greatestHeader(kafka, transforms, context.clock),
      },
      transforms,
      encoder: new RecordEncoder(await loadConverters(plugins, config, settings)),
      createProducer: (producerListener) =>
        kafka.producer(producerListener, { ...producerOptions(settings, config), apartTopic: settings.offsetTopic }),
      prepareTopic: topicCreation(config, {
        admin: kafka.admin,
        clock: context.clock,
        defaults: plugin.newTopics ?? null,
      }),
      offsetTopic: settings.offsetTopic,
      offsetRecord: (offset) => offsetRecordOf(settings.offsetTopic, connector, offset),
      control,
      run,
      listener,
      flushTimeoutMs: settings.offsetFlushTimeoutMs,
      endTimeoutMs: settings.gracefulMs * endShare,
    })
  }

  async #sinkLoop(
    task: StartedTask,
    plugin: ConnectorPlugin,
    context: HostContext,
    kafka: KafkaClient,
  ): Promise<SinkTaskLoop> {
    const { settings, plugins, listener } = this.#options
    const { run, control, leftovers } = task
    const config: RawConfig = run.connectorConfig
    return new SinkTaskLoop({
      createTask: () => leftovers.sink(sinkTask(plugin)),
      context,
      transforms: await loadTransforms(plugins, config),
      converters: await loadConverters(plugins, config, settings),
      consumer: kafka.consumer(consumerOptions(run.id.connector, settings, config)),
      subscription: subscriptionOf(config),
      clusterId: kafka.clusterId,
      control,
      run,
      listener,
      commitIntervalMs: settings.offsetFlushIntervalMs,
      flushTimeoutMs: settings.offsetFlushTimeoutMs,
      endTimeoutMs: settings.gracefulMs * endShare,
    })
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

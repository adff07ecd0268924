import type { TaskRun, TaskStart } from '../task-run.ts'
import { AsyncLocalStorage } from 'node:async_hooks'
import { threadId } from 'node:worker_threads'

import type { RawConfig } from '../../api/config-def.ts'
import type { ConnectorPlugin } from '../../api/connector.ts'
import { ConfigError } from '../../api/errors.ts'
import type { SinkTask, SourceTask } from '../../api/task.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { shownAfterMs } from '../../client/log-trouble.ts'
import { deadLetterSettingsOf } from '../../config/connector/errors/dead-letter-settings.ts'
import { maxParkedKeysOf } from '../../config/connector/errors/park-settings.ts'
import { parseConfig } from '../../config/definition/parse-config.ts'
import type { ReferenceResolver } from '../../config/providers/config-providers.ts'
import type { SecretRefresh } from '../../config/providers/secret-watch.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { PluginRegistry } from '../../plugin/plugin-registry.ts'
import { isTransient, traceOf } from '../failures.ts'
import { Meters } from '../../foundation/metrics/meters.ts'
import { formatTaskId } from '../../config/connector/task-id.ts'
import { consumerOptions, ownEndMs, producerOptions, type TaskSettings } from '../task-settings.ts'
import { abortable } from '../../foundation/async/abortable.ts'
import { settledWithin } from '../../foundation/async/deadline.ts'
import type { SinkDeadLetters } from './errors/sink-errors.ts'
import { LetterTail } from './errors/parking/letter-tail.ts'
import { ensureTopic } from './ensure-topic.ts'
import type { HostContext } from './host-context.ts'
import { HostedListener } from './secrets/hosted-listener.ts'
import { TaskSecrets } from './secrets/task-secrets.ts'
import { greatestHeader } from './source/greatest-header.ts'
import { RecordEncoder } from './conversion/record-encoder.ts'
import { SinkTaskLoop } from './sink/sink-task-loop.ts'
import { offsetRecordOf } from './source/source-offset-record.ts'
import { SourceTaskLoop } from './source/source-task-loop.ts'
import { subscriptionOf } from './sink/membership/subscription-of.ts'
import type { TaskProgressListener } from '../task-listener.ts'
import { TaskControl } from './task-control.ts'
import { loadConverters, loadTransforms } from './task-plugins.ts'
import { TaskLeftovers } from './task-leftovers.ts'
import { TaskStatus } from './task-status.ts'
import type { ReadOffsets, TaskFailure, TaskSamples } from './task-thread-messages.ts'
import { topicCreation } from './source/topic-creation.ts'

/** The incarnation whose code runs. */
const runningTask = new AsyncLocalStorage<number | null>()

/** Returns the incarnation whose code this thread runs; null when it is the thread's own. */
export function runningIncarnation(): number | null {
  return runningTask.getStore() ?? null
}

/** Runs `action` on behalf of no task, because tasks share its result. */
export function outsideOfTasks<T>(action: () => T): T {
  return runningTask.run(null, action)
}

export interface TaskHostOptions {
  readonly settings: TaskSettings
  readonly plugins: PluginRegistry
  readonly secrets: ReferenceResolver
  readonly clock: Clock
  readonly logger: Logger
  /** Returns the client that all tasks of the thread share; connects at the first call. */
  readonly client: () => Promise<KafkaClient>
  readonly readOffsets: ReadOffsets
  /** Hides the secrets of the thread in a text (I8). */
  readonly redact: (text: string) => string
  /** Whether this worker may act upon its assignment. */
  readonly mayWrite: () => boolean
  readonly listener: TaskProgressListener<TaskRun>
  /** The task has ended by an error. `samples`: its last ones. */
  readonly onFailed: (run: TaskRun, failure: TaskFailure, samples: TaskSamples['samples']) => void
  /** Secrets of the task were read again. If one has changed, the task is to be restarted. */
  readonly onSecrets: (run: TaskRun, refresh: SecretRefresh) => void
}

/** What belongs to one run of a task. */
interface StartedTask {
  readonly run: TaskRun
  readonly control: TaskControl
  readonly meters: Meters
  readonly leftovers: TaskLeftovers
  readonly listener: HostedListener
  readonly secrets: TaskSecrets
}

interface RunningTask extends StartedTask {
  /** Resolves when the task has ended, for any reason. */
  readonly ended: Promise<void>
}

/** The tasks of one thread: creates each from its plugins and runs its loop. */
export class TaskHost {
  readonly #options: TaskHostOptions
  readonly #tasks = new Map<number, RunningTask>()

  constructor(options: TaskHostOptions) {
    this.#options = options
  }

  /** Starts a task, whose states the listener receives. */
  start(run: TaskRun): void {
    const task = this.#task(run)
    // Everything that the task starts belongs to it, so that a probe can tell whose code the thread runs.
    const ended = runningTask.run(run.incarnation, async () => await this.#run(task))
    this.#tasks.set(run.incarnation, { ...task, ended })
  }

  #task(run: TaskRun): StartedTask {
    const { clock, logger, secrets: resolver, onSecrets } = this.#options
    const meters = new Meters()
    const listener = new HostedListener(this.#options.listener, logger.child(formatTaskId(run.id)), meters)
    const onRefresh = (refresh: SecretRefresh): void => onSecrets(run, refresh)
    const secrets = new TaskSecrets({ resolver, clock, listener, onRefresh })
    return { run, control: new TaskControl(run.paused), meters, leftovers: new TaskLeftovers(), listener, secrets }
  }

  /** Stops a task and waits until it has ended. Returns what of it may still run. */
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
    const { run, control, leftovers, secrets } = task
    const endsAt = this.#endOf(control)
    const failure = await this.#runLoop(task).then(
      () => null,
      (error: unknown) => ({ error }),
    )
    secrets.close()
    // An interrupted call usually returns soon, and other tasks of the thread can stay then.
    await settledWithin(this.#options.clock, endsAt() - this.#options.clock.monotonic(), leftovers.settled())
    this.#tasks.delete(run.incarnation)
    if (failure === null || (control.isEnding && control.failure === null)) return
    const mayPass = isTransient(failure.error)
    const then = mayPass ? 'for a reason that may pass' : 'and stays FAILED until it is restarted'
    this.#options.logger.error(`task ${formatTaskId(run.id)} failed ${then}`, failure)
    const { list } = leftovers
    const last = { trace: traceOf(failure.error), leftovers: list, isTransient: mayPass }
    this.#options.onFailed(run, last, task.meters.samples())
  }

  /** Returns the deadline of the task's end, in monotonic milliseconds. The time runs from the request to stop, or the failure. */
  #endOf(control: TaskControl): () => number {
    const { clock, settings } = this.#options
    let askedAt: number | null = null
    control.stopSignal.addEventListener('abort', () => (askedAt = clock.monotonic()), { once: true })
    return () => (askedAt ?? clock.monotonic()) + ownEndMs(settings)
  }

  async #runLoop(stored: StartedTask): Promise<void> {
    const task = { ...stored, run: await stored.secrets.resolved(stored.run, stored.control.stopSignal) }
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

  /** Returns the client. The status shows a broker that does not respond. */
  async #connected({ run, control, listener }: StartedTask, context: HostContext): Promise<KafkaClient> {
    const { clock, client, settings } = this.#options
    const { logger, metrics } = context
    const status = new TaskStatus({ control, run, listener, logger, metrics })
    const since = new Date(clock.now()).toISOString()
    const cancel = clock.after(shownAfterMs, () => {
      const text = `the broker at ${settings.bootstrapServers} has not responded since ${since}; task ${formatTaskId(run.id)} starts when it does`
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
    const { settings, plugins, readOffsets } = this.#options
    const { run, control, leftovers, listener } = task
    const { connector } = run.id
    const config = run.connectorConfig
    const transforms = await loadTransforms(plugins, config, context.logger)
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
      deadLetters: this.#deadLetters('source', run, kafka),
      offsetRecord: (offset) => offsetRecordOf(settings.offsetTopic, connector, offset),
      control,
      run,
      listener,
      flushTimeoutMs: settings.offsetFlushTimeoutMs,
      endTimeoutMs: ownEndMs(settings),
    })
  }

  async #sinkLoop(
    task: StartedTask,
    plugin: ConnectorPlugin,
    context: HostContext,
    kafka: KafkaClient,
  ): Promise<SinkTaskLoop> {
    const { settings, plugins, mayWrite } = this.#options
    const { run, control, leftovers, listener } = task
    const config: RawConfig = run.connectorConfig
    const consumer = consumerOptions(run.id, settings, config)
    const { isolation = 'read_committed' } = consumer
    const group = kafka.consumer(consumer)
    return new SinkTaskLoop({
      createTask: () => leftovers.sink(sinkTask(plugin)),
      context,
      transforms: await loadTransforms(plugins, config, context.logger),
      converters: await loadConverters(plugins, config, settings),
      consumer: group,
      readRange: async (range, onRecord, signal) => await kafka.readRanges([range], onRecord, { signal, isolation }),
      subscription: subscriptionOf(config),
      clusterId: kafka.clusterId,
      deadLetters: this.#deadLetters('sink', run, kafka),
      replay: plugin.replays === false ? null : { client: kafka, followers: plugin.replays !== 'letters' },
      control,
      run,
      listener,
      mayWrite,
      commitIntervalMs: settings.offsetFlushIntervalMs,
      flushTimeoutMs: settings.offsetFlushTimeoutMs,
      endTimeoutMs: ownEndMs(settings),
    })
  }

  #deadLetters(kind: 'source' | 'sink', { id, connectorConfig }: TaskRun, kafka: KafkaClient): SinkDeadLetters | null {
    const { settings, clock, redact } = this.#options
    const letters = deadLetterSettingsOf(connectorConfig)
    const maxKeys = maxParkedKeysOf(kind, connectorConfig)
    if (letters === null) return null
    const { topic, replicationFactor, contextHeaders } = letters
    const spec = { partitions: 1, replicationFactor, configs: {} }
    return {
      target: {
        topic,
        prepare: async (signal) => await ensureTopic({ admin: kafka.admin, clock }, topic, spec, signal),
        createProducer: (listener) => kafka.producer(listener, producerOptions(settings, connectorConfig)),
      },
      form: { topic, context: contextHeaders ? { task: id, redact } : null },
      parking: maxKeys === null ? null : { maxKeys, tail: new LetterTail(kafka, topic) },
    }
  }
}

function sourceTask(plugin: ConnectorPlugin): SourceTask {
  const task = plugin.createTask()
  if ('poll' in task) return task
  throw new ConfigError(`${plugin.className} is a source connector, but its tasks have no poll method`)
}

function sinkTask(plugin: ConnectorPlugin): SinkTask {
  const task = plugin.createTask()
  if ('put' in task) return task
  throw new ConfigError(`${plugin.className} is a sink connector, but its tasks have no put method`)
}

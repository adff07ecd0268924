import { KafkaClient } from '../../client/kafka-client.ts'
import { unreachable } from '../../foundation/assert.ts'
import { systemClock } from '../../foundation/clock.ts'
import { IdleMemory } from '../../foundation/process/idle-memory.ts'
import { LogLevels } from '../../foundation/logging/log-levels.ts'
import { NamedLogger } from '../../foundation/logging/named-logger.ts'
import { provideApi } from '../../plugin/plugin-api.ts'
import { PluginRegistry } from '../../plugin/plugin-registry.ts'
import { ForwardingSink } from '../thread/forwarding-sink.ts'
import { ThreadLink } from '../thread/thread-link.ts'
import { Lease } from '../thread/lease.ts'
import { beat } from '../thread/heartbeat.ts'
import { answerProbes } from '../thread/thread-probe.ts'
import { ThreadSecrets } from '../thread/thread-secrets.ts'
import { parent, startedWith } from '../thread/thread-side.ts'
import { outsideOfTasks, runningIncarnation, TaskHost } from './task-host.ts'
import {
  redactedMessage,
  type FromTaskThread,
  type FromTaskThreadResponses,
  type TaskSamples,
  type TaskThreadData,
  type ToTaskThread,
} from './task-thread-messages.ts'

/** A task thread: the tasks of one plugin with their client. Records pass only between it, the broker and the other system. */
const metricsIntervalMs = 1_000
/** A thread whose counters have not changed for this long returns memory to the system. Milliseconds. */
const restMs = 10_000
const data = startedWith<TaskThreadData>()
provideApi(data.foundPlugins)
const sink = new ForwardingSink(LogLevels.sharedWith(data.logLevels), (message) => link.send(message))
const logger = new NamedLogger('connect.runtime', sink)
const plugins = new PluginRegistry(data.foundPlugins)
const secrets = new ThreadSecrets(data.providers, plugins, systemClock)
const link = new ThreadLink<FromTaskThread, FromTaskThreadResponses, ToTaskThread>(
  parent(),
  receive,
  secrets.outlet(redactedMessage),
)
const lease = Lease.sharedWith(data.lease)
let client: Promise<KafkaClient> | null = null

const host = new TaskHost({
  settings: data.settings,
  plugins,
  secrets,
  clock: systemClock,
  logger: logger.child('Task'),
  client: () => {
    client ??= outsideOfTasks(
      async () =>
        await KafkaClient.connect({
          bootstrapServers: data.settings.bootstrapServers,
          security: data.settings.security,
          clientId: data.clientId,
          mayWrite: () => lease.isValid,
          clock: systemClock,
          logger: logger.child('Client'),
        }),
    )
    return client
  },
  mayWrite: () => lease.isValid,
  redact: (text) => secrets.redaction.text(text),
  readOffsets: async (connector, partitions) =>
    await link.ask<'read-offsets'>({ type: 'read-offsets', connector, partitions }),
  listener: {
    onTaskState: ({ incarnation }, state, trace) => link.send({ type: 'state', incarnation, state, trace }),
    onTaskTopic: ({ incarnation }, topic) => link.send({ type: 'topic', incarnation, topic }),
  },
  onFailed: ({ incarnation }, failure, samples) => {
    link.send({ type: 'metrics', tasks: [{ incarnation, samples }] })
    link.send({ type: 'failed', incarnation, ...failure })
  },
  onSecrets: ({ incarnation }, refresh) => link.send({ type: 'secrets', incarnation, refresh }),
})

secrets.guardProcess()
answerProbes(runningIncarnation)
beat(data.beat, systemClock)

const memory = new IdleMemory(systemClock, restMs)
let lastActivity = 0

systemClock.every(metricsIntervalMs, () => {
  const tasks = host.samples()
  link.send({ type: 'metrics', tasks })
  const activity = activityOf(tasks)
  if (activity !== lastActivity) memory.active()
  lastActivity = activity
})

/** Returns a number that changes when a counter of a task does. */
function activityOf(tasks: readonly TaskSamples[]): number {
  let sum = 0
  for (const { samples } of tasks) for (const sample of samples) if (sample.kind === 'counter') sum += sample.value
  return sum
}

function receive(message: ToTaskThread): unknown {
  switch (message.type) {
    case 'start':
      return host.start(message.run)
    case 'stop':
      return host.stop(message.incarnation)
    case 'pause':
      return host.pause(message.incarnation)
    case 'resume':
      return host.resume(message.incarnation)
    case 'ping':
      return undefined
    default:
      return unreachable(message, 'message to a task thread')
  }
}

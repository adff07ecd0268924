import type { SourceOffset, SourcePartition } from '../../api/record.ts'
import type { WorkerProviders } from '../../config/providers/provider-settings.ts'
import type { Redaction } from '../../config/providers/redaction.ts'
import type { SecretRefresh } from '../../config/providers/secret-watch.ts'
import type { PluginDescriptor } from '../../plugin/plugin-descriptor.ts'
import type { Sample } from '../../foundation/metrics/meters.ts'
import type { TaskSettings } from '../task-settings.ts'
import { redactedLine, type LogMessage } from '../thread/forwarding-sink.ts'
import type { TaskRun, TaskState } from '../task-run.ts'

/** What a task thread is started with. */
export interface TaskThreadData {
  readonly settings: TaskSettings
  readonly clientId: string
  /** Where the thread shows that its event loop turns: see `thread/heartbeat.ts`. */
  readonly beat: SharedArrayBuffer
  /** Until when the worker may act upon its assignment: see `thread/lease.ts`. */
  readonly lease: SharedArrayBuffer
  /** Plugins found on `plugin.path`. */
  readonly foundPlugins: readonly PluginDescriptor[]
  readonly providers: WorkerProviders
  /** Those of the main thread: see `LogLevels`. */
  readonly logLevels: SharedArrayBuffer
}

/** What the main thread sends to a task thread. */
export type ToTaskThread =
  | { readonly type: 'start'; readonly run: TaskRun }
  | { readonly type: 'stop'; readonly incarnation: number }
  | { readonly type: 'pause'; readonly incarnation: number }
  | { readonly type: 'resume'; readonly incarnation: number }
  /** A thread whose event loop runs responds immediately. */
  | { readonly type: 'ping' }

/** `start` returns once the thread knows the task; `stop` once the task has ended, with what of it may still run. */
export interface ToTaskThreadResponses extends Record<string, unknown> {
  start: void
  stop: readonly string[]
  ping: void
}

/** Why a task has ended. */
export interface TaskFailure {
  readonly trace: string
  /** What of it may still run. */
  readonly leftovers: readonly string[]
  /** Whether the reason may pass, so that a restart may help. */
  readonly isTransient: boolean
}

/** What a task thread sends to the main thread. */
export type FromTaskThread =
  /** `trace` says why the task waits; null when nothing is wrong. */
  | { readonly type: 'state'; readonly incarnation: number; readonly state: TaskState; readonly trace: string | null }
  /** The task has ended by an error, and the thread has forgotten it. */
  | (TaskFailure & { readonly type: 'failed'; readonly incarnation: number })
  | { readonly type: 'topic'; readonly incarnation: number; readonly topic: string }
  | { readonly type: 'secrets'; readonly incarnation: number; readonly refresh: SecretRefresh }
  | { readonly type: 'metrics'; readonly tasks: readonly TaskSamples[] }
  | { readonly type: 'read-offsets'; readonly connector: string; readonly partitions: readonly SourcePartition[] }
  | LogMessage

/** Reads the stored offset of each partition, in the order of the partitions; null where there is none. */
export type ReadOffsets = (
  connector: string,
  partitions: readonly SourcePartition[],
) => Promise<readonly (SourceOffset | null)[]>

export interface TaskSamples {
  readonly incarnation: number
  readonly samples: readonly Sample[]
}

export interface FromTaskThreadResponses extends Record<string, unknown> {
  'read-offsets': readonly (SourceOffset | null)[]
}

/** Returns the message without resolved secrets (I8). Names of topics and source partitions stay as the task uses them. */
export function redactedMessage(message: FromTaskThread, redaction: Redaction): FromTaskThread {
  switch (message.type) {
    case 'state':
      return { ...message, trace: redaction.value(message.trace) }
    case 'failed':
      return { ...message, trace: redaction.text(message.trace), leftovers: redaction.value(message.leftovers) }
    case 'metrics':
      return { ...message, tasks: message.tasks.map((task) => redactedLabels(task, redaction)) }
    case 'secrets':
      return { ...message, refresh: redaction.value(message.refresh) }
    case 'log':
      return redactedLine(message, redaction)
    case 'topic':
    case 'read-offsets':
      return message
  }
}

function redactedLabels(task: TaskSamples, redaction: Redaction): TaskSamples {
  const samples = task.samples.map((sample) => {
    if (sample.labels === undefined) return sample
    const labels = Object.entries(sample.labels).map(([name, value]) => [name, redaction.text(value)])
    return { ...sample, labels: Object.fromEntries(labels) }
  })
  return { ...task, samples }
}

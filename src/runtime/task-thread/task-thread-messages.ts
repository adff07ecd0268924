import type { TaskId } from '../../config/connector/task-id.ts'
import type { RawConfig } from '../../api/config-def.ts'
import type { SourceOffset, SourcePartition } from '../../api/record.ts'
import type { LogLevel } from '../../foundation/logging/log-levels.ts'
import type { PluginDescriptor } from '../../plugin/plugin-descriptor.ts'
import type { Sample } from '../../foundation/metrics/meters.ts'
import type { TaskSettings } from '../task-settings.ts'
import type { LogMessage } from '../thread/forwarding-sink.ts'
import type { TaskState } from './task-control.ts'

/** A task to run: its own config, and its connector's, which says converters, transforms and client settings. */
export interface TaskStart {
  readonly id: TaskId
  readonly connectorConfig: RawConfig
  readonly taskConfig: RawConfig
  readonly paused: boolean
}

/** What a task thread is born with. */
export interface TaskThreadData {
  readonly settings: TaskSettings
  readonly clientId: string
  /** Where the thread shows that its event loop turns: see `thread/heartbeat.ts`. */
  readonly beat: SharedArrayBuffer
  /** Plugins found on `plugin.path`. */
  readonly foundPlugins: readonly PluginDescriptor[]
  readonly logLevel: LogLevel
}

/** What the main thread says to a task thread. An incarnation is one run of a task: no two have the same number. */
export type ToTaskThread =
  | { readonly type: 'start'; readonly incarnation: number; readonly start: TaskStart }
  | { readonly type: 'stop'; readonly incarnation: number }
  | { readonly type: 'pause'; readonly incarnation: number }
  | { readonly type: 'resume'; readonly incarnation: number }
  /** Answered at once by a thread whose event loop turns. */
  | { readonly type: 'ping' }
  | { readonly type: 'log-level'; readonly level: LogLevel }

/** `start` answers once the task is known to the thread, `stop` once it has ended, with what of it may still run. */
export interface ToTaskThreadAnswers extends Record<string, unknown> {
  start: void
  stop: readonly string[]
  ping: void
}

/** What a task thread says to the main thread. */
export type FromTaskThread =
  /** `trace` says what the task waits for; null when nothing is wrong. */
  | { readonly type: 'state'; readonly incarnation: number; readonly state: TaskState; readonly trace: string | null }
  /** The task has ended by an error; it is not known to the thread any more. `leftovers` says what of it may still run. */
  | {
      readonly type: 'failed'
      readonly incarnation: number
      readonly trace: string
      readonly leftovers: readonly string[]
    }
  | { readonly type: 'topic'; readonly incarnation: number; readonly topic: string }
  | { readonly type: 'metrics'; readonly tasks: readonly TaskSamples[] }
  | { readonly type: 'read-offsets'; readonly connector: string; readonly partitions: readonly SourcePartition[] }
  | LogMessage

export interface TaskSamples {
  readonly incarnation: number
  readonly samples: readonly Sample[]
}

export interface FromTaskThreadAnswers extends Record<string, unknown> {
  'read-offsets': readonly (SourceOffset | null)[]
}

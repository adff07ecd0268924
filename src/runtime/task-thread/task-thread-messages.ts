import type { RawConfig } from '../../api/config-def.ts'
import type { SourceOffset, SourcePartition } from '../../api/record.ts'
import type { LogLevel } from '../../foundation/log-levels.ts'
import type { PluginDescriptor } from '../../plugin/plugin-descriptor.ts'
import type { Sample } from '../metrics/task-meters.ts'
import type { TaskId } from '../task-id.ts'
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
  /** Plugins found on `plugin.path`. */
  readonly foundPlugins: readonly PluginDescriptor[]
  readonly logLevel: LogLevel
}

/** What the main thread says to a task thread. */
export type ToTaskThread =
  | { readonly type: 'start'; readonly start: TaskStart }
  | { readonly type: 'stop'; readonly id: TaskId }
  | { readonly type: 'pause'; readonly id: TaskId }
  | { readonly type: 'resume'; readonly id: TaskId }
  | { readonly type: 'log-level'; readonly level: LogLevel }

/** `start` answers once the task is known to the thread, `stop` once it has ended. */
export interface ToTaskThreadAnswers extends Record<string, unknown> {
  start: void
  stop: void
}

/** What a task thread says to the main thread. */
export type FromTaskThread =
  /** `trace` says what the task waits for; null when nothing is wrong. */
  | { readonly type: 'state'; readonly id: TaskId; readonly state: TaskState; readonly trace: string | null }
  /** The task has ended by an error; it is not known to the thread any more. */
  | { readonly type: 'failed'; readonly id: TaskId; readonly trace: string }
  | { readonly type: 'topic'; readonly id: TaskId; readonly topic: string }
  | { readonly type: 'metrics'; readonly tasks: readonly TaskSamples[] }
  | { readonly type: 'read-offsets'; readonly connector: string; readonly partitions: readonly SourcePartition[] }
  | LogMessage

export interface TaskSamples {
  readonly id: TaskId
  readonly samples: readonly Sample[]
}

export interface FromTaskThreadAnswers extends Record<string, unknown> {
  'read-offsets': readonly (SourceOffset | null)[]
}

import type { RawConfig } from '../../api/config-def.ts'
import type { ConfigInfos, ConfigKeyInfo, SubmittedConfig } from '../../config/definition/config-infos.ts'
import type { WorkerGroup } from '../../config/connector/connector-problems.ts'
import type { LogLevel } from '../../foundation/logging/log-levels.ts'
import type { PluginDescriptor } from '../../plugin/plugin-descriptor.ts'
import type { LogMessage } from '../thread/forwarding-sink.ts'

/** What the plugin thread is born with. */
export interface PluginThreadData {
  readonly foundPlugins: readonly PluginDescriptor[]
  readonly logLevel: LogLevel
}

/**
 * What the main thread says to a plugin thread. `owner` is the number of a connector's instance, or of a validation: it tells
 * whose code a blocked thread runs.
 */
export type ToPluginThread =
  | { readonly type: 'start-connector'; readonly connector: string; readonly owner: number; readonly config: RawConfig }
  | { readonly type: 'stop-connector'; readonly connector: string; readonly owner: number }
  | { readonly type: 'task-configs'; readonly connector: string; readonly maxTasks: number }
  | {
      readonly type: 'validate'
      readonly owner: number
      readonly config: SubmittedConfig
      readonly worker: WorkerGroup
      readonly timeoutMs: number
    }
  | { readonly type: 'plugin-config'; readonly owner: number; readonly plugin: string }
  /** Answered at once by a thread that is not stuck. */
  | { readonly type: 'ping' }
  /** Whether the thread may be ended until it is needed again. */
  | { readonly type: 'may-rest' }

export interface ToPluginThreadAnswers extends Record<string, unknown> {
  'start-connector': void
  'stop-connector': void
  'task-configs': readonly RawConfig[]
  validate: ConfigInfos
  'plugin-config': readonly ConfigKeyInfo[]
  ping: void
  'may-rest': boolean
}

/** What the plugin thread says to the main thread. */
export type FromPluginThread =
  | { readonly type: 'reconfigure'; readonly connector: string; readonly owner: number }
  | {
      readonly type: 'connector-failed'
      readonly connector: string
      readonly owner: number
      readonly trace: string
    }
  | LogMessage

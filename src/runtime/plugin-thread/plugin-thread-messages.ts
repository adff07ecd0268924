import type { RawConfig } from '../../api/config-def.ts'
import type { DiagnosisFinding } from '../../api/diagnosis/finding.ts'
import type { SinkOffsetChange, SourceOffsetChange } from '../../api/connector.ts'
import type { ConfigInfos, ConfigKeyInfo, SubmittedConfig } from '../../config/definition/config-infos.ts'
import type { WorkerGroup } from '../../config/connector/connector-problems.ts'
import type { WorkerProviders } from '../../config/providers/provider-settings.ts'
import type { PluginDescriptor } from '../../plugin/plugin-descriptor.ts'
import type { Redaction } from '../../config/providers/redaction.ts'
import type { SecretRefresh } from '../../config/providers/secret-watch.ts'
import type { ConnectorFailure } from '../connector-listener.ts'
import type { RecordsRead, RecordsToRead, RecordToLocate } from './records/readable-record.ts'
import type { LocatedRecord } from './records/record-places.ts'
import { redactedLine, type LogMessage } from '../thread/forwarding-sink.ts'

/** A change of the offsets of a connector: of a source's stored ones, or of a sink's committed ones. */
export type OffsetChanges =
  | { readonly kind: 'source'; readonly changes: readonly SourceOffsetChange[] }
  | { readonly kind: 'sink'; readonly changes: readonly SinkOffsetChange[] }
  /** To deliver the records of dead letters again. */
  | { readonly kind: 'replay'; readonly changes: readonly SinkOffsetChange[] }

/** What a plugin thread is started with. */
export interface PluginThreadData {
  readonly foundPlugins: readonly PluginDescriptor[]
  readonly providers: WorkerProviders
  /** Those of the main thread: see `LogLevels`. */
  readonly logLevels: SharedArrayBuffer
}

/**
 * What the main thread sends to a plugin thread. `owner` is the number of a connector instance, or of a validation: it
 * identifies the code that a blocked thread runs.
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
  | {
      readonly type: 'alter-offsets'
      readonly owner: number
      readonly config: RawConfig
      readonly offsets: OffsetChanges
      readonly timeoutMs: number
    }
  | { readonly type: 'read-records'; readonly owner: number; readonly asked: RecordsToRead; readonly timeoutMs: number }
  | {
      readonly type: 'diagnose'
      readonly owner: number
      readonly connector: string
      readonly config: RawConfig
      readonly topics: readonly string[]
      readonly timeoutMs: number
    }
  | {
      readonly type: 'locate-record'
      readonly owner: number
      readonly asked: RecordToLocate
      readonly timeoutMs: number
    }
  /** A thread whose event loop runs responds immediately. */
  | { readonly type: 'ping' }
  /** Returns whether the thread may be ended until it is needed again. */
  | { readonly type: 'may-rest' }
  /** Stops all connector instances: the thread will be ended. */
  | { readonly type: 'stop-all' }

export interface ToPluginThreadResponses extends Record<string, unknown> {
  'start-connector': void
  'stop-connector': void
  'task-configs': readonly RawConfig[]
  validate: ConfigInfos
  'plugin-config': readonly ConfigKeyInfo[]
  'alter-offsets': boolean
  'read-records': RecordsRead
  diagnose: readonly DiagnosisFinding[]
  'locate-record': LocatedRecord
  ping: void
  'may-rest': boolean
  'stop-all': void
}

/** What a plugin thread sends to the main thread. */
export type FromPluginThread =
  | { readonly type: 'reconfigure'; readonly connector: string; readonly owner: number }
  | {
      readonly type: 'connector-failed'
      readonly connector: string
      readonly owner: number
      readonly failure: ConnectorFailure
    }
  | {
      readonly type: 'connector-secrets'
      readonly connector: string
      readonly owner: number
      readonly refresh: SecretRefresh
    }
  | LogMessage

/** Returns the message without resolved secrets (I8). Names stay as they are. */
export function redactedMessage(message: FromPluginThread, redaction: Redaction): FromPluginThread {
  switch (message.type) {
    case 'connector-failed':
      return { ...message, failure: { ...message.failure, trace: redaction.text(message.failure.trace) } }
    case 'connector-secrets':
      return { ...message, refresh: redaction.value(message.refresh) }
    case 'log':
      return redactedLine(message, redaction)
    case 'reconfigure':
      return message
  }
}

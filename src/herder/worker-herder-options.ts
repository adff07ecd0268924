import type { WorkerGroup as GroupSettings } from '../config/connector/connector-problems.ts'
import type { RestartSettings } from '../config/restart-settings.ts'
import type { Clock } from '../foundation/clock.ts'
import type { LogLevels } from '../foundation/logging/log-levels.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { PluginRegistry } from '../plugin/plugin-registry.ts'
import type { ConnectorListener } from '../runtime/connector-listener.ts'
import type { TaskListener } from '../runtime/task-listener.ts'
import type { Lease } from '../runtime/thread/lease.ts'
import type { ConfigBackingStore } from '../storage/config-backing-store.ts'
import type { ServerInfo } from './entities/server-info.ts'
import type { WorkerGroup, WorkerGroupHandlers } from './group/worker-group.ts'
import type { ConnectorErrorsReader } from './errors/connector-errors-reader.ts'
import type { ErrorsReplayerOptions } from './errors/errors-replay.ts'
import type { DiagnosisSources } from './diagnosis/diagnosis-reader.ts'
import type { OffsetReader } from './herder-reads.ts'
import type { ConfigWriter, HerderWritesOptions } from './herder-writes.ts'
import type { TaskRunner } from './local/assigned-tasks.ts'
import type { ConnectorRunner } from './local/connector-instances.ts'
import type { InternalRequestsOptions } from './internal/internal-requests.ts'
import type { OffsetWriter } from './offsets/offset-alteration.ts'
import type { ConnectorOffsetReader } from './offsets/connector-offset-reader.ts'
import type { WorkerStatusStore } from './state/worker-status-store.ts'

/** What the herder does with its membership. */
export type HerderGroup = Pick<
  WorkerGroup,
  'start' | 'checkConfigured' | 'released' | 'ownerOfConnector' | 'ownerOfTask' | 'close'
>

export interface WorkerHerderOptions
  extends
    Pick<InternalRequestsOptions, 'sessionKeySettings' | 'sendTaskConfigs'>,
    Pick<HerderWritesOptions, 'fenceTasks'> {
  readonly configs: Pick<ConfigBackingStore, 'start' | 'putLoggerLevel' | 'putSessionKey' | 'abandonWrites'> &
    ConfigWriter
  readonly statuses: WorkerStatusStore
  readonly offsets: Pick<ConnectorOffsetReader, 'start' | 'isEmpty'> & OffsetReader
  readonly offsetWriter: OffsetWriter
  /** Reads dead letters. */
  readonly errors: Pick<ConnectorErrorsReader, 'of'>
  readonly diagnosis: DiagnosisSources
  /** Reads the letters that are to be delivered again. */
  readonly letters: ErrorsReplayerOptions['client']
  /** The name of the offset topic, for a warning. */
  readonly offsetTopic: string
  /** Until when this worker may act as a member of its group. */
  readonly lease: Pick<Lease, 'isValid'>
  /** Each is called once, with what the herder does for the group, the connectors and the tasks. */
  readonly joinGroup: (handlers: WorkerGroupHandlers) => HerderGroup
  readonly runConnectors: (listener: ConnectorListener) => ConnectorRunner
  readonly runTasks: (listener: TaskListener) => TaskRunner
  readonly plugins: PluginRegistry
  readonly serverInfo: ServerInfo
  readonly groupSettings: GroupSettings
  /** How long tasks may take to stop (`task.shutdown.graceful.timeout.ms`). */
  readonly gracefulMs: number
  readonly restarts: RestartSettings
  readonly logLevels: LogLevels
  readonly topicTracking: boolean
  readonly topicTrackingReset: boolean
  readonly clock: Clock
  readonly logger: Logger
  /** A record of the config topic was read. */
  readonly onActivity: () => void
}

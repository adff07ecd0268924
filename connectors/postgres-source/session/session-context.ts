import type { Clock, Counter, Logger, SourceOffset } from 'penstock/api'
import type { SourceSettings } from '../config/source-settings.ts'
import type { StoreOffset } from '../offsets/offset-tracker.ts'
import type { SetCondition } from '../preflight/finding.ts'
import type { CaptureHistory } from '../publication/capture-history.ts'
import type { PublicationMonitor } from '../publication/publication-monitor.ts'
import type { RecordBuilder } from '../records/record-builder.ts'
import type { TableRegistry } from '../schema/table-registry.ts'
import type { SnapshotAhead } from '../snapshot/snapshot-ahead.ts'

/** The services and state of a task that its sessions share. */
export interface SessionContext {
  readonly settings: SourceSettings
  readonly tables: TableRegistry
  readonly records: RecordBuilder
  readonly monitor: PublicationMonitor
  readonly history: CaptureHistory
  readonly ahead: SnapshotAhead
  readonly clock: Clock
  readonly logger: Logger
  /** Null when the runtime cannot store an offset without a record. */
  readonly store: StoreOffset | null
  /** Reads the stored offset. */
  readonly stored: () => Promise<SourceOffset | null>
  /** Reads the highest row version at the ends of these topics. */
  readonly highestVersion: (topics: readonly string[]) => Promise<bigint | null>
  readonly sharedVersions: Counter
  readonly setCondition: SetCondition
}

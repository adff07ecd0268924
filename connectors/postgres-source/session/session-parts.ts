import type { Clock, Counter, Logger, SourceOffset } from 'penstock/api'
import type { ShowCondition } from '../preflight/finding.ts'
import type { KnownTables } from './known-tables.ts'
import type { StoreOffset } from '../offsets/progress.ts'
import type { PublicationWatch } from '../replication/publication-watch.ts'
import type { RecordBuilder } from '../records/record-builder.ts'
import type { SourceSettings } from '../config/settings.ts'
import type { SnapshotAhead } from '../snapshot/snapshot-ahead.ts'
import type { TableRegistry } from '../schema/table-registry.ts'

/** The services and state of a task that its sessions share. */
export interface SessionParts {
  readonly settings: SourceSettings
  readonly tables: TableRegistry
  readonly records: RecordBuilder
  readonly watch: PublicationWatch
  readonly known: KnownTables
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
  readonly show: ShowCondition
}

import type { Logger } from '../foundation/logging/logger.ts'
import type { SpaceReserve } from './disk/disk-full.ts'
import type { DurableSegments } from './disk/durable-segments.ts'
import type { FileSystem } from './disk/file-system.ts'
import type { LogConfig } from './log-config.ts'
import type { ProducerState } from './producers/producer-state.ts'
import type { PartitionCheckpoint } from './recovery/partition-checkpoint.ts'

/** The state of a partition, shared by appending, reading and upkeep. */
export interface PartitionState {
  readonly fs: FileSystem
  readonly directory: string
  readonly logger: Logger
  readonly segments: DurableSegments
  readonly reserve: SpaceReserve
  config: LogConfig
  producers: ProducerState
  logStartOffset: number
  /** As it is on disk. */
  checkpoint: PartitionCheckpoint
}

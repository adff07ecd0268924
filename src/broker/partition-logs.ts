import { concurrently } from '../foundation/concurrently.ts'
import type { Clock } from '../foundation/clock.ts'
import type { Logger } from '../foundation/logger.ts'
import type { SpaceReserve } from '../log/disk-full.ts'
import type { FileSystem } from '../log/file-system.ts'
import type { LogConfig } from '../log/log-config.ts'
import { StorageError } from '../log/log-error.ts'
import { PartitionLog } from '../log/partition-log.ts'
import { CorruptMetadataError } from './broker-error.ts'
import type { TopicRecord } from './cluster-file.ts'
import type { PartitionFolders } from './partition-folders.ts'
import { logConfigOf } from './topic-configs.ts'

/** What the logs live on. */
export interface PartitionLogsOptions {
  readonly fs: FileSystem
  readonly folders: PartitionFolders
  readonly clock: Clock
  readonly logger: Logger
  readonly reserve: SpaceReserve
  /** What topics do not set themselves. */
  readonly logDefaults: LogConfig
}

/** How many partitions are opened or closed at a time: each waits for the disk, and holds a few descriptors while it does. */
const atATime = 32

/** Opens, creates and closes the logs of topics. */
export class PartitionLogs {
  readonly #options: PartitionLogsOptions

  constructor(options: PartitionLogsOptions) {
    this.#options = options
  }

  /** Those of topics that exist, by topic. @throws the first failure, after closing what was opened. */
  async openAll(records: readonly TopicRecord[]): Promise<Map<TopicRecord, PartitionLog[]>> {
    const { folders } = this.#options
    for (const { name, id, partitionCount } of records)
      for (let index = 0; index < partitionCount; index += 1) folders.verify(name, index, id)
    const places = records.flatMap((record) => placesOf(record, 0))
    const logs = await this.#open(places)
    const byTopic = new Map<TopicRecord, PartitionLog[]>(records.map((record) => [record, []]))
    for (const [i, { record, index }] of places.entries()) {
      const partitions = byTopic.get(record)
      if (partitions !== undefined) partitions[index] = logs[i] as PartitionLog
    }
    return byTopic
  }

  /**
   * Those of partitions that were never there, from `from` on; nothing of another topic, or of an attempt that failed, is in
   * them. @throws StorageError, the system's error
   */
  async create(record: TopicRecord, from: number): Promise<PartitionLog[]> {
    for (let index = from; index < record.partitionCount; index += 1) {
      try {
        await this.#options.folders.claim(record.name, index, record.id)
      } catch (error) {
        if (!(error instanceof CorruptMetadataError)) throw error
        throw new StorageError(error.message, { cause: error })
      }
    }
    return this.#open(placesOf(record, from))
  }

  /** Closes logs that are not wanted; never hides why. */
  async discard(partitions: readonly PartitionLog[]): Promise<void> {
    await concurrently(partitions, atATime, async (log) => {
      try {
        await log.close({ checkpoint: false })
      } catch (error) {
        this.#options.logger.warn('a partition could not be closed in order', { error: String(error) })
      }
    })
  }

  /**
   * Closes logs. A checkpoint that cannot be written costs time at the next start and nothing else: one warning for all of them.
   * @throws what failed otherwise, once all are closed.
   */
  async close(partitions: readonly PartitionLog[]): Promise<void> {
    const failures: { readonly directory: string; readonly error: unknown }[] = []
    await concurrently(partitions, atATime, async (log) => {
      try {
        await log.close()
      } catch (error) {
        failures.push({ directory: log.directory, error })
      }
    })
    const [first] = failures
    if (first === undefined) return
    const unexpected = failures.find(({ error }) => !(error instanceof StorageError))
    if (unexpected !== undefined) throw unexpected.error
    this.#options.logger.warn('stopping without the checkpoints of some partitions: the next start scans them', {
      partitions: failures.length,
      error: String(first.error),
    })
  }

  async #open(places: readonly Place[]): Promise<PartitionLog[]> {
    const { fs, folders, clock, logger, reserve, logDefaults } = this.#options
    const shared = { fs, clock, logger, reserve, checkpointsLater: true }
    const opened: PartitionLog[] = []
    try {
      return await concurrently(places, atATime, async ({ record, index }) => {
        const config = logConfigOf(record.configs, logDefaults)
        const directory = folders.pathOf(record.name, index)
        const log = await PartitionLog.open({ ...shared, directory, config })
        opened.push(log)
        return log
      })
    } catch (error) {
      await this.discard(opened)
      throw error
    }
  }
}

interface Place {
  readonly record: TopicRecord
  readonly index: number
}

function placesOf(record: TopicRecord, from: number): Place[] {
  return Array.from({ length: record.partitionCount - from }, (_, i) => ({ record, index: from + i }))
}

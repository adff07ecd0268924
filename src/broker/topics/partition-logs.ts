import { concurrently } from '../../foundation/async/concurrently.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Conditions } from '../../foundation/metrics/conditions.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { damagedFiles } from '../../log/recovery/damaged-tail.ts'
import type { SpaceReserve } from '../../log/disk/disk-full.ts'
import type { FileSystem } from '../../log/disk/file-system.ts'
import type { LogConfig } from '../../log/log-config.ts'
import { LogError, StorageError } from '../../log/log-error.ts'
import { PartitionLog } from '../../log/partition-log.ts'
import { CorruptMetadataError } from '../broker-error.ts'
import type { TopicRecord } from './cluster-file.ts'
import type { PartitionDirectories } from './partition-directories.ts'
import { logConfigOf } from '../settings/topic-configs.ts'
import { isInternalTopic } from './topic-name.ts'

/** The options of {@link PartitionLogs}. */
export interface PartitionLogsOptions {
  readonly fs: FileSystem
  readonly directories: PartitionDirectories
  readonly clock: Clock
  readonly logger: Logger
  readonly reserve: SpaceReserve
  /** Defaults for configs that a topic does not set. */
  readonly logDefaults: LogConfig
  readonly conditions?: Conditions
}

/** Partitions that are opened or closed concurrently: each waits for the disk and holds a few descriptors. */
const atATime = 32
const offlineCode = 'BROKER_PARTITION_OFFLINE'
const lostCode = 'BROKER_RECORDS_LOST'

/** Opens, creates and closes partition logs. */
export class PartitionLogs {
  readonly #options: PartitionLogsOptions
  /** By topic, with the reasons. */
  readonly #offline = new Map<string, readonly string[]>()
  /** The directories of partitions that keep what recovery cut off behind damage, by topic. */
  readonly #damaged = new Map<string, Set<string>>()

  constructor(options: PartitionLogsOptions) {
    this.#options = options
  }

  /**
   * Opens the partitions of existing topics. Returns them by topic; null for a partition whose files cannot be read. It is then
   * offline, and the others are still served. Internal topics must be complete: without its stored offsets a group would start
   * over.
   * @param known partition logs of the only topic that are already open.
   * @throws CorruptMetadataError, or a failure of an internal topic, after closing the partitions that were opened.
   */
  async openAll(
    records: readonly TopicRecord[],
    known: readonly (PartitionLog | null)[] = [],
  ): Promise<Map<TopicRecord, (PartitionLog | null)[]>> {
    const offline = new Map<string, string[]>()
    const opened: PartitionLog[] = []
    const byTopic = new Map<TopicRecord, (PartitionLog | null)[]>(records.map((record) => [record, []]))
    try {
      await concurrently(
        records.flatMap((record) => placesOf(record, 0)),
        atATime,
        async (place) => {
          const { record, index } = place
          let log = known[index] ?? null
          try {
            if (log === null) {
              this.#options.directories.verify(record.name, index, record.id)
              log = await this.#openOne(place)
              opened.push(log)
            }
          } catch (error) {
            if (isInternalTopic(record.name) || !isOfOne(error)) throw error
            const reasons = offline.get(record.name) ?? []
            offline.set(record.name, [...reasons, `${record.name}-${index} (${String(error)})`])
          }
          const partitions = byTopic.get(record)
          if (partitions !== undefined) partitions[index] = log
        },
      )
    } catch (error) {
      await this.discard(opened)
      throw error
    }
    this.#report(records, offline)
    this.reportDamaged()
    return byTopic
  }

  /** Reports the partitions with bytes that recovery cut off, until an operator has moved or removed the files. */
  reportDamaged(): void {
    const { fs, conditions } = this.#options
    const kept: string[] = []
    for (const [topic, directories] of this.#damaged) {
      for (const directory of directories) {
        const names = damagedFiles(fs, directory)
        if (names.length === 0) directories.delete(directory)
        kept.push(...names.map((name) => `${directory}/${name}`))
      }
      if (directories.size === 0) this.#damaged.delete(topic)
    }
    if (kept.length === 0) conditions?.withdraw(lostCode)
    else
      conditions?.raise(
        lostCode,
        `records that may have been acknowledged were cut off, because bytes before them are damaged; they are kept in ` +
          `${kept.slice(0, 3).join(', ')}${kept.length > 3 ? ` and ${kept.length - 3} more files` : ''}. LOG_RECORDS_LOST in the ` +
          'log names the offsets. Check the disk; move the files elsewhere when you have seen this, and this is over within ' +
          'a minute',
      )
  }

  /**
   * Creates the partitions of a topic from `from` on. Their directories contain nothing of another topic or of a failed attempt.
   * @throws StorageError, the system's error
   */
  async create(record: TopicRecord, from: number): Promise<PartitionLog[]> {
    for (let index = from; index < record.partitionCount; index += 1) {
      try {
        await this.#options.directories.claim(record.name, index, record.id)
      } catch (error) {
        if (!(error instanceof CorruptMetadataError)) throw error
        throw new StorageError(error.message, { cause: error })
      }
    }
    return this.#open(placesOf(record, from))
  }

  /** Closes partition logs after a failure. Does not throw, so that the failure is not hidden. */
  async discard(partitions: readonly PartitionLog[]): Promise<void> {
    await concurrently(partitions, atATime, async (log) => {
      try {
        await log.close({ checkpoint: false })
      } catch (error) {
        this.#options.logger.warn('could not close a partition', { error: String(error) })
      }
    })
  }

  /**
   * Closes partition logs. A failed checkpoint only makes the next start slower, so there is one warning for all of them.
   * @throws other failures, after all are closed (I9).
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
    this.#options.logger.warn('stopping without checkpoints of some partitions; the next start scans them', {
      partitions: failures.length,
      error: String(first.error),
    })
  }

  /** Drops the reports about a deleted topic. */
  forget(topic: string): void {
    if (this.#offline.delete(topic)) this.#report([], new Map())
    if (this.#damaged.delete(topic)) this.reportDamaged()
  }

  /** By topic, because each is retried separately. */
  #report(records: readonly TopicRecord[], offline: ReadonlyMap<string, readonly string[]>): void {
    for (const { name } of records) {
      const own = offline.get(name)
      if (own === undefined) this.#offline.delete(name)
      else this.#offline.set(name, own)
    }
    const { conditions } = this.#options
    const all = [...this.#offline.values()].flat()
    if (all.length === 0) conditions?.withdraw(offlineCode)
    else
      conditions?.raise(
        offlineCode,
        `${all.length} partitions cannot be opened, written or read: ${all.slice(0, 3).join(', ')}. Check the ` +
          'disk and the permissions of their directories; the broker retries every minute',
      )
  }

  async #open(places: readonly Place[]): Promise<PartitionLog[]> {
    const opened: PartitionLog[] = []
    try {
      return await concurrently(places, atATime, async (place) => {
        const log = await this.#openOne(place)
        opened.push(log)
        return log
      })
    } catch (error) {
      await this.discard(opened)
      throw error
    }
  }

  async #openOne({ record, index }: Place): Promise<PartitionLog> {
    const { fs, directories, clock, logger, reserve, logDefaults } = this.#options
    const config = logConfigOf(record.configs, logDefaults)
    const directory = directories.pathOf(record.name, index)
    const log = await PartitionLog.open({ fs, directory, config, clock, logger, reserve, checkpointsLater: true })
    if (damagedFiles(fs, directory).length > 0) {
      const known = this.#damaged.get(record.name)
      if (known === undefined) this.#damaged.set(record.name, new Set([directory]))
      else known.add(directory)
    }
    return log
  }
}

/** Returns the error message for a partition that is offline. */
export function offlineText(topic: string, partition: number): string {
  return `${offlineCode}: ${topic}-${partition} could not be opened; see the logs of the broker`
}

/** Returns whether a failure concerns one partition: its disk, or its directory, which belongs to another topic. */
function isOfOne(error: unknown): boolean {
  if (error instanceof LogError || error instanceof CorruptMetadataError) return true
  return error instanceof Error && 'code' in error
}

interface Place {
  readonly record: TopicRecord
  readonly index: number
}

function placesOf(record: TopicRecord, from: number): Place[] {
  return Array.from({ length: record.partitionCount - from }, (_, i) => ({ record, index: from + i }))
}

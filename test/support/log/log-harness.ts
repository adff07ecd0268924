import type { IsolationLevel } from '../../../src/protocol/isolation-level.ts'
import { defaultLogConfig, type LogConfig } from '../../../src/log/log-config.ts'
import { verifiedBatch } from '../../../src/log/batch-check.ts'
import { PartitionLog } from '../../../src/log/partition-log.ts'
import { BatchBuilder, type FinishOptions } from '../../../src/protocol/record-batch/batch-builder.ts'
import type { BatchRecord } from '../../../src/protocol/record-batch/record-reader.ts'
import type { VerifiedBatch } from '../../../src/protocol/record-batch/verified-batch.ts'
import { ManualClock } from '../manual-clock.ts'
import type { CrashOptions } from './memory-disk.ts'
import { MemoryFileSystem } from './memory-file-system.ts'
import { quietLogger } from '../quiet-logger.ts'
import { forEachBatch, readRecords } from '../protocol/read-batches.ts'

/** The directory of the harness's partition. */
export const logDirectory = '/data/orders-0'

/** A record for {@link batchOf}: key, value, timestamp. */
export type Entry = readonly [key: string | null, value: string | null, timestampMs?: number]

/** A verified batch of these records. */
export function batchOf(entries: readonly Entry[], options: FinishOptions = {}): VerifiedBatch {
  return verifiedBatch(bytesOf(entries, options))
}

/** The bytes of a batch of these records. */
export function bytesOf(entries: readonly Entry[], options: FinishOptions = {}): Buffer {
  const builder = new BatchBuilder()
  for (const [key, value, timestampMs] of entries) {
    const bytes = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text))
    builder.append(bytes(key), bytes(value), [], timestampMs ?? 1_700_000_000_000)
  }
  return builder.finish(options)
}

/** A log on a disk in memory, which outlives it. */
export class LogHarness {
  fs: MemoryFileSystem
  readonly clock: ManualClock
  readonly logger = quietLogger()
  config: LogConfig

  constructor(config: Partial<LogConfig> = {}, fs = new MemoryFileSystem(), clock = new ManualClock()) {
    this.config = { ...defaultLogConfig, ...config }
    this.fs = fs
    this.clock = clock
    this.fs.makeDirectory('/data')
  }

  open(): Promise<PartitionLog> {
    const { fs, clock, logger, config } = this
    return PartitionLog.open({ fs, directory: logDirectory, config, clock, logger })
  }

  /** What the machine finds after it lost power. */
  crash(unsynced: CrashOptions['unsynced'] = 'forget', random: () => number = Math.random): void {
    this.fs = this.fs.crash({ unsynced, random })
  }
}

/** All visible records from `offset` on, read in steps of `maxBytes`. */
export function recordsOf(
  log: PartitionLog,
  offset = log.logStartOffset,
  maxBytes = 1 << 20,
  isolation: IsolationLevel = 'read_uncommitted',
): BatchRecord[] {
  const records: BatchRecord[] = []
  for (let at = offset; ;) {
    const answer = log.read({ offset: at, maxBytes, isolation, minOneBatch: true })
    if (answer.batches.length === 0) return records
    forEachBatch(answer.batches, (_, position) => {
      for (const record of readRecords(answer.batches, position)) if (record.offset >= at) records.push(record)
    })
    at = answer.nextOffset
  }
}

/** The values of all visible records, as text. */
export function valuesOf(log: PartitionLog, offset?: number, maxBytes?: number): (string | null)[] {
  return recordsOf(log, offset, maxBytes).map((record) => record.value?.toString() ?? null)
}

import type { Fetcher } from '../../client/consumer/fetcher.ts'
import type { TopicPartition } from '../../foundation/topic-partition.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { RecordInBytes, RecordsRead } from '../../runtime/plugin-thread/records/readable-record.ts'
import type { FollowedRecord } from '../entities/topic-info.ts'
import { positionText } from './record-start.ts'
import { copyOf, recordsPerPoll } from './record-step.ts'

export interface FollowedRecordsOptions {
  /** Opens what reads the partitions. */
  readonly open: () => Fetcher
  /** Where each partition is read from. */
  readonly starts: readonly (TopicPartition & { readonly start: number })[]
  readonly convert: (records: readonly RecordInBytes[]) => Promise<RecordsRead>
  readonly clock: Clock
  /** Ends it. */
  readonly signal: AbortSignal
}

/** After this time without records, an empty batch is returned: it shows that the reader is there. Milliseconds. */
const quietMs = 10_000

/**
 * Reads the records of partitions as they arrive, in batches, until the signal fires. Nothing is read beyond a buffer while the
 * caller does not ask for the next batch (I10).
 * @throws BrokerError, TopicRecreatedError, PluginTimeoutError
 */
export async function* followedRecords(options: FollowedRecordsOptions): AsyncGenerator<readonly FollowedRecord[]> {
  const { open, starts, convert, clock, signal } = options
  const fetcher = open()
  const positions = new Map(starts.map(({ partition, start }) => [partition, start]))
  try {
    for (const partition of starts) fetcher.start(partition, partition.start)
    let returnedAt = clock.monotonic()
    while (!signal.aborted) {
      const records = await fetcher.poll(quietMs, recordsPerPoll, signal)
      const batch: FollowedRecord[] = []
      const read = records.length === 0 ? [] : await convert(records.map(copyOf))
      for (const [i, { partition, offset }] of records.entries()) {
        positions.set(partition, offset + 1)
        const record = read[i] ?? null
        if (record !== null) batch.push({ record, next: positionText(positions) })
      }
      if (batch.length === 0 && clock.monotonic() - returnedAt < quietMs) continue
      yield batch
      returnedAt = clock.monotonic()
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    fetcher.close()
  }
}

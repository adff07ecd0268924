import type { Fetcher } from '../../client/consumer/fetcher.ts'
import type { PartitionRange } from '../../client/consumer/topic-tail.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { formatTopicPartition } from '../../foundation/topic-partition.ts'
import type { RecordInBytes } from '../../runtime/plugin-thread/records/readable-record.ts'

/** A part of a partition that was read: the offsets from `start` to before `end`. */
export interface ReadPart {
  readonly partition: number
  readonly start: number
  readonly end: number
  /** In order. */
  readonly records: readonly RecordInBytes[]
}

export interface StepOptions {
  readonly client: Pick<KafkaClient, 'fetcher'>
  readonly signal: AbortSignal
  /** Of keys and values that are kept (I10): then the first records of the ranges are read, or the last ones. One is kept in any case. */
  readonly maxBytes: number
  readonly keep: 'first' | 'last'
}

/** How much is buffered in a fetcher (I10). */
export const fetchLimits = { maxBytes: 2 * 1024 * 1024, maxPartitionBytes: 256 * 1024 } as const
const pollMs = 1000
export const recordsPerPoll = 100

/** Reads a part of each range, as much as `maxBytes` allows. @throws BrokerError, TopicRecreatedError, the signal's reason */
export async function readStep(ranges: readonly PartitionRange[], options: StepOptions): Promise<readonly ReadPart[]> {
  const { client, signal, maxBytes, keep } = options
  const fetcher = client.fetcher(fetchLimits)
  const parts = new Map(ranges.map((range) => [formatTopicPartition(range), new KeptPart(range)]))
  try {
    let open: readonly PartitionRange[] = ranges.filter(({ start, end }) => start < end)
    for (const range of open) fetcher.start(range, range.start)
    while (open.length > 0) {
      const records = await fetcher.poll(pollMs, recordsPerPoll, signal)
      for (const record of records) parts.get(formatTopicPartition(record))?.add(copyOf(record))
      for (const range of open) parts.get(formatTopicPartition(range))?.advance(fetcher.position(range) ?? range.start)
      open = stillOpen(open, fetcher)
      if (keep === 'first' && bytesOf(parts.values()) >= maxBytes) break
      if (keep === 'last') dropOldest([...parts.values()], maxBytes)
    }
    return [...parts.values()].map((part) => part.part)
  } finally {
    fetcher.close()
  }
}

function stillOpen(ranges: readonly PartitionRange[], fetcher: Fetcher): readonly PartitionRange[] {
  return ranges.filter((range) => {
    const isRead = (fetcher.position(range) ?? -1) >= range.end
    if (isRead) fetcher.remove(range)
    return !isRead
  })
}

function bytesOf(parts: Iterable<KeptPart>): number {
  let sum = 0
  for (const { bytes } of parts) sum += bytes
  return sum
}

function dropOldest(parts: readonly KeptPart[], maxBytes: number): void {
  while (bytesOf(parts) > maxBytes) {
    const [largest] = parts.toSorted((a, b) => b.bytes - a.bytes)
    if (largest?.dropFirst() !== true) return
  }
}

/** What is kept of a range that is being read. */
class KeptPart {
  readonly #range: PartitionRange
  #records: RecordInBytes[] = []
  #start: number
  #end: number
  bytes = 0

  constructor(range: PartitionRange) {
    this.#range = range
    this.#start = range.start
    this.#end = range.start
  }

  add(record: RecordInBytes): void {
    if (record.offset >= this.#range.end) return
    this.#records.push(record)
    this.bytes += sizeOf(record)
  }

  advance(position: number): void {
    this.#end = Math.max(this.#end, Math.min(position, this.#range.end))
  }

  /** Returns false if there is only one record. */
  dropFirst(): boolean {
    if (this.#records.length < 2) return false
    const first = this.#records.shift()
    if (first === undefined) return false
    this.bytes -= sizeOf(first)
    this.#start = first.offset + 1
    return true
  }

  get part(): ReadPart {
    return { partition: this.#range.partition, start: this.#start, end: this.#end, records: this.#records }
  }
}

function sizeOf({ key, value, headers }: RecordInBytes): number {
  return headers.reduce((sum, header) => sum + (header.value?.length ?? 0), (key?.length ?? 0) + (value?.length ?? 0))
}

/** A fetched record is a view of its response, which would be kept as a whole, and sent to the other thread as a whole. */
export function copyOf({ partition, offset, timestamp, key, value, headers }: RecordInBytes): RecordInBytes {
  const copied = headers.map((header) => ({ key: header.key, value: bytesCopy(header.value) }))
  return { partition, offset, timestamp, key: bytesCopy(key), value: bytesCopy(value), headers: copied }
}

function bytesCopy(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : new Uint8Array(bytes)
}

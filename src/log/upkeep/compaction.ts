import { setImmediate as turn } from 'node:timers/promises'
import type { Logger } from '../../foundation/logging/logger.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { readBatchHeader, type BatchHeader } from '../../protocol/record-batch/record-batch.ts'
import { RecordReader } from '../../protocol/record-batch/record-reader.ts'
import { filterBatch, type Filtered } from './batch-filter.ts'
import { notInSequence, type BatchScanner } from '../segment/batch-scanner.ts'
import type { FileSystem } from '../disk/file-system.ts'
import type { LogConfig } from '../log-config.ts'
import { CorruptLogError } from '../log-error.ts'
import { maxRelativeOffset, Segment } from '../segment/segment.ts'
import { suffixes } from '../segment/segment-files.ts'
import type { AbortedTransaction } from '../segment/transaction-index.ts'

/*
 * Compaction keeps the last record of every key. The offsets of records never change, so the log has gaps.
 *
 * Pass one reads the segments with records that were not compacted yet, and remembers the last offset of each key. When the memory
 * for keys is full, the range of the compaction ends there (I10). Pass two writes new segments from the records in the range; later
 * records are copied.
 *
 * - A tombstone is kept for `delete.retention.ms` after the first compaction that reads it, so that a consumer that reads the log
 *   from its start meanwhile receives it.
 * - Transaction markers, and batches that cannot be decoded, are kept. Records without a key, and those of aborted transactions,
 *   are removed.
 * - The last record of the range is kept: a consumer that waits for the end of the log has to receive a batch that ends there.
 *
 * Work yields to the event loop after every `bytesPerTurn`.
 */
const bytesPerTurn = 1024 * 1024
const maxKeyBytes = 64 * 1024 * 1024
const bytesPerMapEntry = 64

/** The options of {@link compactSegments}. */
export interface Compaction {
  readonly fs: FileSystem
  readonly directory: string
  readonly config: LogConfig
  readonly nowMs: number
  /** The oldest segments of the log: inactive, synced and indexed. */
  readonly inputs: readonly Segment[]
  /** Records below it were compacted before. */
  readonly compactedOffset: number
  /** Aborts the compaction at the next batch. */
  readonly signal: AbortSignal
  readonly logger: Logger
  /** Replaces inputs with their output, on disk and in the log. */
  readonly swap: (swap: Swap) => Promise<void>
}

/** The replacement of segments by the result of their compaction. */
export interface Swap {
  /** The segments to replace. Their files are held open. */
  readonly group: readonly Segment[]
  /** The segment that replaces them: durable, with the suffix `.cleaned`. */
  readonly output: Segment
}

/**
 * Compacts the inputs.
 * @returns the offset below which records are compacted.
 * @throws CorruptLogError when a batch is damaged; the reason of the signal; system errors. Segments that were replaced before
 * stay replaced.
 */
export async function compactSegments(compaction: Compaction): Promise<number> {
  const { inputs } = compaction
  const aborted: AbortedTransaction[] = []
  for (const segment of inputs) segment.transactions.collect(0, Number.MAX_SAFE_INTEGER, aborted)
  const latest = await lastOffsets(compaction, aborted)
  const round = { ...compaction, ...latest, aborted, undecodable: new Undecodable() }
  for (const group of groups(inputs, compaction.config.segmentBytes)) {
    if ((group[0] as Segment).baseOffset >= latest.endOffset) continue
    const output = await rewrite(group, round)
    for (const segment of group) segment.hold()
    await compaction.swap({ group, output })
  }
  round.undecodable.report(compaction)
  return latest.endOffset
}

interface Round extends Compaction {
  /** The last offset of each key below `endOffset`. */
  readonly offsets: ReadonlyMap<string, number>
  /** The end of the range: records from it on are kept. */
  readonly endOffset: number
  readonly aborted: readonly AbortedTransaction[]
  readonly undecodable: Undecodable
}

/** Pass one. Returns the last offset of each key, and the offset at which the range ends. */
async function lastOffsets(
  compaction: Compaction,
  aborted: readonly AbortedTransaction[],
): Promise<{ readonly offsets: ReadonlyMap<string, number>; readonly endOffset: number }> {
  const offsets = new Map<string, number>()
  const pace = new Pace(compaction.signal)
  let keyBytes = 0
  for (const segment of compaction.inputs) {
    if (segment.endOffset <= compaction.compactedOffset) continue
    const scanner = segment.scan(0, 'whole')
    for (let header = scanner.next(); header !== null; header = scanner.next()) {
      if (header.isControl || isAborted(header, aborted)) continue
      if (keyBytes > maxKeyBytes) return { offsets, endOffset: header.baseOffset }
      const { keys, unpackedBytes } = keysOf(scanner.bytes())
      for (const [key, offset] of keys) {
        if (!offsets.has(key)) keyBytes += key.length + bytesPerMapEntry
        offsets.set(key, offset)
      }
      await pace.spent(header.sizeInBytes + unpackedBytes)
    }
    requireEnd(segment, scanner)
  }
  return { offsets, endOffset: compaction.inputs.at(-1)?.endOffset ?? compaction.compactedOffset }
}

/** Groups neighbouring segments that fit into one. */
function groups(inputs: readonly Segment[], segmentBytes: number): Segment[][] {
  const result: Segment[][] = []
  let size = 0
  for (const segment of inputs) {
    const group = result.at(-1)
    const base = group?.[0]?.baseOffset ?? 0
    if (group !== undefined && size + segment.size <= segmentBytes && segment.endOffset - base <= maxRelativeOffset) {
      group.push(segment)
      size += segment.size
    } else {
      result.push([segment])
      size = segment.size
    }
  }
  return result
}

/** Pass two, for the segments of one group. Returns a durable segment with the suffix `.cleaned`. */
async function rewrite(group: readonly Segment[], round: Round): Promise<Segment> {
  const { fs, directory } = round
  const base = (group[0] as Segment).baseOffset
  const output = Segment.create(round, base, suffixes.cleaned)
  try {
    for (const segment of group) await copyKept(segment, output, round)
    for (const segment of group) carryAborted(segment, output)
    await output.file.sync()
    output.indexes.materialize()
    await output.syncIndexes()
    await fs.syncDirectory(directory)
  } catch (error) {
    output.remove()
    throw error
  }
  output.close()
  output.endOffset = (group.at(-1) as Segment).endOffset
  return output
}

async function copyKept(segment: Segment, output: Segment, round: Round): Promise<void> {
  const horizonMs = round.nowMs + round.config.deleteRetentionMs
  const scanner = segment.scan(0, 'whole')
  const pace = new Pace(round.signal)
  for (let header = scanner.next(); header !== null; header = scanner.next()) {
    if (header.lastOffset >= segment.endOffset)
      throw new CorruptLogError(segment.path(suffixes.log), scanner.position, notInSequence)
    const { kept, unpackedBytes } = header.isControl
      ? { kept: scanner.bytes(), unpackedBytes: 0 }
      : filterOrCopy(segment, scanner.bytes(), round, horizonMs)
    if (kept !== null) output.append(kept, readBatchHeader(kept), round.config.indexIntervalBytes)
    output.indexes.relieveMemory()
    await pace.spent(header.sizeInBytes + unpackedBytes)
  }
  requireEnd(segment, scanner)
}

/** Returns the keys of a batch with their last offsets; none for a batch that cannot be decoded. */
function keysOf(batch: Buffer): { readonly keys: ReadonlyMap<string, number>; readonly unpackedBytes: number } {
  const keys = new Map<string, number>()
  try {
    const reader = new RecordReader(batch)
    while (reader.next()) {
      const key = reader.key()?.toString('latin1')
      if (key !== undefined) keys.set(key, reader.offset)
    }
    return { keys, unpackedBytes: reader.bytes.length }
  } catch (error) {
    if (error instanceof ProtocolError) return { keys: new Map(), unpackedBytes: 0 }
    throw error
  }
}

/** Filters a batch. One that cannot be decoded is kept: the log accepted it undecoded, and it must not block compaction. */
function filterOrCopy(segment: Segment, batch: Buffer, round: Round, horizonMs: number): Filtered {
  const header = readBatchHeader(batch)
  try {
    return filterBatch(batch, keeper(header, round), horizonMs)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    round.undecodable.add(segment.path(suffixes.log), header.baseOffset, error.message)
    return { kept: batch, unpackedBytes: 0 }
  }
}

function keeper(header: BatchHeader, round: Round): (reader: RecordReader) => boolean {
  const isGone = isAborted(header, round.aborted)
  const horizonHasPassed = header.hasDeleteHorizon && header.baseTimestamp <= round.nowMs
  return (reader) => {
    if (reader.offset >= round.endOffset - 1) return true
    if (isGone) return false
    const key = reader.key()
    if (key === null) return false
    if ((round.offsets.get(key.toString('latin1')) ?? -1) > reader.offset) return false
    return !reader.valueIsNull || !horizonHasPassed
  }
}

function isAborted(header: BatchHeader, aborted: readonly AbortedTransaction[]): boolean {
  if (!header.isTransactional) return false
  const { producerId, baseOffset } = header
  return aborted.some(
    (one) => one.producerId === producerId && baseOffset >= one.firstOffset && baseOffset < one.lastOffset,
  )
}

function carryAborted(segment: Segment, output: Segment): void {
  for (let i = 0; i < segment.transactions.index.count; i += 1) output.transactions.add(segment.transactions.get(i))
}

function requireEnd(segment: Segment, scanner: BatchScanner): void {
  if (scanner.fault === null) return
  throw new CorruptLogError(segment.path(suffixes.log), scanner.position, scanner.fault)
}

/** Yields to the event loop after `bytesPerTurn` of work. Decompressed bytes count, too: small batches can have many. */
class Pace {
  readonly #signal: AbortSignal
  #bytes = 0

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** @throws the signal's reason when it has fired. */
  async spent(bytes: number): Promise<void> {
    this.#signal.throwIfAborted()
    this.#bytes += bytes
    if (this.#bytes < bytesPerTurn) return
    this.#bytes = 0
    await turn()
    this.#signal.throwIfAborted()
  }
}

/** Counts the batches that cannot be decoded, to log them in one line: clients can write thousands of them. */
class Undecodable {
  #count = 0
  #first: { readonly segment: string; readonly baseOffset: number; readonly error: string } | null = null

  add(segment: string, baseOffset: number, error: string): void {
    this.#count += 1
    this.#first ??= { segment, baseOffset, error }
  }

  /** Logs them in one line. */
  report({ directory, logger }: Compaction): void {
    if (this.#first === null) return
    const fields = { directory, batches: this.#count, ...this.#first }
    logger.warn('batches cannot be decoded; compaction keeps them as they are', fields)
  }
}

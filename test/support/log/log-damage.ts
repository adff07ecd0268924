import fc from 'fast-check'
import { expect } from 'vitest'
import { LogError } from '../../../src/log/log-error.ts'
import type { PartitionLog } from '../../../src/log/partition-log.ts'
import { batchHeaderSize, batchFault } from '../../../src/protocol/record-batch/record-batch.ts'
import { batchOf, logDirectory, LogHarness, recordsOf } from './log-harness.ts'
import { seededRandom } from '../seeded-random.ts'
import { forEachBatch, readRecords } from '../protocol/read-batches.ts'

/** Files of a partition that are damaged, by the end of their names. */
const damagedKinds = ['.log', '.index', '.timeindex', '.snapshot', 'partition-checkpoint'] as const

/** How a file is damaged. */
type Damage = 'flip' | 'truncate' | 'zero' | 'delete'

/** One case: a log that was written, stopped and damaged, and then starts. */
export interface DamageCase {
  readonly compact: boolean
  /** Stopped gracefully; else killed, with all it wrote in the page cache. */
  readonly clean: boolean
  readonly kind: (typeof damagedKinds)[number]
  readonly damage: Damage
  /** Chooses the file and the place. */
  readonly seed: number
}

/** What readers and the writer meet after the start. */
interface DamageReport {
  readonly file: string
  readonly position: number
  /** Whether that is where a batch begins, and whether it lies in the base offset of one. */
  readonly isBatchStart: boolean
  readonly isBaseOffset: boolean
  /** Of a log file: whether whole batches lie behind the one that is damaged. */
  readonly isFollowed: boolean
  /** Offsets whose record is another one than was written, while its CRC fits. */
  readonly wrong: readonly number[]
  /** Offsets of records that were readable before and are not any more. */
  readonly lost: readonly number[]
  /** Offsets from which a reader skips records that are there. */
  readonly skipped: readonly number[]
  /** Timestamps for which another offset is found than before. */
  readonly misplaced: readonly number[]
  /** Whether a reader was given an error, or bytes whose CRC does not fit. */
  readonly readerIsTold: boolean
  /** What the start logged as a warning or an error. */
  readonly said: readonly string[]
  readonly endBefore: number
  /** The offset of the next record. */
  readonly nextOffset: number
  /** The values in what recovery keeps beside the segments. */
  readonly kept: ReadonlySet<string>
}

const recordCount = 60
const startMs = 1_700_000_000_000

/** Writes a log, damages it, starts it again, and reads it from every offset. */
export async function damageLog(wanted: DamageCase): Promise<DamageReport> {
  const { compact, clean } = wanted
  const harness = new LogHarness({
    segmentBytes: 1500,
    indexIntervalBytes: 150,
    compact,
    delete: !compact,
    minCleanableDirtyRatio: 0,
  })
  const log = await written(harness, compact)
  const before = new Map(recordsOf(log).map(({ offset, value }) => [offset, String(value)]))
  const times = [0, 13, 29, 44, 59].map((i) => startMs + i)
  const placesBefore = times.map((time) => log.offsetForTimestamp(time)?.offset)
  const endBefore = log.logEndOffset
  if (clean) await log.close()
  else harness.crash('keep')
  const place = damageFile(harness, wanted)
  const again = await harness.open()
  const said = harness.logger.lines
    .filter(({ level }) => level === 'warn' || level === 'error')
    .map(({ level, message }) => `${level} ${message}`)
  const read = readEverywhere(again, before)
  const isWhole = read.lost.length === 0
  const places = isWhole ? times.map((time) => again.offsetForTimestamp(time)?.offset) : placesBefore
  const misplaced = times.filter((_, i) => places[i] !== placesBefore[i])
  const { baseOffset: nextOffset } = await again.append(batchOf([['k', 'new', startMs + 1000]]))
  return { ...place, ...read, misplaced, said, endBefore, nextOffset, kept: keptValues(harness) }
}

/** The values of all whole batches in the files that recovery keeps, found at any byte. */
function keptValues({ fs }: LogHarness): Set<string> {
  const values = new Set<string>()
  for (const name of fs.list(logDirectory).filter((one) => one.includes('.log.damaged-'))) {
    const bytes = fs.contentOf(`${logDirectory}/${name}`)
    for (let at = 0; at + batchHeaderSize <= bytes.length; at += 1) {
      if (bytes[at + 16] !== 2 || batchFault(bytes, at) !== null) continue
      for (const record of readRecords(bytes, at)) values.add(String(record.value))
    }
  }
  return values
}

async function written(harness: LogHarness, compact: boolean): Promise<PartitionLog> {
  const log = await harness.open()
  for (let i = 0; i < recordCount; i += 1) {
    const key = compact && i % 4 !== 0 ? 'often' : `k${i}`
    const producer = { producerId: 3, producerEpoch: 0, baseSequence: i }
    await log.append(batchOf([[key, `value ${i}`, startMs + i]], producer))
    if (i === 45) await log.compact()
  }
  return log
}

function damageFile(
  harness: LogHarness,
  { kind, damage, seed }: DamageCase,
): Pick<DamageReport, 'file' | 'position' | 'isBatchStart' | 'isBaseOffset' | 'isFollowed'> {
  const { fs } = harness
  const random = seededRandom(seed)
  const files = fs.list(logDirectory).filter((name) => name.endsWith(kind) && fs.sizeOf(`${logDirectory}/${name}`) > 0)
  const name = files[Math.floor(random() * files.length)] ?? ''
  const path = `${logDirectory}/${name}`
  const size = fs.sizeOf(path)
  const position = Math.floor(random() * size)
  const starts: number[] = []
  if (kind === '.log') forEachBatch(Buffer.from(fs.contentOf(path)), (_, start) => starts.push(start))
  const file = fs.open(path, 'existing')
  if (damage === 'flip') {
    const byte = Buffer.alloc(1)
    file.read(byte, 0, 1, position)
    byte[0] = (byte[0] ?? 0) ^ (1 << Math.floor(random() * 8))
    file.write(byte, position)
  }
  if (damage === 'truncate') file.truncate(position)
  if (damage === 'zero') file.write(Buffer.alloc(Math.min(40, size - position)), position)
  file.close()
  if (damage === 'delete') fs.remove(path)
  const isBaseOffset = starts.some((start) => position >= start && position < start + 8)
  const isLast = name === files.toSorted().at(-1)
  const reach = damage === 'flip' ? position : damage === 'zero' ? position + 39 : size
  const isFollowed = kind === '.log' && (!isLast || (starts.at(-1) ?? 0) > reach)
  return { file: name, position, isBatchStart: starts.includes(position), isBaseOffset, isFollowed }
}

function readEverywhere(
  log: PartitionLog,
  before: ReadonlyMap<number, string>,
): Pick<DamageReport, 'wrong' | 'lost' | 'skipped' | 'readerIsTold'> {
  const wrong = new Set<number>()
  const seen = new Set<number>()
  const firstAt = new Map<number, number>()
  let readerIsTold = false
  for (let offset = log.logStartOffset; offset < Math.min(recordCount, log.highWatermark); offset += 1) {
    try {
      const { batches } = log.read({ offset, maxBytes: 1, isolation: 'read_uncommitted', minOneBatch: true })
      forEachBatch(batches, (_, position) => {
        if (batchFault(batches, position) !== null) readerIsTold = true
        else {
          for (const record of readRecords(batches, position)) {
            if (!firstAt.has(offset)) firstAt.set(offset, record.offset)
            seen.add(record.offset)
            if (before.get(record.offset) !== String(record.value)) wrong.add(record.offset)
          }
        }
      })
    } catch (error) {
      if (!(error instanceof LogError)) throw error
      readerIsTold = true
    }
  }
  const readable = [...before.keys()]
  const skipped = [...firstAt].filter(([at, got]) => readable.some((one) => one >= at && one < got && seen.has(one)))
  return {
    wrong: [...wrong],
    lost: readable.filter((offset) => !seen.has(offset)),
    skipped: skipped.map(([at]) => at),
    readerIsTold,
  }
}

/**
 * What has to hold, whatever is damaged. Two things cannot be seen in a compacted log: that whole batches are missing where
 * holes are normal, and a base offset, which no CRC covers, that was changed into one of the hole around it.
 */
export function expectNoSilentLoss({ compact, clean, kind, damage }: DamageCase, report: DamageReport): void {
  const { lost, said, readerIsTold, isBatchStart, isBaseOffset, isFollowed, endBefore, nextOffset, kept } = report
  const harmless = { wrong: [], lost: [], skipped: [], misplaced: [], readerIsTold: false, nextOffset: endBefore }
  if (kind !== '.log') expect(report).toMatchObject(harmless)
  if (kind === 'partition-checkpoint' && (damage === 'flip' || damage === 'zero'))
    expect(said).toContain('error a partition checkpoint is damaged; recovering the partition without it')
  if (!(compact && damage === 'flip' && isBaseOffset)) expect(report).toMatchObject({ wrong: [], skipped: [] })
  if (clean || isFollowed) expect(nextOffset, 'an offset is given out twice').toBeGreaterThanOrEqual(endBefore)
  if (damage === 'flip' && kept.size > 0)
    expect(lost.filter((offset) => !kept.has(`value ${offset}`)).length, 'only the damaged batch is gone').toBeLessThan(
      2,
    )
  if (lost.length === 0 || (compact && (damage === 'delete' || isBatchStart))) return
  expect(readerIsTold || said.length > 0, 'records are lost without a word').toBe(true)
  if ((clean || isFollowed) && !readerIsTold) expect(said.join()).toContain('error LOG_RECORDS_LOST')
}

/** Cases for fast-check. */
export const damageCases: fc.Arbitrary<DamageCase> = fc.record({
  compact: fc.boolean(),
  clean: fc.boolean(),
  kind: fc.constantFrom(...damagedKinds),
  damage: fc.constantFrom('flip' as const, 'truncate' as const, 'zero' as const, 'delete' as const),
  seed: fc.nat(),
})

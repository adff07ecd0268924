import type { PartitionRange } from '../../client/consumer/topic-tail.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { ReadableRecord, RecordInBytes, RecordsRead } from '../../runtime/plugin-thread/records/readable-record.ts'
import type { RecordsPage } from '../entities/topic-info.ts'
import { mergedRecords } from './merged-records.ts'
import { positionText } from './record-start.ts'
import { readStep, type ReadPart, type StepOptions } from './record-step.ts'

export interface RecordPagesOptions extends Pick<StepOptions, 'client' | 'signal'> {
  readonly clock: Clock
  /** Converts records, and excludes those that the filter excludes. */
  readonly convert: (records: readonly RecordInBytes[]) => Promise<RecordsRead>
  readonly limit: number
  readonly isFiltered: boolean
}

type Page = Omit<RecordsPage, 'connector'>

/** Limits of one page: bytes of records, offsets that are looked at, and milliseconds. */
const maxBytes = 4 * 1024 * 1024
const maxOffsets = 100_000
const enoughMs = 20_000
const offsetsPerStep = 1000
const recordsPerConversion = 200

/** The page of records that begins, or ends, at given offsets. */
export class RecordPages {
  readonly #options: RecordPagesOptions
  readonly #enoughAt: number
  readonly #kept = new Map<number, readonly ReadableRecord[]>()
  #count = 0
  #bytes = 0
  #read = 0

  constructor(options: RecordPagesOptions) {
    this.#options = options
    this.#enoughAt = options.clock.monotonic() + enoughMs
  }

  /** The first records of the ranges. */
  async first(ranges: readonly PartitionRange[]): Promise<Page> {
    let left = ranges
    while (this.#wantsMore(left)) {
      const parts = await this.#step(left, 'first')
      const lists = await this.#converted(parts)
      const taken = mergedRecords(lists, this.#room)
      this.#keep(taken, 'behind')
      left = left.map((range, i) => ({ ...range, start: nextOf(parts[i], lists[i] ?? [], taken) ?? range.start }))
    }
    const positions = new Map(left.map(({ partition, start }) => [partition, start]))
    return this.#page(positions, this.#isCut(left) ? 'behind' : null)
  }

  /** The last records of the ranges. */
  async last(ranges: readonly PartitionRange[]): Promise<Page> {
    let left = ranges
    while (this.#wantsMore(left)) {
      const parts = await this.#step(left, 'last')
      this.#keep(mergedRecords(await this.#converted(parts), this.#room, 'last'), 'before')
      left = left.map((range, i) => ({ ...range, end: parts[i]?.start ?? range.end }))
    }
    const ends = new Map(ranges.map(({ partition, end }) => [partition, end]))
    return this.#page(ends, this.#isCut(left) ? 'before' : null)
  }

  /** Whether another limit than that of the request has ended the page. */
  #isCut(left: readonly PartitionRange[]): boolean {
    return this.#room > 0 && left.some(isOpen)
  }

  get #room(): number {
    return this.#options.limit - this.#count
  }

  #wantsMore(left: readonly PartitionRange[]): boolean {
    const isWithin = this.#bytes < maxBytes && this.#read < maxOffsets
    return this.#room > 0 && isWithin && this.#options.clock.monotonic() < this.#enoughAt && left.some(isOpen)
  }

  /** The part of each range to read next: those of all together fill the page, unless the filter excludes some. */
  #share(ranges: readonly PartitionRange[], which: 'first' | 'last'): readonly PartitionRange[] {
    const total = this.#options.isFiltered ? offsetsPerStep : Math.min(this.#room, offsetsPerStep)
    const each = Math.max(1, Math.ceil(total / ranges.filter(isOpen).length))
    return ranges.map((range) => {
      const share = Math.min(each, range.end - range.start)
      return which === 'first' ? { ...range, end: range.start + share } : { ...range, start: range.end - share }
    })
  }

  async #step(ranges: readonly PartitionRange[], keep: 'first' | 'last'): Promise<readonly ReadPart[]> {
    const { client, signal } = this.#options
    const asked = this.#share(ranges, keep)
    const parts = await readStep(asked, { client, signal, keep, maxBytes: maxBytes - this.#bytes })
    for (const { start, end } of parts) this.#read += end - start
    return parts
  }

  /** The records of each part that pass. */
  async #converted(parts: readonly ReadPart[]): Promise<readonly (readonly ReadableRecord[])[]> {
    const records = parts.flatMap((part) => part.records)
    const passed: ReadableRecord[] = []
    for (let at = 0; at < records.length; at += recordsPerConversion) {
      const read = await this.#options.convert(records.slice(at, at + recordsPerConversion))
      for (const record of read) if (record !== null) passed.push(record)
    }
    return parts.map(({ partition }) => passed.filter((record) => record.partition === partition))
  }

  #keep(records: readonly ReadableRecord[], place: 'before' | 'behind'): void {
    for (const [partition, added] of Map.groupBy(records, (record) => record.partition)) {
      const known = this.#kept.get(partition) ?? []
      this.#kept.set(partition, place === 'behind' ? [...known, ...added] : [...added, ...known])
    }
    this.#count += records.length
    for (const { key, value } of records) this.#bytes += key.length + value.length
  }

  #page(next: ReadonlyMap<number, number>, unread: 'before' | 'behind' | null): Page {
    const records = mergedRecords([...this.#kept.values()], this.#count)
    return {
      records,
      next: positionText(next),
      read: this.#read,
      note: unread === null ? null : noteOf(unread, this.#read),
    }
  }
}

function isOpen({ start, end }: PartitionRange): boolean {
  return start < end
}

/** The offset of the first record that passed and was not taken, or the end of what was read. */
function nextOf(
  part: ReadPart | undefined,
  passed: readonly ReadableRecord[],
  taken: readonly ReadableRecord[],
): number | null {
  const count = taken.filter(({ partition }) => partition === part?.partition).length
  return passed[count]?.offset ?? part?.end ?? null
}

function noteOf(unread: 'before' | 'behind', read: number): string {
  return unread === 'behind'
    ? `There are more offsets behind the ${read} that were read: repeat the request with from=<next>`
    : `The ${read} newest offsets were read, and there are earlier ones: name a partition, or a start with from`
}

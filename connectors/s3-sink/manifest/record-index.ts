import type { SinkRecord } from 'penstock/api'

import type { ManifestGroup } from '../../s3-store/manifest/manifest.ts'
import { NumberList } from '../../s3-store/manifest/number-list.ts'
import { fieldReader } from '../layout/field-access.ts'

const lsnOf = fieldReader('source.lsn')
const runBytes = 32

/** What a manifest says of the records of a group: where they were in the topic. */
export class RecordIndex {
  readonly #offsets: [first: number, count: number][] = []
  readonly #timestamps = new NumberList()
  #records = 0
  #minTime = Number.POSITIVE_INFINITY
  #maxTime = Number.NEGATIVE_INFINITY
  #minLsn: bigint | null = null
  #maxLsn: bigint | null = null

  /** The size of the memory in bytes. */
  get held(): number {
    return this.#timestamps.held + this.#offsets.length * runBytes
  }

  add(record: SinkRecord): void {
    const { originalOffset: offset, timestamp } = record
    const run = this.#offsets.at(-1)
    if (run !== undefined && run[0] + run[1] === offset) run[1] += 1
    else this.#offsets.push([offset, 1])
    this.#timestamps.add(timestamp ?? -1)
    this.#records += 1
    if (timestamp !== null) {
      this.#minTime = Math.min(this.#minTime, timestamp)
      this.#maxTime = Math.max(this.#maxTime, timestamp)
    }
    this.#addLsn(record)
  }

  get summary(): Omit<ManifestGroup, 'objects'> {
    const [min, max] = [this.#minTime, this.#maxTime]
    return {
      records: this.#records,
      offsets: this.#offsets,
      timestamps: min > max ? null : { min, max, each: this.#timestamps.text },
      lsn: this.#minLsn === null ? null : { min: String(this.#minLsn), max: String(this.#maxLsn) },
    }
  }

  #addLsn(record: SinkRecord): void {
    const value = record.value === null ? null : (lsnOf(record)?.value ?? null)
    if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isSafeInteger(value))) return
    const lsn = BigInt(value)
    if (this.#minLsn === null || lsn < this.#minLsn) this.#minLsn = lsn
    if (this.#maxLsn === null || lsn > this.#maxLsn) this.#maxLsn = lsn
  }
}

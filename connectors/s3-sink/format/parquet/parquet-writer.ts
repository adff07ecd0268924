import { assert, ByteSink, type ConnectValue, type SinkRecord } from 'penstock/api'

import type { FormatWriter } from '../object-format.ts'
import { ColumnChunk, pageBytesWanted, type PageScratch } from './column/column-chunk.ts'
import type { ColumnStage } from './column/column-stage.ts'
import { HeldBytes } from './column/held-bytes.ts'
import { footer, magic, rowGroupMetadata } from './file/footer.ts'
import type { PageCodec } from './file/page-codec.ts'
import type { ParquetPlan } from './schema/parquet-plan.ts'

/** What the objects of a task have in common. */
export interface ParquetSettings {
  readonly codec: PageCodec
  /** The memory at which a row group ends. */
  readonly rowGroupBytes: number
  readonly scratch: PageScratch
}

/** The objects of a column, with its statistics. */
const columnOverhead = 1024
/** A row group with so many bytes before compression is complete: readers may need memory for all of it. */
const maxRowGroupContent = 128 * 1024 * 1024
/** Pages may be so much larger than wanted, so that the columns are not looked at after each record. */
const pageTolerance = pageBytesWanted / 8

/** Returns memory in which pages are made, one after another. */
export function pageScratch(): PageScratch {
  return { sink: new ByteSink(), indexes: new Uint16Array(0) }
}

/**
 * Writes a Parquet file. Values are collected by column; 64 KiB of them are encoded and compressed as a page, and the pages of all columns
 * wait for the end of their row group. It ends when its memory has reached a limit, or when the caller drains.
 */
export class ParquetWriter implements FormatWriter {
  readonly #plan: ParquetPlan
  readonly #settings: ParquetSettings
  readonly #memory = new HeldBytes()
  readonly #chunks: readonly ColumnChunk[]
  readonly #stages: readonly ColumnStage[]
  readonly #rowGroups: Buffer[] = []
  #rows = 0
  /** The position in the object of the next byte. */
  #position = 0
  #groupRows = 0
  /** Before compression. */
  #groupBytes = 0
  /** Of the record that was added last. */
  #lastBytes = 0
  #nextLook = pageTolerance
  /** The memory that does not end with the row group. */
  #lasting: number

  constructor(plan: ParquetPlan, settings: ParquetSettings) {
    this.#plan = plan
    this.#settings = settings
    this.#chunks = plan.leaves.map((leaf) => new ColumnChunk(leaf, this.#memory, settings.codec))
    this.#stages = this.#chunks.map(({ stage }) => stage)
    this.#lasting = plan.leaves.length * columnOverhead
  }

  get held(): number {
    return this.#lasting + this.#memory.total
  }

  get isFull(): boolean {
    return this.#memory.total >= this.#settings.rowGroupBytes || this.#groupBytes >= maxRowGroupContent
  }

  append(_record: SinkRecord, value: ConnectValue): number {
    // Not before: the record that was added last may be taken back.
    if (this.#groupBytes >= this.#nextLook) this.#endPages()
    let bytes: number
    try {
      bytes = this.#plan.record.write(this.#stages, value, 0)
    } catch (error) {
      this.#removeRest()
      throw error
    }
    this.#groupRows += 1
    this.#groupBytes += bytes
    this.#lastBytes = bytes
    return bytes
  }

  takeBack(): void {
    this.#groupRows -= 1
    this.#groupBytes -= this.#lastBytes
    this.#removeRest()
  }

  /** Ends the row group. */
  drain(): Buffer {
    if (this.#groupRows === 0) return Buffer.alloc(0)
    const output: Buffer[] = this.#position === 0 ? [magic] : []
    let at = this.#position + (output[0]?.length ?? 0)
    const contents = this.#chunks.map((chunk) => {
      chunk.endPage(this.#settings.scratch)
      const content = chunk.end(at, output)
      at += content.compressedBytes
      return content
    })
    const ordinal = this.#rowGroups.length
    const group = { rows: this.#groupRows, codec: this.#settings.codec.code, ordinal }
    this.#keep(rowGroupMetadata(contents, group))
    this.#position = at
    this.#rows += this.#groupRows
    this.#groupRows = 0
    this.#groupBytes = 0
    this.#nextLook = pageTolerance
    assert(this.#memory.total === 0, 'a row group has no memory after its end')
    return Buffer.concat(output)
  }

  finish(): Buffer {
    const last = this.drain()
    const isEmpty = this.#position === 0
    const end = footer(this.#plan.elements, { rows: this.#rows, rowGroups: this.#rowGroups })
    this.#rowGroups.length = 0
    this.#lasting = 0
    return Buffer.concat(isEmpty ? [magic, end] : [last, end])
  }

  #keep(metadata: Buffer): void {
    this.#rowGroups.push(metadata)
    this.#lasting += metadata.length
  }

  /** Removes what columns have of a record that does not count. */
  #removeRest(): void {
    for (const stage of this.#stages) if (stage.records > this.#groupRows) stage.takeBack()
  }

  /** Makes pages of the stages that are large enough, and says after how many bytes the next one can be. */
  #endPages(): void {
    let room = pageBytesWanted
    for (const chunk of this.#chunks) {
      const { stage } = chunk
      const size = Math.max(stage.used, stage.levels)
      if (size >= pageBytesWanted) chunk.endPage(this.#settings.scratch)
      else if (pageBytesWanted - size < room) room = pageBytesWanted - size
    }
    this.#nextLook = this.#groupBytes + Math.max(room, pageTolerance)
  }
}

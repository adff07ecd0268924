import type { ByteSink } from 'penstock/api'

import { ByteStatistics } from './byte-statistics.ts'
import { ColumnStage } from './column-stage.ts'
import { Dictionary } from './dictionary.ts'
import type { HeldBytes } from './held-bytes.ts'
import { bitWidthOf, writeRunLengths } from './run-lengths.ts'
import type { Statistics } from './chunk-statistics.ts'
import { statisticsOf } from './statistics.ts'
import type { ChunkContent } from '../file/footer.ts'
import type { PageCodec } from '../file/page-codec.ts'
import { encodings, pageBytes } from '../file/page-header.ts'
import type { Leaf } from '../schema/parquet-types.ts'

/** A stage with so many bytes becomes a page. Less than the size of its buffer, so that the last records do not make it grow. */
export const pageBytesWanted = 56 * 1024

/** Reused for one page after another. */
export interface PageScratch {
  readonly sink: ByteSink
  indexes: Uint16Array
}

/** The values of a column in one row group: pages, and the stage of those that are not in a page yet. */
export class ColumnChunk {
  readonly stage: ColumnStage
  readonly #leaf: Leaf
  readonly #held: HeldBytes
  readonly #codec: PageCodec
  #pages: Buffer[] = []
  #dictionary: Dictionary | null = null
  /** Whether the next page may use the dictionary: it pays, and it is not full. */
  #seeksDictionary = true
  #statistics: Statistics
  #values = 0
  #nulls = 0
  #plainPages = 0
  #dictionaryPages = 0
  #uncompressedBytes = 0

  constructor(leaf: Leaf, held: HeldBytes, codec: PageCodec) {
    this.stage = new ColumnStage(leaf, held)
    this.#leaf = leaf
    this.#held = held
    this.#codec = codec
    this.#statistics = statisticsOf(leaf)
  }

  /** Makes a page of the values in the stage, if there are any. */
  endPage(scratch: PageScratch): void {
    const { stage } = this
    if (stage.levels === 0) return
    const count = this.#present()
    const { sink } = scratch
    sink.begin()
    this.#writeLevels(sink, stage.repetitions, this.#leaf.maxRepetition)
    this.#writeLevels(sink, stage.definitions, this.#leaf.maxDefinition)
    const isIndexed = this.#writeValues(scratch, count)
    const encoding = isIndexed ? encodings.dictionaryIndexes : encodings.plain
    this.#addPage('data', { values: stage.levels, encoding }, sink.take())
    if (isIndexed) this.#dictionaryPages += 1
    else this.#plainPages += 1
    this.#values += stage.levels
    this.#nulls += stage.levels - count
    stage.clear(2 * pageBytesWanted)
  }

  /**
   * Ends the column chunk: adds its pages to `output`, frees their memory and begins the next chunk.
   * @param at the position in the object of what is added first.
   */
  end(at: number, output: Buffer[]): ChunkContent {
    const dictionary = this.#dictionary
    const pages = this.#pages
    if (dictionary !== null) {
      const content = dictionary.bytes.subarray(0, dictionary.used)
      this.#addPage('dictionary', { values: dictionary.entries, encoding: encodings.plain }, content)
      pages.unshift(pages.pop() as Buffer)
    }
    output.push(...pages)
    const hasDictionary = dictionary !== null
    const content: ChunkContent = {
      leaf: this.#leaf,
      values: this.#values,
      nulls: this.#nulls,
      nanCount: this.#statistics.nanCount,
      bounds: this.#statistics.bounds(),
      uncompressedBytes: this.#uncompressedBytes,
      compressedBytes: pages.reduce((sum, { length }) => sum + length, 0),
      plainPages: this.#plainPages,
      dictionaryPages: this.#dictionaryPages,
      dictionaryAt: hasDictionary ? at : null,
      dataAt: hasDictionary ? at + (pages[0]?.length ?? 0) : at,
    }
    this.#reset()
    return content
  }

  #reset(): void {
    for (const page of this.#pages) this.#held.add(-page.length)
    this.#dropDictionary()
    this.stage.release()
    this.#pages = []
    this.#seeksDictionary = true
    this.#statistics = statisticsOf(this.#leaf)
    this.#values = 0
    this.#nulls = 0
    this.#plainPages = 0
    this.#dictionaryPages = 0
    this.#uncompressedBytes = 0
  }

  /** Returns the number of values in the stage that are not absent. */
  #present(): number {
    const { definitions, levels } = this.stage
    const { maxDefinition } = this.#leaf
    if (maxDefinition === 0) return levels
    let count = 0
    for (let i = 0; i < levels; i += 1) if (definitions[i] === maxDefinition) count += 1
    return count
  }

  #writeLevels(sink: ByteSink, levels: Buffer, max: number): void {
    if (max === 0) return
    const start = sink.position - sink.start
    sink.reserve(4)
    sink.position += 4
    writeRunLengths(sink, levels, this.stage.levels, bitWidthOf(max))
    const at = sink.start + start
    sink.buffer.writeInt32LE(sink.position - at - 4, at)
  }

  /** Returns whether the values are indexes of the dictionary. */
  #writeValues(scratch: PageScratch, count: number): boolean {
    const { stage } = this
    const { sink } = scratch
    if (this.#leaf.type === 'boolean') {
      this.#statistics.observe(stage)
      writeBits(sink, stage.bytes, count)
      return false
    }
    if (count > 0 && this.#seeksDictionary) {
      if (this.#writeIndexes(scratch, count)) return true
      this.#seeksDictionary = false
      if (this.#dictionaryPages === 0) this.#dropDictionary()
      else this.#dictionary?.seal()
    }
    this.#statistics.observe(stage)
    sink.bytes(stage.bytes.subarray(0, stage.used))
    return false
  }

  /** Returns false, and writes nothing, if the dictionary has no room or does not pay. */
  #writeIndexes(scratch: PageScratch, count: number): boolean {
    const { stage } = this
    const { sink } = scratch
    if (scratch.indexes.length < count) scratch.indexes = new Uint16Array(count)
    const { indexes } = scratch
    this.#dictionary ??= new Dictionary(this.#leaf.width, this.#held)
    const dictionary = this.#dictionary
    const before = dictionary.used
    if (!dictionary.encode(stage, indexes)) return false
    const width = bitWidthOf(dictionary.entries - 1)
    if (before === 0 && dictionary.used + (count * width) / 8 >= stage.used) return false
    if (this.#statistics instanceof ByteStatistics) {
      this.#statistics.observeRange(dictionary.bytes, before, dictionary.used)
    } else this.#statistics.observe(stage)
    sink.byte(width)
    writeRunLengths(sink, indexes, count, width)
    return true
  }

  #dropDictionary(): void {
    this.#dictionary?.release()
    this.#dictionary = null
  }

  #addPage(
    type: 'data' | 'dictionary',
    { values, encoding }: { readonly values: number; readonly encoding: number },
    content: Buffer,
  ): void {
    const compressed = this.#codec.compress(content)
    const page = pageBytes({ type, values, encoding, uncompressedBytes: content.length }, compressed)
    this.#uncompressedBytes += page.length - compressed.length + content.length
    this.#held.add(page.length)
    this.#pages.push(page)
  }
}

/** Writes booleans, each in a bit, the first one in the lowest. */
function writeBits(sink: ByteSink, values: Buffer, count: number): void {
  for (let at = 0; at < count; at += 8) {
    let bits = 0
    for (let i = at; i < Math.min(at + 8, count); i += 1) bits |= (values[i] as number) << (i - at)
    sink.byte(bits)
  }
}

import { encodings, pageTypes } from './page-header.ts'
import { ThriftWriter } from './thrift-writer.ts'
import {
  physicalTypes,
  repetitions,
  type Annotation,
  type Bounds,
  type Leaf,
  type SchemaElement,
} from '../schema/parquet-types.ts'

/** The file begins and ends with it. */
export const magic = Buffer.from('PAR1')

/** Readers decide by name and version whether they know of faults in an object; Java's refuse bounds of any other form. */
const createdBy = 'penstock version 0.1.0 (build s3-sink)'

/** What the footer says about the values of a column in a row group. Positions are those in the object. */
export interface ChunkContent {
  readonly leaf: Leaf
  /** Absent ones included. */
  readonly values: number
  readonly nulls: number
  readonly nanCount: number | null
  readonly bounds: Bounds | null
  readonly uncompressedBytes: number
  readonly compressedBytes: number
  readonly plainPages: number
  readonly dictionaryPages: number
  /** Null: there is no dictionary. */
  readonly dictionaryAt: number | null
  readonly dataAt: number
}

/** Returns the description of a row group, in Thrift. */
export function rowGroupMetadata(
  chunks: readonly ChunkContent[],
  { rows, codec, ordinal }: { readonly rows: number; readonly codec: number; readonly ordinal: number },
): Buffer {
  const uncompressedBytes = chunks.reduce((sum, chunk) => sum + chunk.uncompressedBytes, 0)
  const compressedBytes = chunks.reduce((sum, chunk) => sum + chunk.compressedBytes, 0)
  const [first] = chunks
  return ThriftWriter.struct((thrift) => {
    thrift.structList(1, chunks, (chunk) => {
      // The position of a copy of the metadata, which there is not.
      thrift.i64(2, 0)
      thrift.struct(3, () => writeChunk(thrift, chunk, codec))
    })
    thrift.i64(2, uncompressedBytes)
    thrift.i64(3, rows)
    thrift.i64(5, first?.dictionaryAt ?? first?.dataAt ?? 0)
    thrift.i64(6, compressedBytes)
    if (ordinal <= 0x7fff) thrift.i16(7, ordinal)
  })
}

function writeChunk(thrift: ThriftWriter, chunk: ChunkContent, codec: number): void {
  const { leaf, plainPages, dictionaryPages, dictionaryAt } = chunk
  const hasDictionary = dictionaryAt !== null
  const used: number[] = [encodings.runLengths]
  if (hasDictionary || plainPages > 0) used.push(encodings.plain)
  if (hasDictionary) used.push(encodings.dictionaryIndexes)
  thrift.i32(1, physicalTypes[leaf.type])
  thrift.i32List(2, used)
  thrift.binaryList(3, leaf.path)
  thrift.i32(4, codec)
  thrift.i64(5, chunk.values)
  thrift.i64(6, chunk.uncompressedBytes)
  thrift.i64(7, chunk.compressedBytes)
  thrift.i64(9, chunk.dataAt)
  if (hasDictionary) thrift.i64(11, dictionaryAt)
  thrift.struct(12, () => writeStatistics(thrift, chunk))
  const kinds = [
    { type: pageTypes.dictionary, encoding: encodings.plain, count: hasDictionary ? 1 : 0 },
    { type: pageTypes.data, encoding: encodings.dictionaryIndexes, count: dictionaryPages },
    { type: pageTypes.data, encoding: encodings.plain, count: plainPages },
  ]
  thrift.structList(
    13,
    kinds.filter(({ count }) => count > 0),
    ({ type, encoding, count }) => {
      thrift.i32(1, type)
      thrift.i32(2, encoding)
      thrift.i32(3, count)
    },
  )
}

function writeStatistics(thrift: ThriftWriter, { nulls, bounds, nanCount }: ChunkContent): void {
  thrift.i64(3, nulls)
  if (bounds !== null) {
    thrift.binary(5, bounds.max)
    thrift.binary(6, bounds.min)
    thrift.bool(7, true)
    thrift.bool(8, true)
  }
  if (nanCount !== null) thrift.i64(9, nanCount)
}

/** Returns the last bytes of an object: its footer, the size of the footer, and the magic. */
export function footer(
  elements: readonly SchemaElement[],
  { rows, rowGroups }: { readonly rows: number; readonly rowGroups: readonly Buffer[] },
): Buffer {
  const metadata = ThriftWriter.struct((thrift) => {
    thrift.i32(1, 1)
    thrift.structList(2, elements, (element) => writeElement(thrift, element))
    thrift.i64(3, rows)
    thrift.encodedList(4, rowGroups)
    thrift.binary(6, createdBy)
    const columns = elements.filter(({ type }) => type !== null)
    // Bounds are in the order that the type of the column defines.
    thrift.structList(7, columns, () => thrift.struct(1, () => undefined))
  })
  const size = Buffer.alloc(4)
  size.writeUInt32LE(metadata.length)
  return Buffer.concat([metadata, size, magic])
}

function writeElement(thrift: ThriftWriter, element: SchemaElement): void {
  const { name, type, length, repetition, children, annotation } = element
  if (type !== null) thrift.i32(1, physicalTypes[type])
  if (length !== null) thrift.i32(2, length)
  if (repetition !== null) thrift.i32(3, repetitions[repetition])
  thrift.binary(4, name)
  if (children !== null) thrift.i32(5, children)
  if (annotation !== null) writeAnnotation(thrift, annotation)
}

/** The older annotations, and the numbers of the newer ones: readers look for either. */
const annotations = {
  string: { converted: 0, logical: 1 },
  map: { converted: 1, logical: 2 },
  list: { converted: 3, logical: 3 },
  enum: { converted: 4, logical: 4 },
  decimal: { converted: 5, logical: 5 },
  date: { converted: 6, logical: 6 },
  time: { converted: 7, logical: 7 },
  timestamp: { converted: 9, logical: 8 },
} as const

function writeAnnotation(thrift: ThriftWriter, annotation: Annotation): void {
  const { converted, logical } = annotations[annotation.kind]
  thrift.i32(6, converted)
  if (annotation.kind === 'decimal') {
    thrift.i32(7, annotation.scale)
    thrift.i32(8, annotation.precision)
  }
  thrift.struct(10, () => {
    thrift.struct(logical, () => {
      if (annotation.kind === 'decimal') {
        thrift.i32(1, annotation.scale)
        thrift.i32(2, annotation.precision)
      } else if (annotation.kind === 'time' || annotation.kind === 'timestamp') {
        // Adjusted to UTC, in milliseconds.
        thrift.bool(1, true)
        thrift.struct(2, () => thrift.struct(1, () => undefined))
      }
    })
  })
}

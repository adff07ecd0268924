import { ByteSink, DataError } from 'penstock/api'
import { AvroCursor, writeBytes, writeInteger, writeText } from 'penstock/avro'

/**
 * On disk: a container file of Avro 1.x (https://avro.apache.org/docs/1.12.0/specification/#object-container-files).
 *
 * ```
 *   file    "Obj" 1 | map of metadata: avro.schema, avro.codec | sync | block …
 *   block   count (long) | size (long) | that many bytes, packed by the codec | sync
 * ```
 * `sync` are 16 bytes that are random for each file.
 */
const magic = Buffer.from('Obj\u0001')

/** Returns the beginning of a file. */
export function containerHeader(schema: string, codec: string, sync: Buffer): Buffer {
  const sink = new ByteSink()
  sink.begin()
  sink.bytes(magic)
  const metadata: readonly (readonly [string, string])[] = [
    ['avro.schema', schema],
    ['avro.codec', codec],
  ]
  writeInteger(sink, metadata.length)
  for (const [name, value] of metadata) {
    writeText(sink, name)
    writeBytes(sink, Buffer.from(value))
  }
  sink.byte(0)
  sink.bytes(sync)
  return Buffer.from(sink.take())
}

/** Returns what is before the data of a block: the number of its records, and the size of the data. */
export function blockHeader(records: number, bytes: number): Buffer {
  const sink = new ByteSink()
  sink.begin()
  writeInteger(sink, records)
  writeInteger(sink, bytes)
  return sink.take()
}

/** A container file, with its blocks as they are. */
export interface Container {
  readonly schema: string
  readonly codec: string
  readonly blocks: readonly Buffer[]
}

/** @throws DataError for another or a damaged file */
export function readContainer(file: Buffer): Container {
  const cursor = new AvroCursor()
  cursor.begin(file, 0)
  if (!cursor.fixed(magic.length).equals(magic)) throw new DataError('it is no Avro container file')
  const metadata = new Map<string, string>()
  for (let count = cursor.block(2); count > 0; count = cursor.block(2))
    for (let i = 0; i < count; i += 1) metadata.set(cursor.text(null), cursor.bytes().toString())
  const sync = cursor.fixed(16)
  const blocks: Buffer[] = []
  while (cursor.remaining > 0) {
    cursor.long()
    blocks.push(cursor.bytes())
    if (!cursor.fixed(16).equals(sync)) throw new DataError('a block does not end with the sync marker of its file')
  }
  return { schema: metadata.get('avro.schema') ?? '', codec: metadata.get('avro.codec') ?? 'null', blocks }
}

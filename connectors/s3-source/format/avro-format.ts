import { DataError, errorMessage, type ConnectValue, type ParsedConfig, type Schema } from 'penstock/api'
import {
  AvroCursor,
  avroOptions,
  avroReader,
  connectOfAvro,
  isAnything,
  parseAvro,
  readAnything,
  type AvroOptions,
  type AvroReader,
} from 'penstock/avro'

import { unpackBlock } from '../../s3-store/avro/block-codec.ts'
import { ByteQueue } from './pieces.ts'
import type { RecordFormat } from './record-format.ts'

const magic = Buffer.from('Obj\u0001')
const syncBytes = 16
/** A block of Java's writers has 64,000 bytes and the rest of a record. */
const maxBlockBytes = 256 * 1024 * 1024
/** The schema of an object is often that of the one before, and the object of a schema stays the same for converters. */
const maxSchemas = 100

interface ReadSchema {
  readonly schema: Schema | null
  readonly read: AvroReader
}

/** Avro container files, with the Connect schema that Confluent's AvroData makes of theirs. */
export function avroFormat(config: ParsedConfig): RecordFormat {
  const options = avroOptions(config)
  const known = new Map<string, ReadSchema>()
  const schemaOf = (text: string): ReadSchema => {
    const found = known.get(text) ?? readSchema(text, options)
    known.delete(text)
    known.set(text, found)
    const [oldest] = known.keys()
    if (known.size > maxSchemas && oldest !== undefined) known.delete(oldest)
    return found
  }
  return {
    async *read(bytes) {
      const queue = new ByteQueue(bytes)
      try {
        const { text, codec, sync } = await header(queue)
        const { schema, read } = schemaOf(text)
        while (!(await queue.isAtEnd()))
          yield (await valuesOf(queue, { codec, sync, read })).map((value) => ({ schema, value }))
      } finally {
        await queue.close()
      }
    },
  }
}

function readSchema(text: string, options: AvroOptions): ReadSchema {
  const avro = parseAvro({ text, references: [] })
  if (isAnything(avro.type)) return { schema: null, read: readAnything }
  const schema = connectOfAvro(avro, options, null)
  return { schema, read: avroReader(avro, schema, options) }
}

async function header(queue: ByteQueue): Promise<{ text: string; codec: string; sync: Buffer }> {
  if (!(await queue.take(magic.length)).equals(magic)) throw new DataError('it is no Avro container file')
  const metadata = new Map<string, string>()
  for (let count = await long(queue); count !== 0; count = await long(queue)) {
    // A negative count has the size of its block behind it.
    if (count < 0) await long(queue)
    for (let i = 0; i < Math.abs(count); i += 1) {
      const name = await text(queue)
      metadata.set(name, await text(queue))
    }
  }
  const schema = metadata.get('avro.schema')
  if (schema === undefined) throw new DataError('it is an Avro container file without a schema')
  return { text: schema, codec: metadata.get('avro.codec') ?? 'null', sync: Buffer.from(await queue.take(syncBytes)) }
}

async function valuesOf(
  queue: ByteQueue,
  { codec, sync, read }: { readonly codec: string; readonly sync: Buffer; readonly read: AvroReader },
): Promise<ConnectValue[]> {
  const count = await long(queue)
  const packed = Buffer.from(await queue.take(await length(queue)))
  if (!(await queue.take(syncBytes)).equals(sync))
    throw new DataError('a block does not end with the sync marker of its file')
  const cursor = new AvroCursor()
  cursor.begin(await unpacked(codec, packed), 0)
  const values: ConnectValue[] = []
  for (let i = 0; i < count; i += 1) values.push(read(cursor))
  cursor.end()
  return values
}

async function unpacked(codec: string, packed: Buffer): Promise<Buffer> {
  try {
    return await unpackBlock(codec, packed, maxBlockBytes)
  } catch (error) {
    if (error instanceof DataError) throw error
    throw new DataError(`a block is damaged: ${errorMessage(error)}`, { cause: error })
  }
}

async function text(queue: ByteQueue): Promise<string> {
  return (await queue.take(await length(queue))).toString()
}

async function length(queue: ByteQueue): Promise<number> {
  const value = await long(queue)
  if (value < 0) throw new DataError(`a length is ${value}`)
  return value
}

/** A number of up to 53 bits, as all counts and sizes of a file are. */
async function long(queue: ByteQueue): Promise<number> {
  let value = 0
  for (let i = 0; i < 8; i += 1) {
    const byte = (await queue.take(1))[0] ?? 0
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
  throw new DataError('a number in the frame of the file has more than 56 bits')
}

import { promisify } from 'node:util'
import { crc32, inflateRaw, zstdDecompress } from 'node:zlib'

import avsc from 'avsc'
import { present } from 'penstock/api'
import { uncompress } from 'snappy'

import { readContainer as splitContainer } from '../../../connectors/s3-store/avro/container.ts'

/** What a reader of Avro container files finds in one. */
export interface ReadContainer {
  readonly schema: unknown
  readonly codec: string
  /** Values as avsc has them; with `raw` the bytes of each. */
  readonly records: unknown[]
  /** The number of records of each block. */
  readonly blocks: number[]
}

type Decompress = (packed: Buffer) => Promise<Buffer>

const decompressors: Readonly<Record<string, Decompress>> = {
  null: async (data) => data,
  deflate: promisify(inflateRaw),
  zstandard: promisify(zstdDecompress),
  snappy: async (packed) => {
    const data = Buffer.from(await uncompress(packed.subarray(0, -4), { asBuffer: true }))
    if (crc32(data) !== packed.readUInt32BE(packed.length - 4)) throw new RangeError('another CRC-32')
    return data
  },
}

/** Returns a container file as avsc writes it, with blocks of a few bytes. */
export async function containerOf(schema: unknown, records: readonly unknown[], codec: string): Promise<Buffer> {
  const encoder = new avsc.streams.BlockEncoder(schema as avsc.Schema, { codec, blockSize: 20 })
  const pieces: Buffer[] = []
  for (const record of records) encoder.write(record)
  encoder.end()
  for await (const piece of encoder) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/** Returns the values of a container file without compression. */
export function valuesIn(file: Buffer): unknown[] {
  const { schema, blocks } = splitContainer(file)
  const type = avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema)
  return blocks.flatMap((block) => {
    const values: unknown[] = []
    for (let position = 0; position < block.length;) {
      const { value, offset } = type.decode(block, position) as { readonly value: unknown; readonly offset: number }
      values.push(value)
      position = offset
    }
    return values
  })
}

/** Reads a container file with avsc, which decides where records, blocks and the header end. */
export async function readContainer(file: Buffer, raw = false): Promise<ReadContainer> {
  let header: { readonly schema: unknown; readonly codec: string } | null = null
  const records: unknown[] = []
  const blocks: number[] = []
  const codecs = Object.fromEntries(
    Object.entries(decompressors).map(([name, decompress]) => [
      name,
      (packed: Buffer, done: (error: unknown, data?: Buffer) => void) => {
        decompress(packed).then((data) => done(null, data), done)
      },
    ]),
  )
  const decoder = new avsc.streams.BlockDecoder({
    codecs,
    noDecode: raw,
    // A name that fields of avsc's objects cannot have. Names are not in the bytes.
    parseHook: (schema: unknown) => JSON.parse(JSON.stringify(schema).replaceAll('"__proto__"', '"proto"')) as never,
  })
  const ended = new Promise<void>((resolve, reject) => {
    decoder.on('metadata', (_type: unknown, codec: string, { meta }: { meta: Record<string, Buffer> }) => {
      header = { schema: JSON.parse(present(meta['avro.schema'], 'a schema').toString()), codec }
    })
    decoder.on('block', ({ valueCount }: { valueCount: number }) => blocks.push(valueCount))
    decoder.on('data', (record: unknown) => records.push(record))
    decoder.on('end', resolve)
    decoder.on('error', reject)
  })
  decoder.end(file)
  await ended
  return { ...present<{ readonly schema: unknown; readonly codec: string }>(header, 'a header'), records, blocks }
}

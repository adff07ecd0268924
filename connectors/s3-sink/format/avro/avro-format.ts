import { randomBytes } from 'node:crypto'

import { ByteSink, type ConnectValue, type ParsedConfig, type Schema, type SinkRecord } from 'penstock/api'
import {
  anythingText,
  avroOfConnect,
  avroOptions,
  avroWriter,
  parseAvro,
  writeAnything,
  type AvroOptions,
  type AvroWriter,
} from 'penstock/avro'

import { openCodec, unpackBlock, type AvroCodec, type PackBlock } from '../../../s3-store/avro/block-codec.ts'
import { blockHeader, containerHeader, readContainer } from '../../../s3-store/avro/container.ts'
import { ConcurrencyLimit } from '../../../s3-store/client/concurrency-limit.ts'
import type { FormatWriter, ObjectFormat, Unpacked } from '../object-format.ts'
import { RecordBuffer } from '../record-buffer.ts'

/** The size of blocks before they are packed, as in Java's Avro. */
const blockBytes = 64_000
/** As many blocks of a task are packed at a time as Node has threads for: each needs memory meanwhile, deflate 270 KB. */
const maxPacking = 4
const nothing = Buffer.alloc(0)

export interface AvroFormatSettings {
  readonly codec: AvroCodec
  /** The options of Confluent's AvroData. */
  readonly avroData: ParsedConfig
}

/** The Avro schema of an object, and how its values are written. */
interface CompiledSchema {
  readonly text: string
  readonly write: AvroWriter
}

const schemaless: CompiledSchema = { text: anythingText, write: writeAnything }

/**
 * Avro container files. The schema is the one that Confluent's AvroData makes of the schema of the values. Values without a schema
 * have AvroData's record for them, `io.confluent.connect.avro.Anything`.
 */
export async function avroFormat({ codec, avroData }: AvroFormatSettings): Promise<ObjectFormat> {
  const options = avroOptions(avroData)
  const pack = await openCodec(codec)
  const packing = new ConcurrencyLimit(maxPacking)
  const sink = new ByteSink()
  const known = new WeakMap<Schema, CompiledSchema>()
  return {
    extension: '.avro',
    contentType: 'application/avro',
    compressible: false,
    begin(schema) {
      const compiled = schema === null ? schemaless : (known.get(schema) ?? compile(schema, options))
      if (schema !== null) known.set(schema, compiled)
      return new AvroObjectWriter({ ...compiled, sink, codec, pack, packing })
    },
    contentOf,
  }
}

/** The schema and the records: blocks, their codec and the sync marker may be others. */
async function contentOf(object: Buffer, maxBytes: number): Promise<Buffer | null> {
  try {
    const { schema, codec, blocks } = readContainer(object)
    const pieces: Buffer[] = [Buffer.from(`${schema}\n`)]
    let rest = maxBytes - (pieces[0]?.length ?? 0)
    for (const block of blocks) {
      const data = await unpackBlock(codec, block, rest)
      rest -= data.length
      if (rest < 0) return null
      pieces.push(data)
    }
    return Buffer.concat(pieces)
  } catch {
    return null
  }
}

function compile(schema: Schema, options: AvroOptions): CompiledSchema {
  const text = avroOfConnect(schema, options)
  return { text, write: avroWriter(parseAvro({ text, references: [] }), schema, options) }
}

interface WriterOptions extends CompiledSchema {
  readonly sink: ByteSink
  readonly codec: AvroCodec
  readonly pack: PackBlock | null
  readonly packing: ConcurrencyLimit
}

class AvroObjectWriter implements FormatWriter {
  readonly #options: WriterOptions
  readonly #sync = randomBytes(16)
  readonly #block = new RecordBuffer(nothing, blockBytes)
  #header: Buffer
  #records = 0

  constructor(options: WriterOptions) {
    this.#options = options
    this.#header = containerHeader(options.text, options.codec, this.#sync)
  }

  get held(): number {
    return this.#header.length + this.#block.held
  }

  get isFull(): boolean {
    return this.#block.isFull
  }

  append(_record: SinkRecord, value: ConnectValue): number {
    const { sink, write } = this.#options
    sink.begin()
    write(sink, value)
    const bytes = this.#block.append(sink.take())
    this.#records += 1
    return bytes
  }

  takeBack(): void {
    this.#block.takeBack()
    this.#records -= 1
  }

  /** Returns the block, and before the first one the header. */
  drain(): Buffer | Unpacked {
    const header = this.#header
    this.#header = nothing
    const records = this.#records
    this.#records = 0
    if (records === 0) return header
    const data = this.#block.take()
    const framed = (bytes: Buffer): Buffer =>
      Buffer.concat([header, blockHeader(records, bytes.length), bytes, this.#sync])
    const { pack, packing } = this.#options
    if (pack === null) return framed(data)
    return {
      held: header.length + data.length,
      pack: async (signal) => framed(await packing.run(signal, async () => await pack(data))),
    }
  }

  finish(): Buffer | Unpacked {
    return this.drain()
  }
}

import { DataError, lastHeader, type ByteSink, type RawHeader } from 'penstock/api'

/** What a message says of its schema: its id, or its GUID in the form of a UUID. */
export type SchemaRef = number | string

const idMagic = 0
const guidMagic = 1
const idLength = 5
const guidLength = 17

/** Begins a message in Confluent's wire format: a zero byte, and the id of its schema as big-endian int32. */
export function writeId(sink: ByteSink, id: number): void {
  sink.reserve(idLength)
  const { buffer, position } = sink
  buffer[position] = idMagic
  buffer.writeInt32BE(id, position + 1)
  sink.position = position + idLength
}

/** Returns the name of the header that has the id of a schema, as Confluent 8 writes and reads it. */
export function schemaHeaderKey(isKey: boolean): string {
  return isKey ? '__key_schema_id' : '__value_schema_id'
}

/** Returns the value of the header: the byte 1, and the GUID of the schema. */
export function schemaHeaderValue(guid: string): Buffer {
  return Buffer.from(`01${guid.replaceAll('-', '')}`, 'hex')
}

/** Finds what messages say of their schemas. The fields are those of the message that was looked at last. */
export class SchemaRefs {
  readonly #headerKey: string | null
  readonly #hasMore: boolean
  #guidBytes = Buffer.alloc(0)
  #guid = ''
  /** Where the data of the message begins, in {@link bytes}. */
  offset = 0
  /** The message; also what its header has after the id, if the header has it. */
  bytes: Uint8Array = this.#guidBytes

  /**
   * @param headerKey that of the header to look at before the bytes; null: it is not looked for
   * @param hasMore whether messages have more to say of their schema after its id, as those of Protobuf: in the header too
   */
  constructor(headerKey: string | null, hasMore: boolean) {
    this.#headerKey = headerKey
    this.#hasMore = hasMore
  }

  /** @throws DataError if the message is not in Confluent's wire format */
  of(bytes: Uint8Array, headers: readonly RawHeader[]): SchemaRef {
    const header = this.#headerKey === null || headers.length === 0 ? undefined : lastHeader(headers, this.#headerKey)
    const inHeader = header?.value ?? null
    if (inHeader === null) {
      this.bytes = bytes
      return this.#startOf(bytes, 'the message')
    }
    const ref = this.#startOf(inHeader, `the header ${this.#headerKey}`)
    const rest = inHeader.subarray(this.offset)
    if (rest.length > 0 && !this.#hasMore)
      throw new DataError(`the header ${this.#headerKey} has ${rest.length} bytes after the id of the schema`, {
        code: 'SCHEMA_ID_MISSING',
      })
    // Before the data, as it is without headers.
    this.bytes = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    this.offset = 0
    return ref
  }

  #startOf(bytes: Uint8Array, what: string): SchemaRef {
    const magic = bytes[0]
    const length = magic === guidMagic ? guidLength : idLength
    if (bytes.length < length)
      throw new DataError(
        `${what} has ${bytes.length} bytes, fewer than the ${length} of the magic byte and the id of a schema`,
        { code: 'SCHEMA_ID_MISSING' },
      )
    this.offset = length
    if (magic === idMagic)
      return ((bytes[1] ?? 0) << 24) | ((bytes[2] ?? 0) << 16) | ((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0)
    if (magic === guidMagic) return this.#guidOf(bytes.subarray(1, guidLength))
    throw new DataError(
      `${what} begins with the byte ${magic} instead of 0 or 1: it is not in the wire format of a schema registry.` +
        ' Use the converter that its producer used',
      { code: 'SCHEMA_ID_MISSING' },
    )
  }

  /** Most messages have the schema of the one before. */
  #guidOf(bytes: Uint8Array): string {
    if (!this.#guidBytes.equals(bytes)) {
      this.#guidBytes = Buffer.from(bytes)
      this.#guid = this.#guidBytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    }
    return this.#guid
  }
}

/** Names a schema in messages of errors. */
export function named(ref: SchemaRef): string {
  return typeof ref === 'number' ? `id ${ref}` : `GUID ${ref}`
}

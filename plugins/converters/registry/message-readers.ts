import { DataError, type ConnectValue, type RawHeader, type SchemaAndValue } from 'penstock/api'

import { cacheSize, keepWithin } from './cache-size.ts'
import { LookUps } from './look-ups.ts'
import { ofType, type ConverterParts } from './message-writers.ts'
import type { MessageReader } from './schema-format.ts'
import { isHeaderRead } from './registry-config-def.ts'
import { subjectNameOf, type SubjectName } from './subject-names.ts'
import { named, schemaHeaderKey, SchemaRefs, type SchemaRef } from './wire-format.ts'

/** Finds the readers of messages. Each schema is looked up and compiled once for each topic. */
export class MessageReaders<Parsed> {
  readonly #parts: ConverterParts<Parsed>
  readonly #subjectOf: SubjectName
  readonly #size: number
  readonly #schemas: LookUps<Parsed>
  readonly #versions: LookUps<number | null>
  /** By the schema and the topic, so many in all (I10). */
  readonly #readers = new Map<string, MessageReader>()
  readonly #refs: SchemaRefs
  #lastTopic = ''
  #lastRef: SchemaRef = -1
  #lastType = ''
  #last: MessageReader | null = null

  constructor(parts: ConverterParts<Parsed>) {
    const { config, clock, format, isKey } = parts
    this.#parts = parts
    this.#subjectOf = subjectNameOf(config, isKey)
    this.#size = cacheSize(config)
    this.#refs = new SchemaRefs(isHeaderRead(config, isKey) ? schemaHeaderKey(isKey) : null, format.types !== null)
    this.#schemas = new LookUps({ clock, limit: this.#size })
    this.#versions = new LookUps({ clock, limit: this.#size })
  }

  /** @throws NotReadyError until the registry has given the schema; DataError if it does not, or the bytes are no value of it */
  read(topic: string, message: Uint8Array, headers: readonly RawHeader[]): SchemaAndValue {
    const ref = this.#refs.of(message, headers)
    const { types } = this.#parts.format
    const type = types === null ? '' : types.typeIn(this.#refs.bytes, this.#refs.offset)
    const isLast = ref === this.#lastRef && type === this.#lastType && topic === this.#lastTopic
    const reader = this.#last !== null && isLast ? this.#last : this.#of(topic, ref, type)
    this.#lastTopic = topic
    this.#lastRef = ref
    this.#lastType = type
    this.#last = reader
    return { schema: reader.schema, value: this.#value(reader, ref) }
  }

  #value({ read }: MessageReader, ref: SchemaRef): ConnectValue {
    try {
      return read(this.#refs.bytes, this.#refs.offset)
    } catch (error) {
      if (!(error instanceof RangeError) && !(error instanceof DataError)) throw error
      const why = error instanceof DataError ? error.message : 'it is nested too deeply'
      throw new DataError(`the message is no value of its schema (${named(ref)}): ${why}`, {
        cause: error,
        code: this.#parts.format.invalidCode,
      })
    }
  }

  #of(topic: string, ref: SchemaRef, type: string): MessageReader {
    const key = `${ref}\n${type}\n${topic}`
    const known = this.#readers.get(key)
    if (known !== undefined) return known
    const reader = this.#make(topic, ref, type)
    keepWithin(this.#readers, this.#size)
    this.#readers.set(key, reader)
    return reader
  }

  #make(topic: string, ref: SchemaRef, type: string): MessageReader {
    const { client, format } = this.#parts
    const { types } = format
    const parsed = this.#schemas.get(`${ref}\n${type}`, `the schema with the ${named(ref)}`, async (signal) => {
      const whole = format.parse(ofType(format.type, ref, await client.schemaOf(ref, signal)))
      const found = types === null ? whole : types.ofType(whole, type)
      // Here, so that what Connect cannot express is not tried again for each message.
      format.reader(found, null)
      return found
    })
    return format.reader(parsed, this.#versionOf(topic, ref, parsed))
  }

  /** The version of the schema in the subject of the topic. Null: the schema is not in this subject. */
  #versionOf(topic: string, ref: SchemaRef, parsed: Parsed): number | null {
    const recordName = this.#parts.format.recordNameOf(parsed)
    let subject: string
    try {
      subject = this.#subjectOf(topic, recordName)
    } catch (error) {
      if (error instanceof DataError) return null
      throw error
    }
    return this.#versions.get(
      `${ref}\n${subject}`,
      `the version of the schema with the ${named(ref)} in subject "${subject}"`,
      async (signal) => await this.#parts.client.versionOf(ref, subject, signal),
    )
  }
}

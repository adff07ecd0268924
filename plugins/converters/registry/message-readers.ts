import { DataError, type ConnectValue, type SchemaAndValue } from 'penstock/api'

import { cacheSize, keepWithin } from './cache-size.ts'
import { LookUps } from './look-ups.ts'
import { ofType, type ConverterParts } from './message-writers.ts'
import type { MessageReader } from './schema-format.ts'
import { subjectNameOf, type SubjectName } from './subject-names.ts'
import { headerLength, schemaIdOf } from './wire-format.ts'

/** Finds the readers of messages. Each schema is looked up and compiled once for each topic. */
export class MessageReaders<Parsed> {
  readonly #parts: ConverterParts<Parsed>
  readonly #subjectOf: SubjectName
  readonly #size: number
  readonly #schemas: LookUps<Parsed>
  readonly #versions: LookUps<number | null>
  readonly #byTopic = new Map<string, Map<number, MessageReader>>()
  #lastTopic = ''
  #lastId = -1
  #last: MessageReader | null = null

  constructor(parts: ConverterParts<Parsed>) {
    const { config, clock, isKey } = parts
    this.#parts = parts
    this.#subjectOf = subjectNameOf(config, isKey)
    this.#size = cacheSize(config)
    this.#schemas = new LookUps({ clock, limit: this.#size })
    this.#versions = new LookUps({ clock, limit: this.#size })
  }

  /** @throws NotReadyError until the registry has given the schema; DataError if it does not, or the bytes are no value of it */
  read(topic: string, bytes: Uint8Array): SchemaAndValue {
    const id = schemaIdOf(bytes)
    const reader =
      this.#last !== null && id === this.#lastId && topic === this.#lastTopic ? this.#last : this.#of(topic, id)
    this.#lastTopic = topic
    this.#lastId = id
    this.#last = reader
    return { schema: reader.schema, value: this.#value(reader, bytes, id) }
  }

  #value({ read }: MessageReader, bytes: Uint8Array, id: number): ConnectValue {
    try {
      return read(bytes, headerLength)
    } catch (error) {
      if (!(error instanceof RangeError) && !(error instanceof DataError)) throw error
      const why = error instanceof DataError ? error.message : 'it is nested too deeply'
      throw new DataError(`the message is no value of its schema (id ${id}): ${why}`, {
        cause: error,
        code: this.#parts.format.invalidCode,
      })
    }
  }

  #of(topic: string, id: number): MessageReader {
    const byId = this.#byTopic.get(topic) ?? new Map<number, MessageReader>()
    const known = byId.get(id)
    if (known !== undefined) return known
    const reader = this.#make(topic, id)
    keepWithin(this.#byTopic, this.#size)
    this.#byTopic.set(topic, byId)
    keepWithin(byId, this.#size)
    byId.set(id, reader)
    return reader
  }

  #make(topic: string, id: number): MessageReader {
    const { client, format } = this.#parts
    const parsed = this.#schemas.get(String(id), `the schema with the id ${id}`, async (signal) => {
      const found = format.parse(ofType(format.type, id, await client.schemaOfId(id, signal)))
      // Here, so that what Connect cannot express is not tried again for each message.
      format.reader(found, null)
      return found
    })
    return format.reader(parsed, this.#versionOf(topic, id, parsed))
  }

  /** The version of the schema in the subject of the topic. Null: the schema is not in this subject. */
  #versionOf(topic: string, id: number, parsed: Parsed): number | null {
    const recordName = this.#parts.format.recordNameOf(parsed)
    let subject: string
    try {
      subject = this.#subjectOf(topic, recordName)
    } catch (error) {
      if (error instanceof DataError) return null
      throw error
    }
    return this.#versions.get(
      `${id}\n${subject}`,
      `the version of the schema with the id ${id} in subject "${subject}"`,
      async (signal) => await this.#parts.client.versionOfId(id, subject, signal),
    )
  }
}

import { DataError, type Clock, type ParsedConfig, type Schema, type SchemaText } from 'penstock/api'

import { cacheSize, keepWithin } from './cache-size.ts'
import { changedFields } from './changed-fields.ts'
import { LookUps } from './look-ups.ts'
import type { RegisteredSchema, RegistryClient, SchemaIdentity, SubmittedSchema } from './registry-client.ts'
import type { MessageWrite, SchemaFormat } from './schema-format.ts'
import { isIdInHeader, metadataProperties } from './registry-config-def.ts'
import { subjectNameOf, type SubjectName } from './subject-names.ts'
import { named, schemaHeaderValue, type SchemaRef } from './wire-format.ts'

/** What the writers and the readers of a converter share. */
export interface ConverterParts<Parsed> {
  readonly config: ParsedConfig
  readonly isKey: boolean
  readonly format: SchemaFormat<Parsed>
  readonly client: RegistryClient
  readonly clock: Clock
}

/** Writes the values of messages with one schema in one topic. */
interface MessageWriter {
  /** Of the schema in the registry. */
  readonly id: number
  /** What the header of the message says of the schema; null if the message has no such header. */
  readonly guid: Buffer | null
  readonly write: MessageWrite
  /** When the latest schema of the subject is looked up again; infinite if it is not. */
  readonly expiresAtMs: number
}

/** What writes the values of a schema, and what the message says of their type after the id of the schema. */
interface CompiledSchema {
  readonly write: MessageWrite
  readonly head: Buffer | null
}

/** A Connect schema in the language of the format. */
interface OwnSchema {
  readonly text: string
  readonly recordName: string | null
  /** Made when it is needed: with `use.latest.version` it is not. */
  compiled: CompiledSchema | null
  readonly byTopic: Map<string, MessageWriter>
}

interface LatestSchema<Parsed> {
  readonly registered: RegisteredSchema
  readonly identity: SchemaIdentity
  readonly parsed: Parsed
}

/** Stands for the schema of values without one. */
const noSchema = {}

/** Finds the writers of messages. Each schema is converted, registered and compiled once. */
export class MessageWriters<Parsed> {
  readonly #parts: ConverterParts<Parsed>
  readonly #mode: 'register' | 'latest' | 'lookUp'
  readonly #subjectOf: SubjectName
  readonly #isIdInHeader: boolean
  readonly #size: number
  readonly #latestForMs: number | null
  /** Of the schema to write with, which is then the latest one that has them. */
  readonly #metadata: ReadonlyMap<string, string> | null
  readonly #ids: LookUps<SchemaIdentity>
  readonly #latest: LookUps<LatestSchema<Parsed>>
  readonly #own = new WeakMap<object, OwnSchema>()
  #lastTopic = ''
  #lastSchema: Schema | null = null
  #last: MessageWriter | null = null

  constructor(parts: ConverterParts<Parsed>) {
    const { config, clock, isKey } = parts
    this.#parts = parts
    this.#metadata = metadataProperties(config['use.latest.with.metadata'])
    const isLatest = config['use.latest.version'] === true || this.#metadata !== null
    this.#mode = config['auto.register.schemas'] === true ? 'register' : isLatest ? 'latest' : 'lookUp'
    this.#subjectOf = subjectNameOf(config, isKey)
    this.#isIdInHeader = isIdInHeader(config, isKey)
    this.#size = cacheSize(config)
    const ttlSeconds = Number(config['latest.cache.ttl.sec'])
    this.#latestForMs = ttlSeconds < 0 ? null : ttlSeconds * 1000
    this.#ids = new LookUps({ clock, limit: this.#size })
    this.#latest = new LookUps({ clock, limit: this.#size, expiryMs: this.#latestForMs })
  }

  /** @throws NotReadyError until the registry has given the id; DataError if it does not */
  of(topic: string, schema: Schema | null): MessageWriter {
    const last = this.#last
    if (last !== null && schema === this.#lastSchema && topic === this.#lastTopic && this.#isFresh(last)) return last
    const own = this.#ownOf(schema)
    const known = own.byTopic.get(topic)
    const writer = known !== undefined && this.#isFresh(known) ? known : this.#make(topic, schema, own)
    this.#lastTopic = topic
    this.#lastSchema = schema
    this.#last = writer
    return writer
  }

  #isFresh({ expiresAtMs }: MessageWriter): boolean {
    return expiresAtMs === Infinity || expiresAtMs > this.#parts.clock.monotonic()
  }

  #ownOf(schema: Schema | null): OwnSchema {
    const key = schema ?? noSchema
    const known = this.#own.get(key)
    if (known !== undefined) return known
    const { format } = this.#parts
    const text = format.textOf(schema)
    const recordName = format.recordNameOf(this.#ofSchema(format.parse({ text, references: [] }), schema))
    const own: OwnSchema = { text, recordName, compiled: null, byTopic: new Map<string, MessageWriter>() }
    this.#own.set(key, own)
    return own
  }

  #make(topic: string, schema: Schema | null, own: OwnSchema): MessageWriter {
    const subject = this.#subjectOf(topic, own.recordName)
    const writer =
      this.#mode === 'latest' ? this.#withLatest(subject, schema, own) : this.#withOwn(subject, schema, own)
    keepWithin(own.byTopic, this.#size)
    own.byTopic.set(topic, writer)
    return writer
  }

  #withOwn(subject: string, schema: Schema | null, own: OwnSchema): MessageWriter {
    const { client, config, format } = this.#parts
    // Compiled before it is registered: what cannot be written needs no id.
    own.compiled ??= this.#compiled(format.parse({ text: own.text, references: [] }), schema)
    const submitted: SubmittedSchema = {
      type: format.type,
      text: own.text,
      normalize: config['normalize.schemas'] === true,
    }
    const lookUp = async (signal: AbortSignal): Promise<SchemaIdentity> => {
      if (this.#mode === 'register')
        return await client.register(subject, submitted, signal, (earlier) => this.#changesSince(earlier, own.text))
      const found = await client.lookUp(subject, submitted, signal)
      if (found !== null) return found
      throw new DataError(
        `the schema of the record is not registered under subject "${subject}". Register it, or set auto.register.schemas=true: ${own.text}`,
        { code: 'SCHEMA_NOT_REGISTERED' },
      )
    }
    const identity = this.#ids.get(`${subject}\n${own.text}`, `the id of a schema of subject "${subject}"`, lookUp)
    return this.#writer(identity, own.compiled, Infinity)
  }

  /** Both are read back: a schema of the registry has less than the Connect schema that it was made of. */
  #changesSince(earlier: RegisteredSchema, text: string): string {
    const { format } = this.#parts
    if (earlier.type !== format.type) return `the type was ${earlier.type} and is ${format.type}`
    const readBack = (one: SchemaText): Schema | null => format.reader(format.parse(one), null).schema
    return changedFields(readBack(earlier), readBack({ text, references: [] }))
  }

  #withLatest(subject: string, schema: Schema | null, own: OwnSchema): MessageWriter {
    const { client, config, format, clock } = this.#parts
    const latest = this.#latest.get(subject, `the latest schema of subject "${subject}"`, async (signal) => {
      const metadata = this.#metadata
      const found = metadata === null ? client.latest(subject, signal) : client.latestWith(subject, metadata, signal)
      const { identity, ...registered } = await found
      return { identity, registered, parsed: format.parse(ofType(format.type, identity.id, registered)) }
    })
    if (config['latest.compatibility.strict'] === true) {
      const why = format.whyUnreadable({ schema, text: own.text }, latest.registered)
      if (why !== null)
        throw new DataError(
          `the latest schema of subject "${subject}" (id ${latest.identity.id}) cannot read what the schema of the record would write: ${why}.` +
            ' Register a schema that can, or set latest.compatibility.strict=false',
          { code: 'SCHEMA_INCOMPATIBLE' },
        )
    }
    const expiresAtMs = this.#latestForMs === null ? Infinity : clock.monotonic() + this.#latestForMs
    return this.#writer(latest.identity, this.#compiled(latest.parsed, schema), expiresAtMs)
  }

  #compiled(parsed: Parsed, schema: Schema | null): CompiledSchema {
    const { format } = this.#parts
    const meant = this.#ofSchema(parsed, schema)
    return { write: format.writer(meant, schema), head: format.types?.headOf(meant) ?? null }
  }

  #ofSchema(parsed: Parsed, schema: Schema | null): Parsed {
    const { types } = this.#parts.format
    return types === null ? parsed : types.ofSchema(parsed, schema)
  }

  /** What follows the id follows it in the header too. */
  #writer(identity: SchemaIdentity, { write, head }: CompiledSchema, expiresAtMs: number): MessageWriter {
    const { id } = identity
    if (this.#isIdInHeader) {
      const guid = this.#guidOf(identity)
      return { id, guid: head === null ? guid : Buffer.concat([guid, head]), write, expiresAtMs }
    }
    if (head === null) return { id, guid: null, write, expiresAtMs }
    const withHead: MessageWrite = (sink, value) => {
      sink.bytes(head)
      write(sink, value)
    }
    return { id, guid: null, write: withHead, expiresAtMs }
  }

  #guidOf({ id, guid }: SchemaIdentity): Buffer {
    if (guid !== null) return schemaHeaderValue(guid)
    throw new DataError(
      `the schema registry gives no GUID of the schema with the id ${id}, which belongs into a header: Confluent's has them since 8.0.` +
        ` Leave ${this.#parts.isKey ? 'key' : 'value'}.schema.id.serializer out, to have ids at the start of messages`,
      { code: 'SCHEMA_GUID_MISSING' },
    )
  }
}

/** @throws DataError if a schema of the registry is of another type */
export function ofType(type: string, ref: SchemaRef, schema: RegisteredSchema): RegisteredSchema {
  if (schema.type === type) return schema
  throw new DataError(`the schema with the ${named(ref)} is of type ${schema.type}: use the converter of its type`, {
    code: 'SCHEMA_TYPE_OTHER',
  })
}

import { NotReadyError } from '../../../api/errors.ts'
import { plainJson } from '../../../api/json/json-text.ts'
import type { Schema } from '../../../api/schema.ts'
import type { SinkRecord } from '../../../api/record.ts'
import type { Clock } from '../../../foundation/clock.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import type { ReferenceResolver } from '../../../config/providers/config-providers.ts'
import type { PluginRegistry } from '../../../plugin/plugin-registry.ts'
import { ConversionNotReadyError } from '../../task-thread/conversion/conversion-not-ready-error.ts'
import { decodeRecord } from '../../task-thread/conversion/record-decoder.ts'
import type { Converters } from '../../task-thread/conversion/record-encoder.ts'
import { loadConverters } from '../../task-thread/task-plugins.ts'
import { recordFilter, type RecordFilter } from './record-filter.ts'
import { readableValue } from './readable-value.ts'
import type { ReadableRecord, RecordInBytes, RecordsRead, RecordsToRead, SchemaNote } from './readable-record.ts'

export interface RecordReadingOptions {
  readonly plugins: PluginRegistry
  readonly secrets: ReferenceResolver
  /** Hides secrets in the texts of errors (I8): what a thread responds with is not redacted. */
  readonly redacted: (text: string) => string
  readonly clock: Clock
}

interface ReadingContext {
  readonly converters: Converters
  readonly topic: string
  readonly filter: RecordFilter | null
  readonly signal: AbortSignal
}

interface KeptConverters {
  readonly converters: Promise<Converters>
  readonly until: number
}

/** Converters keep the schemas that they have read, so a few are kept, for as long as a secret of theirs may be old. */
const maxKept = 8
const keptMs = 60_000

/** Reads records for people, with the converters of connectors. */
export class RecordReading {
  readonly #options: RecordReadingOptions
  readonly #kept = new Map<string, KeptConverters>()

  constructor(options: RecordReadingOptions) {
    this.#options = options
  }

  /**
   * A record that cannot be converted, or not before the signal fires, has the reason.
   * @throws ConfigError when there are no such converters, and what their plugins throw
   */
  async read(asked: RecordsToRead, signal: AbortSignal): Promise<RecordsRead> {
    const converters = await this.#converters(asked, signal)
    const filter = asked.filter === null ? null : recordFilter(asked.filter)
    const read: (ReadableRecord | null)[] = []
    const context = { converters, topic: asked.topic, filter, signal }
    for (const record of asked.records) read.push(await this.#one(record, context))
    return read
  }

  async #one(record: RecordInBytes, context: ReadingContext): Promise<ReadableRecord | null> {
    const { converters, topic, filter, signal } = context
    try {
      return converted(await whenReady(signal, () => decoded(converters, topic, record)), filter)
    } catch (error) {
      if (filter !== null && ![record.key, record.value].some((part) => part !== null && filter.passesBytes(part)))
        return null
      return unread(record, this.#options.redacted(errorMessage(error)))
    }
  }

  async #converters({ config, worker }: RecordsToRead, signal: AbortSignal): Promise<Converters> {
    const { plugins, secrets, clock } = this.#options
    const isOwn = ([key]: readonly [string, string]): boolean => /^(?:key|value|header)\.converter(?:\.|$)/.test(key)
    const own = Object.fromEntries(Object.entries(config).filter(isOwn))
    const id = JSON.stringify([own, worker])
    const known = this.#kept.get(id)
    if (known !== undefined && clock.monotonic() < known.until) return await known.converters
    const load = async (): Promise<Converters> => {
      const references = await secrets.resolve([own], signal)
      return await loadConverters(plugins, references.complete(own), worker)
    }
    const converters = load()
    this.#kept.delete(id)
    this.#kept.set(id, { converters, until: clock.monotonic() + keptMs })
    for (const old of this.#kept.keys()) if (this.#kept.size > maxKept) this.#kept.delete(old)
    try {
      return await converters
    } catch (error) {
      this.#kept.delete(id)
      throw error
    }
  }
}

/** Repeats what is not ready yet, once it is. */
export async function whenReady<T>(signal: AbortSignal, action: () => T): Promise<T> {
  for (;;) {
    try {
      return action()
    } catch (error) {
      if (!(error instanceof ConversionNotReadyError) && !(error instanceof NotReadyError)) throw error
      await error.ready(signal)
    }
  }
}

/** @throws DataError, ConversionNotReadyError */
export function decoded(converters: Converters, topic: string, record: RecordInBytes): SinkRecord {
  const headers = record.headers.map(({ key, value }) => ({ key, value: bufferOf(value) }))
  const [key, value] = [bufferOf(record.key), bufferOf(record.value)]
  return decodeRecord(converters, { ...record, topic, timestampType: 0, key, value, headers })
}

function bufferOf(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function converted(record: SinkRecord, filter: RecordFilter | null): ReadableRecord | null {
  const parts = {
    key: readableValue(record.keySchema, record.key),
    value: readableValue(record.valueSchema, record.value),
    headers: Object.fromEntries(
      [...record.headers].map(({ key, schema, value }) => [key, readableValue(schema, value)]),
    ),
  }
  const headers = [...record.headers].map((header) => ({
    key: header.key,
    value: plainJson(readableValue(header.schema, header.value)),
  }))
  const [key, value] = [plainJson(parts.key), plainJson(parts.value)]
  const texts = [key, value, ...headers.map((header) => header.value)]
  if (filter?.passes({ texts, parts }) === false) return null
  return {
    partition: record.originalPartition,
    offset: record.originalOffset,
    timestamp: record.timestamp ?? -1,
    key,
    value,
    headers,
    keySchema: noteOf(record.keySchema),
    valueSchema: noteOf(record.valueSchema),
    error: null,
    raw: null,
  }
}

function noteOf(schema: Schema | null): SchemaNote | null {
  return schema === null ? null : { type: schema.type, name: schema.name, version: schema.version }
}

function unread({ partition, offset, timestamp, key, value, headers }: RecordInBytes, error: string): ReadableRecord {
  return {
    partition,
    offset,
    timestamp,
    key: 'null',
    value: 'null',
    headers: headers.map((header) => ({ key: header.key, value: plainJson(base64(header.value)) })),
    keySchema: null,
    valueSchema: null,
    error,
    raw: { key: base64(key), value: base64(value) },
  }
}

function base64(bytes: Uint8Array | null): string | null {
  return bufferOf(bytes)?.toString('base64') ?? null
}

import type { ConnectError } from '../../../../api/errors.ts'
import type { SourceOffset, SourceRecord } from '../../../../api/record.ts'
import { plainJson } from '../../../../api/json/json-text.ts'
import type { ConnectValue, Schema } from '../../../../api/schema.ts'
import { RecordTooLargeError } from '../../../../client/errors.ts'
import type { OutgoingRecord } from '../../../../client/producer/outgoing-record.ts'
import type { Counter, TaskMetrics } from '../../../../foundation/metrics/metrics.ts'
import { letterHeaders } from '../../../../storage/dead-letters/letter-context.ts'
import { contextHeaders, type ContextHeader } from './context-headers.ts'
import { deadLetterMeters, lostLetter } from './dead-letter-queue.ts'
import type { DeadLetterForm, ErrorReporter } from './error-reporter.ts'
import { failureOf, type RecordFailure } from '../record-failure.ts'

/**
 * The dead letters of a source. They are sent by the producer of the task, each with the token of its record: the source offset
 * moves on when the letter is durable (I2).
 */
export class SourceLetters implements ErrorReporter<SourceRecord> {
  readonly outcome: string
  readonly #form: DeadLetterForm
  readonly #requests: Counter
  readonly #failures: Counter
  readonly #tokens = new Set<number>()
  #next: OutgoingRecord | null = null

  constructor(form: DeadLetterForm, metrics: TaskMetrics) {
    this.#form = form
    this.outcome = `sent to the dead letter queue ${form.topic}`
    const { requests, failures } = deadLetterMeters(metrics)
    this.#requests = requests
    this.#failures = failures
  }

  report(record: SourceRecord, failure: RecordFailure): void {
    this.#next = oversizedLetterOf(record, failure, this.#form) ?? sourceLetterOf(record, failure, this.#form)
  }

  room(): null {
    return null
  }

  /** Returns the letter of the record that was reported last; null when there is none to send. */
  take(): OutgoingRecord | null {
    const letter = this.#next
    this.#next = null
    return letter
  }

  /** Returns the letter of a record that the broker refuses because of its size. */
  ofOversized(error: unknown, offset: SourceOffset | null): OutgoingRecord | null {
    const failure = failureOf(error)
    return failure && oversizedLetterOf({ sourcePartition: null, sourceOffset: offset }, failure, this.#form)
  }

  /** A letter is handed to the producer with this token. */
  sent(token: number): void {
    this.#requests.add(1)
    this.#tokens.add(token)
  }

  /** Returns how many of the tokens are those of letters, which are durable. */
  acknowledged(tokens: readonly number[]): number {
    return this.#tokens.size === 0 ? 0 : tokens.filter((token) => this.#tokens.delete(token)).length
  }

  /** Returns what fails the task when letters are rejected; null when none of the tokens is that of a letter. */
  lostBy(cause: unknown, tokens: readonly number[]): ConnectError | null {
    const lost = this.acknowledged(tokens)
    if (lost === 0) return null
    this.#failures.add(lost)
    return lostLetter(this.#form.topic, cause)
  }
}

interface SourcePlace {
  readonly topic: string
  readonly sourcePartition: SourceRecord['sourcePartition'] | null
  readonly sourceOffset: SourceOffset | null
}

/**
 * Returns a record of a source as a dead letter. Its converters may be what failed, so key, value and headers are JSON without
 * schemas.
 */
function sourceLetterOf(record: SourceRecord, failure: RecordFailure, form: DeadLetterForm): OutgoingRecord {
  const { keySchema, key, valueSchema, value, timestamp, headers } = record
  const own = headers.map((header) => ({ key: header.key, value: jsonBytes(header.schema, header.value) }))
  return {
    topic: form.topic,
    partition: null,
    key: jsonBytes(keySchema, key),
    value: jsonBytes(valueSchema, value),
    headers: [...own, ...placeHeaders(record, failure, form)],
    timestamp: timestamp === null || timestamp < 0 ? null : timestamp,
  }
}

/** Returns the letter of a record that is too large: it has its key and place, and no value. Null for another failure. */
function oversizedLetterOf(
  { sourcePartition, sourceOffset }: Omit<SourcePlace, 'topic'>,
  failure: RecordFailure,
  form: DeadLetterForm,
): OutgoingRecord | null {
  if (!(failure.error instanceof RecordTooLargeError)) return null
  const { key, topic } = failure.error
  const headers = placeHeaders({ topic, sourcePartition, sourceOffset }, failure, form)
  return { topic: form.topic, partition: null, key, value: null, headers, timestamp: null }
}

/** Kafka Connect's headers, behind those for the place in the source; none without a context. */
function placeHeaders(
  { topic, sourcePartition, sourceOffset }: SourcePlace,
  failure: RecordFailure,
  { context }: DeadLetterForm,
): readonly ContextHeader[] {
  if (context === null) return []
  return [
    { key: letterHeaders.sourceTopic, value: Buffer.from(topic) },
    {
      key: letterHeaders.sourcePartition,
      value: sourcePartition === null ? null : jsonBytes(null, sourcePartition),
    },
    { key: letterHeaders.sourceOffset, value: sourceOffset === null ? null : jsonBytes(null, sourceOffset) },
    ...contextHeaders(context.task, failure, null, context.redact),
  ]
}

/** Returns null for a null. Never throws: the value need not match its schema. */
function jsonBytes(schema: Schema | null, value: ConnectValue): Buffer | null {
  return value === null ? null : Buffer.from(plainJson(jsonOf(schema, value)))
}

/** Structs are objects, bytes Base64, integers of any size exact, and numbers that JSON does not have texts. */
function jsonOf(schema: Schema | null, value: ConnectValue | undefined): ConnectValue {
  if (value === null || value === undefined) return null
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object') return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  const inner = schema?.valueSchema ?? null
  if (Array.isArray(value)) {
    if (schema?.type !== 'STRUCT') return value.map((item: ConnectValue) => jsonOf(inner, item))
    return Object.fromEntries(schema.fields.map((field) => [field.name, jsonOf(field.schema, value[field.index])]))
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return Object.fromEntries(entries.map(([key, item]) => [String(key), jsonOf(inner, item)]))
}

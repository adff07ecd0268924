import {
  int64Form,
  DataError,
  errorMessage,
  Logical,
  primitive,
  systemClock,
  type ConnectValue,
  type Schema,
} from 'penstock/api'

import { dayMs, splitTime } from '../dates/calendar.ts'
import { configuredFormatter, type DateFormatter } from '../dates/format-date.ts'
import { dateParser, type DateParser } from '../dates/parse-date.ts'
import { withinLong } from '../numbers/java-numbers.ts'
import { clipped, kindOf } from '../record/requirements.ts'

/** The forms in which a timestamp can be written. */
export const timestampForms = ['string', 'unix', 'Date', 'Time', 'Timestamp'] as const
export type TimestampForm = (typeof timestampForms)[number]

export const unixPrecisions = ['nanoseconds', 'microseconds', 'milliseconds', 'seconds'] as const
export type UnixPrecision = (typeof unixPrecisions)[number]

type Milliseconds = number | bigint

/** How strings are written and read; null if there is no format. */
export interface TextFormat {
  readonly pattern: string
  format: DateFormatter
  /** @throws SyntaxError if the pattern can only be written. */
  parse: DateParser
}

/** @throws ConfigError if the pattern is invalid. */
export function textFormat(pattern: string): TextFormat {
  let parser: DateParser | null = null
  return {
    pattern,
    format: configuredFormatter(pattern, 'format'),
    parse(text) {
      parser ??= dateParser(pattern, systemClock.now())
      return parser(text)
    },
  }
}

const forms: Readonly<Record<TimestampForm, readonly [required: Schema, optional: Schema]>> = {
  string: [primitive('STRING'), primitive('STRING', { optional: true })],
  unix: [primitive('INT64'), primitive('INT64', { optional: true })],
  Date: logical('INT32', Logical.date),
  Time: logical('INT32', Logical.time),
  Timestamp: logical('INT64', Logical.timestamp),
}

function logical(type: 'INT32' | 'INT64', name: string): readonly [Schema, Schema] {
  return [primitive(type, { name, version: 1 }), primitive(type, { name, version: 1, optional: true })]
}

/** Returns the schema of a form. */
export function formSchema(form: TimestampForm, optional: boolean): Schema {
  return forms[form][optional ? 1 : 0]
}

/** Returns the form of a schema's values. @throws DataError if they are not timestamps. */
export function formOf(schema: Schema, what: string): TimestampForm {
  switch (schema.name) {
    case Logical.timestamp:
      return 'Timestamp'
    case Logical.date:
      return 'Date'
    case Logical.time:
      return 'Time'
    default:
      if (schema.type === 'STRING') return 'string'
      if (schema.type === 'INT64') return 'unix'
      throw new DataError(`${what}: ${kindOf(schema, false)} is no known type of timestamps`)
  }
}

/** Returns the form of a value without a schema. @throws DataError if it is not a timestamp. */
export function plainFormOf(value: ConnectValue, what: string): TimestampForm {
  if (typeof value === 'string') return 'string'
  if (typeof value === 'bigint' || Number.isInteger(value)) return 'unix'
  throw new DataError(`${what}: ${kindOf(null, value)} is no known type of timestamps`)
}

/** Returns the milliseconds since the epoch of a value that is not null. */
export function readTimestamp(
  value: ConnectValue,
  form: TimestampForm,
  { precision, format, what }: { precision: UnixPrecision; format: TextFormat | null; what: string },
): Milliseconds {
  if (form === 'string') return readText(String(value), format, what)
  const number = typeof value === 'bigint' ? value : Number(value)
  if (form === 'unix') return fromUnix(number, precision)
  return form === 'Date' ? Number(number) * dayMs : number
}

function readText(text: string, format: TextFormat | null, what: string): Milliseconds {
  if (format === null) throw new DataError(`${what}: set "format" to the format of the string "${clipped(text)}"`)
  let ms: Milliseconds | null
  try {
    ms = format.parse(text)
  } catch (cause) {
    throw new DataError(`${what}: ${errorMessage(cause)}`, { cause })
  }
  if (ms === null)
    throw new DataError(`${what}: the string "${clipped(text)}" does not match the pattern ${format.pattern}`)
  return ms
}

/** Returns a form's value. Dates count days with a schema, and otherwise milliseconds, because nothing names their unit. */
export function writeTimestamp(
  ms: Milliseconds,
  form: TimestampForm,
  { precision, format, plain }: { precision: UnixPrecision; format: TextFormat | null; plain: boolean },
): ConnectValue {
  switch (form) {
    case 'string':
      return format?.format(ms) ?? null
    case 'unix':
      return toUnix(ms, precision)
    case 'Date':
      return plain ? int64Form(BigInt(splitTime(ms).day) * BigInt(dayMs)) : splitTime(ms).day
    case 'Time':
      return splitTime(ms).msOfDay
    case 'Timestamp':
      return ms
  }
}

const perMillisecond: Readonly<Record<UnixPrecision, number>> = {
  nanoseconds: 1_000_000,
  microseconds: 1000,
  milliseconds: 1,
  seconds: 1,
}

function fromUnix(value: Milliseconds, precision: UnixPrecision): Milliseconds {
  return precision === 'seconds' ? times(value, 1000) : dividedBy(value, perMillisecond[precision])
}

function toUnix(ms: Milliseconds, precision: UnixPrecision): Milliseconds {
  return precision === 'seconds' ? dividedBy(ms, 1000) : times(ms, perMillisecond[precision])
}

/** Rounds towards zero, as Java's TimeUnit does. */
function dividedBy(value: Milliseconds, by: number): Milliseconds {
  return typeof value === 'number' ? Math.trunc(value / by) + 0 : int64Form(value / BigInt(by))
}

/** Ends at the limits of a long, as Java's TimeUnit does. */
function times(value: Milliseconds, by: number): Milliseconds {
  const product = Number(value) * by
  if (Number.isSafeInteger(product)) return product
  return int64Form(withinLong(BigInt(value) * BigInt(by)))
}

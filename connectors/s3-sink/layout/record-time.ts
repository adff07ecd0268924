import { DataError, Logical, type SinkRecord } from 'penstock/api'

import { fieldReader, type FieldValue } from './field-access.ts'

/** `timestamp.extractor`. */
export type TimeSource =
  | { readonly kind: 'wallclock' }
  | { readonly kind: 'record' }
  /** `name` is `timestamp.field`. */
  | { readonly kind: 'field'; readonly name: string }

const dayMs = 86_400_000

/** How many ms a unit of these types has. Connect's own Timestamp has one, as numbers without a name. */
const units: Readonly<Record<string, number>> = {
  [Logical.date]: dayMs,
  'io.debezium.time.Date': dayMs,
  'io.debezium.time.MicroTimestamp': 1e-3,
  'io.debezium.time.NanoTimestamp': 1e-6,
}

const maxMs = 8.64e15

/**
 * Returns Confluent's timestamp extractors: a function from a record and the time of the clock to ms of the epoch.
 * @param required whether a record without a timestamp is an error; otherwise it has the time of the clock.
 * @returns a function that throws DataError
 */
export function recordTime(source: TimeSource, required: boolean): (record: SinkRecord, nowMs: number) => number {
  if (source.kind === 'wallclock') return (_record, nowMs) => nowMs
  if (source.kind === 'field') return fieldTime(source.name)
  return ({ timestamp }, nowMs) => {
    if (timestamp !== null && timestamp >= 0 && timestamp <= maxMs) return timestamp
    if (!required) return nowMs
    throw new DataError('the record has no timestamp, and timestamp.extractor is Record', { code: 'S3_RECORD_TIME' })
  }
}

function fieldTime(name: string): (record: SinkRecord) => number {
  const read = fieldReader(name)
  return (record) => {
    const found = read(record)
    const time = found === undefined ? null : timeIn(found)
    if (time !== null && Math.abs(time) <= maxMs) return time
    const why =
      found === undefined
        ? 'the value has no such field'
        : found.value === null
          ? 'it is null'
          : `${typeof found.value === 'object' ? (found.schema?.type ?? 'it') : JSON.stringify(String(found.value))} is no time`
    throw new DataError(`the field "${name}" of timestamp.field has no time: ${why}`, { code: 'S3_RECORD_TIME' })
  }
}

function timeIn({ schema, value }: FieldValue): number | null {
  if (typeof value === 'string') return timeOfText(value)
  if (typeof value !== 'number' && typeof value !== 'bigint') return null
  if (schema !== null && schema.type !== 'INT32' && schema.type !== 'INT64') return null
  return Math.floor(Number(value) * (units[schema?.name ?? ''] ?? 1))
}

const iso =
  /^([+-]?\d{4,9})(?:-(\d\d)(?:-(\d\d))?)?(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?$/

/** A number of ms, or an ISO 8601 date or time; without a zone, it is UTC. Null for other texts. */
function timeOfText(text: string): number | null {
  if (/^-?\d{1,19}$/.test(text)) return Number(text)
  const [, year, month = '1', day = '1', hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] =
    iso.exec(text) ?? []
  if (year === undefined) return null
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  date.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.padEnd(3, '0').slice(0, 3)))
  const isReal =
    date.getUTCMonth() === Number(month) - 1 &&
    date.getUTCHours() === Number(hour) &&
    date.getUTCMinutes() === Number(minute)
  return isReal && Number(second) < 60 ? date.getTime() - zoneMs(zone) : null
}

function zoneMs(zone: string): number {
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? []
  const ms = (Number(hours) * 60 + Number(minutes)) * 60_000
  return sign === '-' ? -ms : ms
}

import { Logical, primitive, type ConnectValue, type SchemaType } from 'penstock/api'
import type { ColumnType, OnUnrepresentable, TimeMode, ValueDecoder, ValueModes } from './column-type.ts'
import { decodeIntervalText, intervalMicrosDecoder } from './decode-interval.ts'
import {
  decodeDays,
  decodeIsoDate,
  decodeIsoTime,
  decodeIsoTimestamp,
  decodeMillis,
  decodeTimeMicros,
  decodeTimeMillis,
  decodeTimeNanos,
  decodeZonedTime,
  microsDecoder,
  nanosDecoder,
  zonedTimestampDecoder,
} from './decode-time.ts'

function temporal(
  type: Extract<SchemaType, 'INT32' | 'INT64' | 'STRING'>,
  name: string,
  decode: ValueDecoder,
  fallback: ConnectValue,
): ColumnType {
  return { schema: primitive(type, { name, version: 1 }), decode, isArray: false, fallback, placeholder: undefined }
}

const epochDay = temporal('INT32', 'io.debezium.time.Date', decodeDays, 0)
const connectDate = temporal('INT32', Logical.date, decodeDays, 0)
const isoDate = temporal('STRING', 'io.debezium.time.IsoDate', decodeIsoDate, '1970-01-01Z')
const millisTime = temporal('INT32', 'io.debezium.time.Time', decodeTimeMillis, 0)
const microTime = temporal('INT64', 'io.debezium.time.MicroTime', decodeTimeMicros, 0)
const nanoTime = temporal('INT64', 'io.debezium.time.NanoTime', decodeTimeNanos, 0)
const connectTime = temporal('INT32', Logical.time, decodeTimeMillis, 0)
const isoTime = temporal('STRING', 'io.debezium.time.IsoTime', decodeIsoTime, '00:00:00Z')
const millisTimestamp = temporal('INT64', 'io.debezium.time.Timestamp', decodeMillis, 0)
const connectTimestamp = temporal('INT64', Logical.timestamp, decodeMillis, 0)
const isoTimestamp = temporal('STRING', 'io.debezium.time.IsoTimestamp', decodeIsoTimestamp, '1970-01-01T00:00:00Z')
const zonedTime = temporal('STRING', 'io.debezium.time.ZonedTime', decodeZonedTime, '00:00:00Z')

/** Maps a date, time or interval type; null when `name` is none of them. */
export function temporalType(
  name: string,
  typmod: number,
  modes: ValueModes,
  onUnrepresentable: OnUnrepresentable,
): ColumnType | null {
  const digits = typmod < 0 ? 6 : typmod
  switch (name) {
    case 'date':
      return dateType(modes.time)
    case 'time':
      return timeType(modes.time, digits)
    case 'timestamp':
      return timestampType(modes.time, digits, onUnrepresentable)
    case 'timestamptz':
      return zonedTimestamp(digits)
    case 'timetz':
      return zonedTime
    case 'interval':
      return modes.interval === 'string'
        ? temporal('STRING', 'io.debezium.time.Interval', decodeIntervalText, 'P0Y0M0DT0H0M0S')
        : temporal('INT64', 'io.debezium.time.MicroDuration', intervalMicrosDecoder(onUnrepresentable), 0)
    default:
      return null
  }
}

function dateType(mode: TimeMode): ColumnType {
  if (mode === 'connect') return connectDate
  return mode === 'isostring' ? isoDate : epochDay
}

function timeType(mode: TimeMode, digits: number): ColumnType {
  switch (mode) {
    case 'adaptive':
      return digits <= 3 ? millisTime : microTime
    case 'adaptive_time_microseconds':
    case 'microseconds':
      return microTime
    case 'nanoseconds':
      return nanoTime
    case 'connect':
      return connectTime
    case 'isostring':
      return isoTime
  }
}

function timestampType(mode: TimeMode, digits: number, onUnrepresentable: OnUnrepresentable): ColumnType {
  switch (mode) {
    case 'adaptive':
    case 'adaptive_time_microseconds':
      return digits <= 3 ? millisTimestamp : microTimestamp(onUnrepresentable)
    case 'microseconds':
      return microTimestamp(onUnrepresentable)
    case 'nanoseconds':
      return temporal('INT64', 'io.debezium.time.NanoTimestamp', nanosDecoder(onUnrepresentable), 0)
    case 'connect':
      return connectTimestamp
    case 'isostring':
      return isoTimestamp
  }
}

function microTimestamp(onUnrepresentable: OnUnrepresentable): ColumnType {
  return temporal('INT64', 'io.debezium.time.MicroTimestamp', microsDecoder(onUnrepresentable), 0)
}

function zonedTimestamp(digits: number): ColumnType {
  return temporal('STRING', 'io.debezium.time.ZonedTimestamp', zonedTimestampDecoder(digits), '1970-01-01T00:00:00Z')
}

import {
  atPath,
  DataError,
  decimalToBytes,
  Logical,
  misfit,
  unscaledDecimal,
  type ByteSink,
  type Schema,
} from 'penstock/api'

import { LogicalMessage } from '../proto-types.ts'
import { dateOf, dayMs } from './logical-values.ts'
import { beginDelimited, endDelimited, writeBigInteger, writeInteger, writeUnsigned } from './proto-bytes.ts'
import { unlike, type ProtoWriter } from './scalar-writers.ts'

const messages = new Map<string | null, string>([
  [Logical.decimal, LogicalMessage.decimal],
  [Logical.date, LogicalMessage.date],
  [Logical.time, LogicalMessage.time],
  [Logical.timestamp, LogicalMessage.timestamp],
])

/**
 * Returns the writer of values of a logical type in the message of that type; null for other schemas.
 * @throws DataError if the message is another one
 */
export function logicalWriter(fullName: string, schema: Schema, path: string): ProtoWriter | null {
  const wanted = messages.get(schema.name)
  if (wanted === undefined) return null
  if (wanted !== fullName) throw unlike(schema, fullName, path)
  switch (schema.name) {
    case Logical.decimal:
      return decimalWriter(schema, path)
    case Logical.date:
      return delimited(schema, path, (sink, days) => {
        const { year, month, day } = dateOf(days)
        put(sink, 8, year)
        put(sink, 16, month)
        put(sink, 24, day)
      })
    case Logical.time:
      return delimited(schema, path, (sink, ms) => {
        if (ms < 0 || ms >= dayMs)
          throw new DataError(`a time is ${ms} ms, and not from 0 to ${dayMs - 1}: it is within a day${atPath(path)}`)
        put(sink, 8, Math.floor(ms / 3_600_000))
        put(sink, 16, Math.floor(ms / 60_000) % 60)
        put(sink, 24, Math.floor(ms / 1000) % 60)
        put(sink, 32, (ms % 1000) * 1_000_000)
      })
    default:
      return timestampWriter(schema, path)
  }
}

/** Values that are zero are not written. */
function put(sink: ByteSink, tag: number, value: number): void {
  if (value === 0) return
  writeUnsigned(sink, tag)
  writeInteger(sink, value)
}

function delimited(schema: Schema, path: string, write: (sink: ByteSink, value: number) => void): ProtoWriter {
  return (sink, value) => {
    if (typeof value !== 'number' || (value | 0) !== value) misfit(schema, path, value)
    const mark = beginDelimited(sink)
    write(sink, value)
    endDelimited(sink, mark)
  }
}

/** The nanoseconds of times before 1970 count from the second before, as Protobuf defines it. */
function timestampWriter(schema: Schema, path: string): ProtoWriter {
  return (sink, value) => {
    const mark = beginDelimited(sink)
    if (typeof value === 'bigint') {
      const ms = ((value % 1000n) + 1000n) % 1000n
      const seconds = (value - ms) / 1000n
      if (seconds !== 0n) {
        writeUnsigned(sink, 8)
        writeBigInteger(sink, seconds)
      }
      put(sink, 16, Number(ms) * 1_000_000)
    } else {
      if (!Number.isSafeInteger(value)) misfit(schema, path, value)
      const seconds = Math.floor((value as number) / 1000)
      put(sink, 8, seconds)
      put(sink, 16, ((value as number) - seconds * 1000) * 1_000_000)
    }
    endDelimited(sink, mark)
  }
}

function decimalWriter(schema: Schema, path: string): ProtoWriter {
  const scale = Number(schema.parameters?.['scale'])
  if (!Number.isInteger(scale)) throw new DataError('Invalid Decimal schema: scale parameter not found.')
  return (sink, value) => {
    if (typeof value !== 'string') misfit(schema, path, value)
    const bytes = decimalToBytes(value, scale)
    const digits = String(unscaledDecimal(value, scale)).replace('-', '').length
    const mark = beginDelimited(sink)
    writeUnsigned(sink, 10)
    writeUnsigned(sink, bytes.length)
    sink.bytes(bytes)
    put(sink, 16, digits)
    put(sink, 24, scale)
    endDelimited(sink, mark)
  }
}

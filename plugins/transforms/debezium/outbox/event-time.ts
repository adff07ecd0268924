import { DataError, type ConnectValue, type Field } from 'penstock/api'

/** Units per millisecond of Debezium's types of timestamps. */
const units: ReadonlyMap<string, bigint> = new Map([
  ['io.debezium.time.Timestamp', 1n],
  ['io.debezium.time.MicroTimestamp', 1000n],
  ['io.debezium.time.NanoTimestamp', 1_000_000n],
])

/** Returns a timestamp of a column in milliseconds, towards zero. @throws DataError if the column has another type. */
export function millisecondsOf({ name, schema }: Field, value: ConnectValue, transform: string): number {
  const unit = units.get(schema.name ?? '')
  if (unit === undefined || (typeof value !== 'number' && typeof value !== 'bigint')) {
    throw new DataError(
      `${transform}: the column "${name}" is no timestamp of Debezium, but ${schema.name ?? schema.type}`,
    )
  }
  return Number(BigInt(value) / unit)
}

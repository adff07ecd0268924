import { Logical, type ConnectValue } from 'penstock/api'

/** The meaning of a named schema in a document. `perSecond` is the unit of a temporal number. */
export type Semantic =
  | { readonly kind: 'decimal' | 'variable-decimal' | 'date' | 'iso-date' | 'iso-timestamp' | 'word' }
  | { readonly kind: 'time' | 'timestamp'; readonly perSecond: number }

const semantics: Readonly<Record<string, Semantic>> = {
  [Logical.decimal]: { kind: 'decimal' },
  [Logical.date]: { kind: 'date' },
  [Logical.time]: { kind: 'time', perSecond: 1000 },
  [Logical.timestamp]: { kind: 'timestamp', perSecond: 1000 },
  'io.debezium.data.VariableScaleDecimal': { kind: 'variable-decimal' },
  'io.debezium.data.Uuid': { kind: 'word' },
  'io.debezium.data.Enum': { kind: 'word' },
  'io.debezium.time.Date': { kind: 'date' },
  'io.debezium.time.Time': { kind: 'time', perSecond: 1000 },
  'io.debezium.time.MicroTime': { kind: 'time', perSecond: 1_000_000 },
  'io.debezium.time.NanoTime': { kind: 'time', perSecond: 1_000_000_000 },
  'io.debezium.time.Timestamp': { kind: 'timestamp', perSecond: 1000 },
  'io.debezium.time.MicroTimestamp': { kind: 'timestamp', perSecond: 1_000_000 },
  'io.debezium.time.NanoTimestamp': { kind: 'timestamp', perSecond: 1_000_000_000 },
  'io.debezium.time.ZonedTimestamp': { kind: 'iso-timestamp' },
  'io.debezium.time.IsoDate': { kind: 'iso-date' },
  'io.debezium.time.IsoTimestamp': { kind: 'iso-timestamp' },
}

/** The meaning of a schema name; undefined when it has none. */
export function semanticOf(name: string | null): Semantic | undefined {
  return name === null ? undefined : Object.hasOwn(semantics, name) ? semantics[name] : undefined
}

// Debezium's numbers for infinity and -infinity, by unit. No date of Postgres has these days, and no timestamp has these
// nanoseconds or the negative values; one microsecond of the year 294247 counts as infinity.
const infiniteDays: readonly ConnectValue[] = [-2_147_472_692, -2_147_472_691]
const infiniteUnits: ReadonlyMap<number, readonly ConnectValue[]> = new Map([
  [1000, [9_223_372_036_825_200n, -9_223_372_036_832_400n]],
  [1_000_000, [9_223_372_036_825_200_000n, -9_223_372_036_832_400_000n]],
  [1_000_000_000, [2n ** 63n - 1n, -(2n ** 63n)]],
])
const infiniteTexts: readonly ConnectValue[] = [
  'infinity',
  '-infinity',
  '-5877611-06-21Z',
  '-5877611-06-22Z',
  '+294247-01-10T04:00:25.2Z',
  '-290308-12-21T19:59:27.6Z',
]

/** The values that stand for infinity and -infinity; null when there are none. */
export function infinitiesOf(semantic: Semantic | undefined): readonly ConnectValue[] | null {
  switch (semantic?.kind) {
    case 'date':
      return infiniteDays
    case 'timestamp':
      return infiniteUnits.get(semantic.perSecond) ?? null
    case 'iso-date':
    case 'iso-timestamp':
      return infiniteTexts
    default:
      return null
  }
}

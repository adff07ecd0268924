import { Logical } from 'penstock/api'

/** What a named schema means to a document. `perSecond` is the unit of a temporal number. */
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

/** The meaning of a schema name; undefined when it has none for us. */
export function semanticOf(name: string | null): Semantic | undefined {
  return name === null ? undefined : Object.hasOwn(semantics, name) ? semantics[name] : undefined
}

import { decimalTextOf, unscaledDecimal, type ConnectValue } from 'penstock/api'
import type { ColumnType } from '../values/column-type.ts'

/** Types whose defaults Debezium adds to schemas. */
const withDefaults = new Set([
  'bit', 'varbit', 'bool', 'bpchar', 'varchar', 'text', 'numeric', 'float4', 'float8', 'int2', 'int4', 'int8',
  'json', 'jsonb', 'xml', 'uuid', 'date', 'time', 'timestamp', 'timestamptz', 'interval',
]) // prettier-ignore

const temporal = new Set(['date', 'time', 'timestamp', 'timestamptz'])
/** Excludes `'today'::date`, which is another day whenever it is read. */
const dated = /^(?:\d{4,}-\d\d-\d\d|\d\d:\d\d|-?infinity$)/

const quoted = /^(?:B)?'((?:[^']|'')*)'(?:::.*)?$/s
const nullLiteral = /^NULL(?:::.*)?$/i
const number = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i
const boolean = /^(true|false)$/i
const currentTime = /^(?:current_timestamp|current_time|current_date|localtime|localtimestamp)$/i
/** An expression that Debezium takes for a function call: also with text after it, and in parentheses. */
const call = /^\(?[A-Za-z0-9_.]+\(.*\)/

/** The properties of a column type that its default depends on. */
export interface DefaultedType {
  readonly name: string
  readonly isEnum: boolean
  /** Scale of a numeric with a type modifier. */
  readonly scale: number | null
  readonly column: ColumnType
}

/**
 * Returns the schema default of a column, from the expression that `pg_get_expr` prints; undefined for none. A literal
 * is decoded as a value of the type. A function call (`now()`, `nextval(…)`) yields the type's zero value, as in Debezium.
 * Any other expression, and a literal that the type cannot represent, yields no default, because a default replaces NULL.
 */
export function defaultValue(expression: string | null, type: DefaultedType): ConnectValue | undefined {
  if (expression === null || nullLiteral.test(expression)) return undefined
  if (type.column.schema.type === 'STRUCT' || type.column.schema.type === 'ARRAY') return undefined
  if (type.isEnum) return enumDefault(expression, type.column)
  if (!withDefaults.has(type.name)) return undefined
  if (call.test(expression) || currentTime.test(expression)) return zeroValue(type)
  const literal = literalText(expression)
  // Debezium reads any other expression of this type as false.
  if (literal === null && type.name === 'bool') return false
  if (literal === null || (temporal.has(type.name) && !dated.test(literal))) return undefined
  return type.name === 'numeric' ? decimalDefault(literal, type) : decoded(literal, type.column)
}

function enumDefault(expression: string, column: ColumnType): ConnectValue | undefined {
  const literal = quoted.exec(expression)?.[1]
  return literal === undefined ? undefined : decoded(literal.replaceAll("''", "'"), column)
}

/** Returns undefined for a literal that the decoder does not parse, because the stream never sends this form. */
function decoded(literal: string, column: ColumnType): ConnectValue | undefined {
  const bytes = Buffer.from(literal)
  try {
    return column.decode(bytes, 0, bytes.length) ?? undefined
  } catch {
    return undefined
  }
}

/** Uses the scale of the column. Never rounds: that would be another number than the written one. */
function decimalDefault(literal: string, { scale, column }: DefaultedType): ConnectValue | undefined {
  if (!number.test(literal)) return undefined
  try {
    return decoded(scale === null ? literal : decimalTextOf(unscaledDecimal(literal, scale), scale), column)
  } catch {
    return undefined
  }
}

function literalText(expression: string): string | null {
  const text = quoted.exec(expression)?.[1]
  if (text !== undefined) return text.replaceAll("''", "'")
  if (number.test(expression)) return expression
  const truth = boolean.exec(expression)?.[1]
  return truth === undefined ? null : truth.toLowerCase().slice(0, 1)
}

function zeroValue({ name, scale, column }: DefaultedType): ConnectValue {
  if (name === 'numeric') return decoded(scale === null ? '0.0' : decimalTextOf(0n, scale), column) ?? column.fallback
  // A default has no fraction digits in Debezium; the decoder adds those of the column's values.
  if (name === 'timestamptz') return decoded('1970-01-01 00:00:00+00', column) ?? column.fallback
  if (name === 'uuid') return '00000000-0000-0000-0000-000000000000'
  return name === 'json' || name === 'jsonb' ? '{}' : column.fallback
}

import { decimalTextOf, unscaledDecimal, type ConnectValue } from 'penstock/api'
import type { ColumnType } from '../values/column-type.ts'

/** Types whose defaults Debezium puts into schemas. */
const withDefaults = new Set([
  'bit', 'varbit', 'bool', 'bpchar', 'varchar', 'text', 'numeric', 'float4', 'float8', 'int2', 'int4', 'int8',
  'json', 'jsonb', 'xml', 'uuid', 'date', 'time', 'timestamp', 'timestamptz', 'interval',
]) // prettier-ignore

const temporal = new Set(['date', 'time', 'timestamp', 'timestamptz'])
/** Not `'today'::date`, which means another day at every reading. */
const dated = /^(?:\d{4,}-\d\d-\d\d|\d\d:\d\d|-?infinity$)/

const quoted = /^(?:B)?'((?:[^']|'')*)'(?:::.*)?$/s
const nullLiteral = /^NULL(?:::.*)?$/i
const number = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i
const boolean = /^(true|false)$/i
const currentTime = /^(?:current_timestamp|current_time|current_date|localtime|localtimestamp)$/i
/** What Debezium takes for a call of a function: with what follows it, and in a parenthesis too. */
const call = /^\(?[A-Za-z0-9_.]+\(.*\)/

/** A column's type, as far as its default depends on it. */
export interface DefaultedType {
  readonly name: string
  readonly isEnum: boolean
  /** Digits behind the point of a numeric that has a modifier. */
  readonly scale: number | null
  readonly column: ColumnType
}

/**
 * The schema default of a column, from the expression that `pg_get_expr` prints; undefined for none. A literal is read
 * as a value of the type. A call (`now()`, `nextval(…)`) counts as the type's zero value, as in Debezium. Any other
 * expression, and a literal that the type cannot hold as it stands, is none: a default takes the place of NULL.
 */
export function defaultValue(expression: string | null, type: DefaultedType): ConnectValue | undefined {
  if (expression === null || nullLiteral.test(expression)) return undefined
  if (type.column.schema.type === 'STRUCT' || type.column.schema.type === 'ARRAY') return undefined
  if (type.isEnum) return enumDefault(expression, type.column)
  if (!withDefaults.has(type.name)) return undefined
  if (call.test(expression) || currentTime.test(expression)) return zeroValue(type)
  const literal = literalText(expression)
  // Debezium reads every other expression of this type as false.
  if (literal === null && type.name === 'bool') return false
  if (literal === null || (temporal.has(type.name) && !dated.test(literal))) return undefined
  return type.name === 'numeric' ? decimalDefault(literal, type) : decoded(literal, type.column)
}

function enumDefault(expression: string, column: ColumnType): ConnectValue | undefined {
  const literal = quoted.exec(expression)?.[1]
  return literal === undefined ? undefined : decoded(literal.replaceAll("''", "'"), column)
}

/** A literal that the stream would never send has a form that the decoder does not know. */
function decoded(literal: string, column: ColumnType): ConnectValue | undefined {
  const bytes = Buffer.from(literal)
  try {
    return column.decode(bytes, 0, bytes.length) ?? undefined
  } catch {
    return undefined
  }
}

/** With the digits that values of the column have; rounded it would be another number than the one that was written. */
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
  // Of a default it has the digits of the column's values, elsewhere none.
  if (name === 'timestamptz') return decoded('1970-01-01 00:00:00+00', column) ?? column.fallback
  if (name === 'uuid') return '00000000-0000-0000-0000-000000000000'
  return name === 'json' || name === 'jsonb' ? '{}' : column.fallback
}

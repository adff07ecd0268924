import type { ConnectValue } from 'penstock/api'
import type { ColumnType } from './column-type.ts'

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
const number = /^\(?(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\)?(?:::.*)?$/i
const boolean = /^(true|false)$/i

/**
 * The schema default of a column, from the expression that `pg_get_expr` prints; undefined for none. A literal is read
 * as a value of the type; anything else (`now()`, `nextval(…)`) counts as the type's zero value, as in Debezium.
 */
export function defaultValue(
  expression: string | null,
  typeName: string,
  isEnum: boolean,
  type: ColumnType,
): ConnectValue | undefined {
  if (expression === null || nullLiteral.test(expression)) return undefined
  if (type.schema.type === 'STRUCT' || type.schema.type === 'ARRAY') return undefined
  if (!isEnum && !withDefaults.has(typeName)) return undefined
  const literal = literalText(expression)
  if (literal === null || (temporal.has(typeName) && !dated.test(literal))) return zeroValue(typeName, type)
  try {
    const bytes = Buffer.from(literal)
    const value = type.decode(bytes, 0, bytes.length) ?? undefined
    return Number.isNaN(value) && !type.schema.type.startsWith('FLOAT') ? zeroValue(typeName, type) : value
  } catch {
    // A literal of a form that the stream never has is as good as a function.
    return zeroValue(typeName, type)
  }
}

function literalText(expression: string): string | null {
  const text = quoted.exec(expression)?.[1]
  if (text !== undefined) return text.replaceAll("''", "'")
  const plain = number.exec(expression)?.[1]
  if (plain !== undefined) return plain
  const truth = boolean.exec(expression)?.[1]
  return truth === undefined ? null : truth.toLowerCase().slice(0, 1)
}

function zeroValue(typeName: string, type: ColumnType): ConnectValue {
  if (typeName === 'uuid') return '00000000-0000-0000-0000-000000000000'
  return typeName === 'json' || typeName === 'jsonb' ? '{}' : type.fallback
}

import { DataError, javaText } from 'penstock/api'

import type { Dialect, Scope } from './scope.ts'
import { sameData, sameSchema } from './values/equality.ts'
import { groovyValue } from './values/convert.ts'
import {
  compareNumbers,
  compute,
  doubleOf,
  isNumber,
  numberText,
  sameNumber,
  type Arithmetic,
} from './values/numbers.ts'
import { kindName } from './values/kinds.ts'
import {
  Entries,
  EntryView,
  FieldView,
  itemsOf,
  listOf,
  ListView,
  MatcherView,
  SchemaView,
  StructView,
  TypeView,
  type Value,
} from './values/values.ts'

/** Groovy's truth: null, false, zero, and what is empty are false. */
function truth(value: Value, scope: Scope): boolean {
  if (typeof value === 'boolean') return value
  if (value === null || value === undefined) return false
  if (typeof value === 'string') return value !== ''
  // NaN is false, too.
  if (isNumber(value)) return Math.abs(doubleOf(value)) > 0
  if (value instanceof ListView || value instanceof Entries) return value.size > 0
  if (value instanceof MatcherView) return value.text !== null && value.regex.finds(value.text, scope.budget)
  return true
}

/** Groovy's `==`: numbers by value, lists and maps by their items, structures by their fields. */
export function looseEquals(left: Value, right: Value, scope: Scope): boolean {
  if (left === right) return true
  if (left === null || right === null || left === undefined || right === undefined) return false
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right) === 0
  if (typeof left === 'string' || typeof right === 'string') {
    const code = characterAndNumber(left, right)
    return code !== null && code === 0
  }
  if (left instanceof ListView && right instanceof ListView) {
    scope.budget.spend(left.size)
    if (left.size !== right.size) return false
    for (let i = 0; i < left.size; i += 1) if (!looseEquals(left.at(i), right.at(i), scope)) return false
    return true
  }
  if (left instanceof Entries && right instanceof Entries) {
    if (left.size !== right.size) return false
    return left.keys().every((key) => {
      scope.budget.spend(1)
      const other = right.get(key)
      return other !== undefined && looseEquals(left.get(key), other, scope)
    })
  }
  return sameObject(left, right, scope)
}

function sameObject(left: Value, right: Value, { budget }: Scope): boolean {
  if (left instanceof StructView && right instanceof StructView)
    return sameSchema(left.schema, right.schema, budget) && sameData(left.values, right.values, budget)
  if (left instanceof SchemaView && right instanceof SchemaView) return sameSchema(left.schema, right.schema, budget)
  return left instanceof TypeView && right instanceof TypeView && left.name === right.name
}

/** The order of a text of one character and a number, which Groovy compares by the code; null for other values. */
function characterAndNumber(left: Value, right: Value): -1 | 0 | 1 | null {
  if (typeof left === 'string' && left.length === 1 && isNumber(right)) return compareNumbers(left.charCodeAt(0), right)
  if (typeof right === 'string' && right.length === 1 && isNumber(left))
    return compareNumbers(left, right.charCodeAt(0))
  return null
}

/** Groovy's `<=>`; null is below all. @throws DataError for values without an order */
function compareValues(left: Value, right: Value): -1 | 0 | 1 {
  if (left === right) return 0
  if (left === null || left === undefined) return -1
  if (right === null || right === undefined) return 1
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right)
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : 1
  if (typeof left === 'boolean' && typeof right === 'boolean') return left ? 1 : -1
  const code = characterAndNumber(left, right)
  if (code !== null) return code
  throw new DataError(`cannot compare ${kindName(left)} with ${kindName(right)}`)
}

/** Java's `equals`, of which `contains` is made. */
function holds(item: Value, wanted: Value, scope: Scope): boolean {
  if (isNumber(item) && isNumber(wanted)) return sameNumber(item, wanted)
  if (isNumber(item) || isNumber(wanted)) return false
  return looseEquals(item, wanted, scope)
}

/** Groovy's `in`. */
function isIn(item: Value, container: Value, scope: Scope): boolean {
  if (container instanceof ListView) {
    scope.budget.spend(container.size)
    for (let i = 0; i < container.size; i += 1) if (holds(container.at(i), item, scope)) return true
    return false
  }
  if (container instanceof Entries) return truth(container.get(item), scope)
  return looseEquals(container, item, scope)
}

function text(value: Value, scope: Scope): string {
  const made = textOf(value, scope)
  scope.budget.spend(made.length)
  return made
}

function textOf(value: Value, scope: Scope): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return 'null'
  if (isNumber(value)) return numberText(value)
  if (value instanceof ListView)
    return `[${itemsOf(value)
      .map((item) => text(item, scope))
      .join(', ')}]`
  if (value instanceof Entries) {
    if (value.size === 0) return '[:]'
    const entries = value.keys().map((key) => `${text(key, scope)}:${text(value.get(key) ?? null, scope)}`)
    return `[${entries.join(', ')}]`
  }
  if (value instanceof StructView) return javaText(value.schema, value.values)
  if (value instanceof TypeView) return value.name
  if (value instanceof EntryView) return `${text(value.key, scope)}=${text(value.value, scope)}`
  if (value instanceof SchemaView)
    return value.schema.name === null
      ? `Schema{${value.schema.type}}`
      : `Schema{${value.schema.name}:${value.schema.type}}`
  if (value instanceof FieldView || typeof value === 'object') throw new DataError(`${kindName(value)} has no text`)
  return String(value)
}

function add(left: Value, right: Value, scope: Scope): Value {
  if (isNumber(left) && isNumber(right)) return compute('+', left, right)
  const isText = typeof left === 'string' || (typeof right === 'string' && (isNumber(left) || left === null))
  if (isText) {
    const joined = text(left, scope) + text(right, scope)
    scope.budget.spend(joined.length)
    return joined
  }
  if (left instanceof ListView) {
    const more = right instanceof ListView ? itemsOf(right) : [right]
    scope.budget.spend(left.size + more.length)
    return listOf([...itemsOf(left), ...more])
  }
  return noOperator('+', left, right)
}

function multiply(left: Value, right: Value, scope: Scope): Value {
  if (isNumber(left) && isNumber(right)) return compute('*', left, right)
  if (typeof left !== 'string' || !isNumber(right)) return noOperator('*', left, right)
  const times = Math.trunc(doubleOf(right))
  if (!(times >= 0)) throw new DataError(`cannot repeat a text ${times} times`)
  scope.budget.spend(left.length * times)
  return left.repeat(times)
}

function noOperator(operator: string, left: Value, right: Value): never {
  throw new DataError(`there is no ${kindName(left)} ${operator} ${kindName(right)}`)
}

const arithmetic =
  (operator: Arithmetic) =>
  (left: Value, right: Value): Value =>
    isNumber(left) && isNumber(right) ? compute(operator, left, right) : noOperator(operator, left, right)

/** A binary operator whose operands are both evaluated. */
export type Operator = (left: Value, right: Value, scope: Scope) => Value

/** Groovy's operators. */
export const groovyOperators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['==', looseEquals],
  ['!=', (left, right, scope) => !looseEquals(left, right, scope)],
  ['<=>', compareValues],
  ['<', (left, right) => compareValues(left, right) < 0],
  ['<=', (left, right) => compareValues(left, right) <= 0],
  ['>', (left, right) => compareValues(left, right) > 0],
  ['>=', (left, right) => compareValues(left, right) >= 0],
  ['in', isIn],
  ['!in', (left, right, scope) => !isIn(left, right, scope)],
  ['+', add],
  ['*', multiply],
  ['-', arithmetic('-')],
  ['/', arithmetic('/')],
  ['%', arithmetic('%')],
])

export const groovyDialect: Dialect = { language: 'groovy', convert: groovyValue, truth, text, holds }

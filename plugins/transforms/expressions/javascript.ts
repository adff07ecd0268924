import { DataError } from 'penstock/api'

import type { Operator } from './groovy.ts'
import type { Dialect, Scope } from './scope.ts'
import { javascriptValue } from './values/convert.ts'
import { kindName } from './values/kinds.ts'
import { Entries, itemsOf, ListView, StructView, type Value } from './values/values.ts'

type Primitive = undefined | null | boolean | number | bigint | string

function isPrimitive(value: Value): value is Primitive {
  return value === null || typeof value !== 'object'
}

/** JavaScript's truth: an empty list is true. */
function truth(value: Value): boolean {
  return Boolean(value)
}

function text(value: Value, scope: Scope): string {
  let made: string
  if (isPrimitive(value)) made = String(value)
  else if (value instanceof ListView)
    made = itemsOf(value)
      .map((item) => (item === null || item === undefined ? '' : text(item, scope)))
      .join(',')
  else throw new DataError(`${kindName(value)} has no text`)
  scope.budget.spend(made.length)
  return made
}

/** @throws DataError for structures, lists and maps, which are no numbers */
function primitive(value: Value, scope: Scope): Primitive {
  if (isPrimitive(value)) return value
  if (value instanceof ListView) return text(value, scope)
  throw new DataError(`${kindName(value)} cannot be used as a number or a string`)
}

function number(value: Value, scope: Scope): number {
  return Number(primitive(value, scope))
}

/** `==`, which takes a text for its number. */
function looseEquals(left: Value, right: Value): boolean {
  if (!isPrimitive(left) || !isPrimitive(right)) return left === right
  // oxlint-disable-next-line eqeqeq -- this is the operator
  return left == right
}

/** `===`. An INT64 is one number, whichever form it has here. */
function strictEquals(left: Value, right: Value): boolean {
  if (typeof left === 'bigint' || typeof right === 'bigint')
    return (
      (typeof left === 'number' || typeof left === 'bigint') && typeof right !== 'string' && looseEquals(left, right)
    )
  return left === right
}

function less(left: Value, right: Value, scope: Scope): boolean | undefined {
  const [a, b] = [primitive(left, scope), primitive(right, scope)]
  if (typeof a === 'string' && typeof b === 'string') return a < b
  if (typeof a === 'bigint' || typeof b === 'bigint') return orderOfBig(a, b)
  const [x, y] = [Number(a), Number(b)]
  return Number.isNaN(x) || Number.isNaN(y) ? undefined : x < y
}

function orderOfBig(left: Primitive, right: Primitive): boolean | undefined {
  const [x, y] = [numeric(left), numeric(right)]
  return Number.isNaN(x) || Number.isNaN(y) ? undefined : x < y
}

const numeric = (value: Primitive): number | bigint => (typeof value === 'bigint' ? value : Number(value))

function add(left: Value, right: Value, scope: Scope): Value {
  const [a, b] = [primitive(left, scope), primitive(right, scope)]
  if (typeof a !== 'string' && typeof b !== 'string') return Number(a) + Number(b)
  const joined = String(a) + String(b)
  scope.budget.spend(joined.length)
  return joined
}

function isIn(name: Value, container: Value, scope: Scope): boolean {
  const key = text(name, scope)
  if (container instanceof StructView) return container.schema.fields.some((field) => field.name === key)
  if (container instanceof Entries) return container.get(key) !== undefined
  if (container instanceof ListView) return Number(key) >= 0 && Number(key) < container.size
  throw new DataError(`"in" needs a struct, a map or a list, found ${kindName(container)}`)
}

/** JavaScript's operators. */
export const javascriptOperators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['==', looseEquals],
  ['!=', (left, right) => !looseEquals(left, right)],
  ['===', strictEquals],
  ['!==', (left, right) => !strictEquals(left, right)],
  ['<', (left, right, scope) => less(left, right, scope) === true],
  ['>', (left, right, scope) => less(right, left, scope) === true],
  ['<=', (left, right, scope) => less(right, left, scope) === false],
  ['>=', (left, right, scope) => less(left, right, scope) === false],
  ['in', isIn],
  ['+', add],
  ['-', (left, right, scope) => number(left, scope) - number(right, scope)],
  ['*', (left, right, scope) => number(left, scope) * number(right, scope)],
  ['/', (left, right, scope) => number(left, scope) / number(right, scope)],
  ['%', (left, right, scope) => number(left, scope) % number(right, scope)],
])

/** JavaScript's operators of one operand, besides `!`. */
export const javascriptUnary: ReadonlyMap<string, (value: Value, scope: Scope) => Value> = new Map([
  ['-', (value: Value, scope: Scope): Value => -number(value, scope)],
  ['+', (value: Value, scope: Scope): Value => number(value, scope)],
  ['typeof', typeName],
])

function typeName(value: Value): Value {
  return typeof value === 'bigint' ? 'number' : typeof value
}

/** `includes` takes NaN for itself. */
function holds(item: Value, wanted: Value): boolean {
  return strictEquals(item, wanted) || Object.is(item, wanted)
}

export const javascriptDialect: Dialect = { language: 'javascript', convert: javascriptValue, truth, text, holds }

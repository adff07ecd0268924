import { DataError } from 'penstock/api'

import type { Scope } from '../scope.ts'
import { type Entries, EntryView, itemsOf, listOf, ListView, type Value } from '../values/values.ts'
import { closureAt, method, numberAt, textAt, valueAt, type Argument, type Closure, type Method } from './method.ts'

/** Returns the items of a collection, at the cost of their number. */
function items(self: ListView | Entries, scope: Scope): readonly Value[] {
  scope.budget.spend(1 + self.size * 4)
  if (self instanceof ListView) return itemsOf(self)
  return self.keys().map((key) => new EntryView(key, self.get(key) ?? null))
}

/** Calls a closure with an item, and with its place or the value of its entry. */
function called(closure: Closure, item: Value, index: number, scope: Scope): Value {
  if (scope.dialect.language === 'javascript') return closure(item, index)
  return item instanceof EntryView ? closure(item, item.value) : closure(item)
}

type Test = (closure: Closure, item: Value, index: number, scope: Scope) => boolean

const test: Test = (closure, item, index, scope) => scope.dialect.truth(called(closure, item, index, scope), scope)

function collection(
  least: number,
  most: number,
  call: (all: readonly Value[], args: readonly Argument[], scope: Scope) => Value,
): Method {
  return method<ListView | Entries>(least, most, (self, args, scope) => call(items(self, scope), args, scope))
}

/** A method that asks a closure about items. */
function asks(call: (all: readonly Value[], passes: (item: Value, index: number) => boolean) => Value): Method {
  return collection(1, 1, (all, args, scope) => {
    const closure = closureAt(args, 0)
    return call(all, (item, index) => test(closure, item, index, scope))
  })
}

const any = asks((all, passes) => all.some(passes))
const every = asks((all, passes) => all.every(passes))
const mapped = collection(1, 1, (all, args, scope) =>
  listOf(all.map((item, index) => called(closureAt(args, 0), item, index, scope))),
)

/** Returns whether a list has an item. */
function has(all: readonly Value[], wanted: Value, scope: Scope): boolean {
  return all.some((item) => scope.dialect.holds(item, wanted, scope))
}

function joined(all: readonly Value[], args: readonly Argument[], scope: Scope, otherwise: string): string {
  const separator = args.length > 0 ? textAt(args, 0) : otherwise
  scope.budget.spend(all.length * separator.length)
  const isEmpty = (item: Value): boolean =>
    scope.dialect.language === 'javascript' && (item === null || item === undefined)
  return all.map((item) => (isEmpty(item) ? '' : scope.dialect.text(item, scope))).join(separator)
}

function atEnd(all: readonly Value[], index: 0 | -1): Value {
  if (all.length === 0) throw new DataError('an empty list has no first and no last item')
  return all.at(index) ?? null
}

const size = method<ListView | Entries>(0, 0, (self) => self.size)
const isEmpty = method<ListView | Entries>(0, 0, (self) => self.size === 0)

const groovyBoth: readonly (readonly [string, Method])[] = [
  ['any', any],
  ['every', every],
  ['find', asks((all, passes) => all.find(passes) ?? null)],
  ['count', asks((all, passes) => all.filter(passes).length)],
  ['collect', mapped],
  ['size', size],
  ['isEmpty', isEmpty],
]

/** The methods of lists in Groovy. */
export const groovyList: ReadonlyMap<string, Method> = new Map([
  ...groovyBoth,
  ['findAll', asks((all, passes) => listOf(all.filter(passes)))],
  ['contains', collection(1, 1, (all, args, scope) => has(all, valueAt(args, 0), scope))],
  [
    'indexOf',
    collection(1, 1, (all, args, scope) => all.findIndex((item) => scope.dialect.holds(item, valueAt(args, 0), scope))),
  ],
  ['join', collection(0, 1, (all, args, scope) => joined(all, args, scope, ''))],
  ['first', collection(0, 0, (all) => atEnd(all, 0))],
  ['last', collection(0, 0, (all) => atEnd(all, -1))],
  [
    'get',
    collection(1, 1, (all, args) => {
      const index = numberAt(args, 0)
      if (index < 0 || index >= all.length) throw new DataError(`a list of ${all.length} items has no item ${index}`)
      return all[index] ?? null
    }),
  ],
])

/** The methods of maps in Groovy. */
export const groovyMap: ReadonlyMap<string, Method> = new Map([
  ...groovyBoth,
  ['get', method<Entries>(1, 1, (self, args) => self.get(valueAt(args, 0)) ?? null)],
  ['containsKey', method<Entries>(1, 1, (self, args) => self.get(valueAt(args, 0)) !== undefined)],
  ['keySet', collection(0, 0, (all) => listOf(all.map((entry) => (entry instanceof EntryView ? entry.key : null))))],
  ['values', collection(0, 0, (all) => listOf(all.map((entry) => (entry instanceof EntryView ? entry.value : null))))],
])

/** The methods of arrays in JavaScript. */
export const javascriptList: ReadonlyMap<string, Method> = new Map([
  ['some', any],
  ['every', every],
  ['find', asks((all, passes) => all.find(passes))],
  ['filter', asks((all, passes) => listOf(all.filter(passes)))],
  ['map', mapped],
  ['includes', collection(1, 1, (all, args, scope) => has(all, valueAt(args, 0), scope))],
  [
    'indexOf',
    collection(1, 1, (all, args, scope) => all.findIndex((item) => scope.dialect.holds(item, valueAt(args, 0), scope))),
  ],
  ['join', collection(0, 1, (all, args, scope) => joined(all, args, scope, ','))],
  ['size', size],
  ['contains', collection(1, 1, (all, args, scope) => has(all, valueAt(args, 0), scope))],
])

/** The methods of maps in JavaScript. */
export const javascriptMap: ReadonlyMap<string, Method> = new Map([
  ['get', method<Entries>(1, 1, (self, args) => self.get(valueAt(args, 0)))],
  ['has', method<Entries>(1, 1, (self, args) => self.get(valueAt(args, 0)) !== undefined)],
])

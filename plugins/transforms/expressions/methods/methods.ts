import { DataError, fieldOf, type SchemaType } from 'penstock/api'

import type { Scope } from '../scope.ts'
import type { Language } from '../syntax/nodes.ts'
import { compareNumbers, Floating, doubleOf, integerOf, isNumber, type JavaNumber } from '../values/numbers.ts'
import { kindName, type Kind } from '../values/kinds.ts'
import {
  fieldValue,
  FieldView,
  listOf,
  SchemaView,
  type StructView,
  TypeView,
  type MatcherView,
  type Value,
} from '../values/values.ts'
import { groovyList, groovyMap, javascriptList, javascriptMap } from './list-methods.ts'
import { method, textAt, valueAt, type Method, type Methods } from './method.ts'
import { groovyText, javascriptText } from './text-methods.ts'

/** Returns the value of a field of a structure. @throws DataError if there is no such field */
export function fieldNamed(struct: StructView, name: string, scope: Scope): Value {
  const value = fieldValue(struct, name, scope.dialect.convert)
  if (value === undefined) throw new DataError(`${name} is not a valid field name`)
  return value
}

const typed: readonly (readonly [name: string, type: SchemaType])[] = [
  ['getInt8', 'INT8'],
  ['getInt16', 'INT16'],
  ['getInt32', 'INT32'],
  ['getInt64', 'INT64'],
  ['getFloat32', 'FLOAT32'],
  ['getFloat64', 'FLOAT64'],
  ['getBoolean', 'BOOLEAN'],
  ['getString', 'STRING'],
  ['getStruct', 'STRUCT'],
  ['getArray', 'ARRAY'],
  ['getMap', 'MAP'],
]

function typedGetter(type: SchemaType): Method {
  return method<StructView>(1, 1, (self, args, scope) => {
    const name = textAt(args, 0)
    const found = fieldOf(self.schema, name)?.schema.type
    if (found !== undefined && found !== type)
      throw new DataError(`field '${name}' is not of type ${type}: it is ${found}`)
    return fieldNamed(self, name, scope)
  })
}

const structMethods: ReadonlyMap<string, Method> = new Map([
  ['get', method<StructView>(1, 1, (self, args, scope) => fieldNamed(self, textAt(args, 0), scope))],
  ['schema', method<StructView>(0, 0, (self) => new SchemaView(self.schema))],
  ...typed.map(([name, type]) => [name, typedGetter(type)] as const),
])

const schemaMethods: ReadonlyMap<string, Method> = new Map([
  ['name', method<SchemaView>(0, 0, ({ schema }) => schema.name)],
  ['version', method<SchemaView>(0, 0, ({ schema }) => schema.version)],
  ['doc', method<SchemaView>(0, 0, ({ schema }) => schema.doc)],
  ['type', method<SchemaView>(0, 0, ({ schema }) => new TypeView(schema.type))],
  ['isOptional', method<SchemaView>(0, 0, ({ schema }) => schema.optional)],
  [
    'field',
    method<SchemaView>(1, 1, ({ schema }, args) => {
      const field = fieldOf(schema, textAt(args, 0))
      return field === undefined ? null : new FieldView(field.name, field.index, field.schema)
    }),
  ],
  [
    'fields',
    method<SchemaView>(0, 0, ({ schema }, _, scope) => {
      scope.budget.spend(schema.fields.length)
      return listOf(schema.fields.map((field) => new FieldView(field.name, field.index, field.schema)))
    }),
  ],
])

const fieldMethods: ReadonlyMap<string, Method> = new Map([
  ['name', method<FieldView>(0, 0, ({ name }) => name)],
  ['index', method<FieldView>(0, 0, ({ index }) => index)],
  ['schema', method<FieldView>(0, 0, ({ schema }) => new SchemaView(schema))],
])

const typeMethods: ReadonlyMap<string, Method> = new Map([
  ['name', method<TypeView>(0, 0, ({ name }) => name)],
  ['getName', method<TypeView>(0, 0, ({ name }) => name.toLowerCase())],
])

const groovyNumber: ReadonlyMap<string, Method> = new Map([
  ['intValue', method<JavaNumber>(0, 0, (self) => integerOf(self, 32))],
  ['longValue', method<JavaNumber>(0, 0, (self) => integerOf(self, 64))],
  ['doubleValue', method<JavaNumber>(0, 0, (self) => new Floating(doubleOf(self), 64))],
  ['toInteger', method<JavaNumber>(0, 0, (self) => integerOf(self, 32))],
  ['toLong', method<JavaNumber>(0, 0, (self) => integerOf(self, 64))],
  ['toDouble', method<JavaNumber>(0, 0, (self) => new Floating(doubleOf(self), 64))],
  [
    'intdiv',
    method<JavaNumber>(1, 1, (self, args) => {
      const by = valueAt(args, 0)
      const isWhole = (value: Value): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'
      if (!isWhole(self) || !isWhole(by)) throw new DataError(`intdiv needs integers, found ${kindName(by)}`)
      if (Number(by) === 0) throw new DataError('division by zero')
      const quotient = BigInt(self) / BigInt(by)
      const isInt = typeof self === 'number' && typeof by === 'number'
      return isInt ? Number(BigInt.asIntN(32, quotient)) : BigInt.asIntN(64, quotient)
    }),
  ],
  [
    'compareTo',
    method<JavaNumber>(1, 1, (self, args) => {
      const other = valueAt(args, 0)
      if (!isNumber(other)) throw new DataError(`cannot compare a number with ${kindName(other)}`)
      return compareNumbers(self, other)
    }),
  ],
])

const ofAll: readonly (readonly [string, Method])[] = [
  ['toString', method(0, 0, (self, _, scope) => scope.dialect.text(self, scope))],
]

const ofAllGroovy: readonly (readonly [string, Method])[] = [
  ...ofAll,
  ['equals', method(1, 1, (self, args, scope) => scope.dialect.holds(self, valueAt(args, 0), scope))],
]

const groovyMatcher: ReadonlyMap<string, Method> = new Map([
  ['find', method<MatcherView>(0, 0, ({ regex, text }, _, { budget }) => text !== null && regex.finds(text, budget))],
  [
    'matches',
    method<MatcherView>(0, 0, ({ regex, text }, _, { budget }) => text !== null && regex.matches(text, budget)),
  ],
])

const javascriptMatcher: ReadonlyMap<string, Method> = new Map([
  [
    'test',
    method<MatcherView>(1, 1, ({ regex }, args, scope) =>
      regex.finds(scope.dialect.text(valueAt(args, 0), scope), scope.budget),
    ),
  ],
])

const none: ReadonlyMap<string, Method> = new Map()

function methods(
  own: Readonly<Record<'text' | 'list' | 'map' | 'number' | 'matcher', ReadonlyMap<string, Method>>>,
  all: readonly (readonly [string, Method])[],
): Methods {
  const byKind: readonly (readonly [Kind, ReadonlyMap<string, Method>])[] = [
    ['text', own.text],
    ['list', own.list],
    ['map', own.map],
    ['number', own.number],
    ['matcher', own.matcher],
    ['struct', structMethods],
    ['schema', schemaMethods],
    ['field', fieldMethods],
    ['type', typeMethods],
    ['boolean', none],
    ['entry', none],
    ['null', none],
  ]
  return new Map(byKind.map(([kind, table]) => [kind, new Map([...all, ...table])]))
}

/** All methods that expressions may call. */
export const methodsOf: Readonly<Record<Language, Methods>> = {
  groovy: methods(
    { text: groovyText, list: groovyList, map: groovyMap, number: groovyNumber, matcher: groovyMatcher },
    ofAllGroovy,
  ),
  javascript: methods(
    { text: javascriptText, list: javascriptList, map: javascriptMap, number: none, matcher: javascriptMatcher },
    ofAll,
  ),
}

/** Returns the methods of a name, by the kind of value that has them. */
export function methodsNamed(name: string, language: Language): ReadonlyMap<Kind, Method> {
  const found = new Map<Kind, Method>()
  for (const [kind, table] of methodsOf[language]) {
    const one = table.get(name)
    if (one !== undefined) found.set(kind, one)
  }
  // In JavaScript, null has no members at all.
  if (language === 'javascript') found.delete('null')
  return found
}

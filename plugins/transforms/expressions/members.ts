import { DataError } from 'penstock/api'

import { fieldNamed } from './methods/methods.ts'
import type { Scope } from './scope.ts'
import { isNumber, doubleOf } from './values/numbers.ts'
import { kindName } from './values/kinds.ts'
import {
  Entries,
  EntryView,
  HeaderView,
  ListView,
  SchemaView,
  StructView,
  TypeView,
  fieldValue,
  type Value,
} from './values/values.ts'

/** Returns `object.name` of a value that is no structure with such a field. @throws DataError */
export function memberOf(object: Value, name: string, scope: Scope): Value {
  const isGroovy = scope.dialect.language === 'groovy'
  if (object === null || object === undefined)
    throw new DataError(
      isGroovy ? `Cannot get property '${name}' on null object` : `cannot read "${name}" of ${object}`,
    )
  if (object instanceof StructView)
    return isGroovy ? fieldNamed(object, name, scope) : fieldValue(object, name, scope.dialect.convert)
  if (object instanceof Entries) {
    const found = object.get(name)
    return isGroovy ? (found ?? null) : found
  }
  const found = ownMember(object, name)
  if (found !== undefined) return found
  if (!isGroovy) {
    if (name === 'length' && (typeof object === 'string' || object instanceof ListView))
      return typeof object === 'string' ? object.length : object.size
    return undefined
  }
  throw new DataError(`No such property: ${name} of ${kindName(object)}`)
}

/** The members of headers, schemas and entries; undefined for others. */
function ownMember(object: Value, name: string): Value {
  if (object instanceof HeaderView) {
    if (name === 'value') return object.value
    return name === 'schema' ? schemaOrNull(object) : undefined
  }
  if (object instanceof EntryView) {
    if (name === 'key') return object.key
    return name === 'value' ? object.value : undefined
  }
  if (!(object instanceof SchemaView)) return undefined
  const { schema } = object
  const members = new Map<string, Value>([
    ['name', schema.name],
    ['version', schema.version],
    ['doc', schema.doc],
    ['type', new TypeView(schema.type)],
    ['optional', schema.optional],
  ])
  return members.get(name)
}

const schemaOrNull = ({ schema }: HeaderView): Value => (schema === null ? null : new SchemaView(schema))

/** Returns `object[index]`. @throws DataError */
export function indexed(object: Value, index: Value, scope: Scope): Value {
  if (typeof object === 'string' || object instanceof ListView) {
    if (isNumber(index)) return itemAt(object, doubleOf(index), scope)
    if (scope.dialect.language === 'groovy')
      throw new DataError(`${kindName(object)} has items by number, found ${kindName(index)}`)
  }
  if (object instanceof Entries) {
    const found = object.get(index)
    return scope.dialect.language === 'groovy' ? (found ?? null) : found
  }
  if (object === null || object === undefined) throw new DataError(`${kindName(object)} has no items`)
  return memberOf(object, scope.dialect.text(index, scope), scope)
}

/** In Groovy, negative numbers count from the end, a list has nulls after its end, and a text has an end. */
function itemAt(object: string | ListView, index: number, { dialect }: Scope): Value {
  const isGroovy = dialect.language === 'groovy'
  const size = typeof object === 'string' ? object.length : object.size
  const at = isGroovy && index < 0 ? size + index : index
  const exists = Number.isInteger(at) && at >= 0 && at < size
  if (exists) return typeof object === 'string' ? object.charAt(at) : object.at(at)
  if (!isGroovy) return undefined
  if (typeof object === 'string' || index < 0) throw new DataError(`there is no item ${index} of ${size}`)
  return null
}

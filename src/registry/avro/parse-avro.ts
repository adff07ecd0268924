import { parseJavaFloating } from '../../api/java/java-floating.ts'
import { javaDoubleText } from '../../api/java/java-number.ts'
import { isArray, isObject, JsonNumber, jsonText, textOf, type JsonNode, type JsonObject } from '../json/json-node.ts'
import { parseJson } from '../json/parse-json.ts'
import {
  fullName,
  primitiveTypes,
  type AvroEnum,
  type AvroField,
  type AvroFixed,
  type AvroNamed,
  type AvroProperties,
  type AvroRecord,
  type AvroSchema,
  type PrimitiveType,
} from './avro-schema.ts'

/** The text is not an Avro schema. */
export class AvroParseError extends Error {
  override readonly name = 'AvroParseError'
}

const reserved: ReadonlySet<string> = new Set([
  'doc',
  'fields',
  'items',
  'name',
  'namespace',
  'size',
  'symbols',
  'values',
  'type',
  'aliases',
])
const reservedOfEnum: ReadonlySet<string> = new Set([...reserved, 'default'])
const reservedOfField: ReadonlySet<string> = new Set(['default', 'doc', 'name', 'order', 'type', 'aliases'])
const nameForm = /^[A-Za-z_]\w*$/
const orders = ['ascending', 'descending', 'ignore'] as const
const shownLength = 200

/** The named types that a schema may use: those of its references, and its own from their definition on. */
export type KnownTypes = Map<string, AvroNamed>

/**
 * Parses an Avro schema, with the rules of Java's parser: names are checked, defaults are not.
 * @param known named types of references; those of the schema are added
 * @throws AvroParseError, JsonError
 */
export function parseAvro(text: string, known: KnownTypes = new Map()): AvroSchema {
  return new AvroParser(known).schema(parseJson(text), null)
}

class AvroParser {
  readonly #known: KnownTypes

  constructor(known: KnownTypes) {
    this.#known = known
  }

  schema(node: JsonNode, namespace: string | null): AvroSchema {
    if (typeof node === 'string') return this.#named(node, namespace)
    if (isArray(node)) return this.#union(node, namespace)
    if (!isObject(node)) throw new AvroParseError(`this is not a schema: ${shown(node)}`)
    const type = textOf(node, 'type')
    if (type === null) throw new AvroParseError(`no type, or one that is not text: ${shown(node)}`)
    if (isPrimitive(type)) return { type, properties: propertiesOf(node, reserved) }
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(node, type, namespace)
      case 'enum':
        return this.#enum(node, namespace)
      case 'fixed':
        return this.#fixed(node, namespace)
      case 'array':
        return { type, items: this.#part(node, 'items', namespace), properties: propertiesOf(node, reserved) }
      case 'map':
        return { type, values: this.#part(node, 'values', namespace), properties: propertiesOf(node, reserved) }
      default:
        return this.#named(type, namespace)
    }
  }

  /** A primitive type, or a named one that was defined before: of the same namespace unless the name has another. */
  #named(name: string, namespace: string | null): AvroSchema {
    if (isPrimitive(name)) return { type: name, properties: new Map() }
    const qualified = name.includes('.') || namespace === null ? name : `${namespace}.${name}`
    const found = this.#known.get(qualified) ?? this.#known.get(name)
    if (found === undefined) throw new AvroParseError(`the type "${qualified}" is not defined`)
    return found
  }

  #part(node: JsonObject, key: string, namespace: string | null): AvroSchema {
    const part = node.get(key)
    if (part === undefined) throw new AvroParseError(`"${key}" is missing: ${shown(node)}`)
    return this.schema(part, namespace)
  }

  #union(nodes: readonly JsonNode[], namespace: string | null): AvroSchema {
    const branches = nodes.map((node) => this.schema(node, namespace))
    const names = new Set<string>()
    for (const branch of branches) {
      if (branch.type === 'union') throw new AvroParseError('a union contains another union')
      const name = fullName(branch)
      if (names.has(name)) throw new AvroParseError(`a union contains ${name} twice`)
      names.add(name)
    }
    return { type: 'union', branches }
  }

  #record(node: JsonObject, type: 'record' | 'error', outer: string | null): AvroRecord {
    const record: AvroRecord = { type, ...named(node, outer, reserved), fields: [] }
    this.#define(record)
    const fields = node.get('fields')
    if (!isArray(fields)) throw new AvroParseError(`the record ${fullName(record)} has no fields`)
    record.fields = fields.map((field) => this.#field(field, record))
    const names = new Set<string>()
    for (const { name } of record.fields) {
      if (names.has(name)) throw new AvroParseError(`the record ${fullName(record)} has the field "${name}" twice`)
      names.add(name)
    }
    return record
  }

  #field(node: JsonNode, record: AvroRecord): AvroField {
    if (!isObject(node)) throw new AvroParseError(`a field of ${fullName(record)} is not an object: ${shown(node)}`)
    const given = textOf(node, 'name')
    if (given === null) throw new AvroParseError(`a field of ${fullName(record)} has no name: ${shown(node)}`)
    const name = checkedName(given)
    const typeNode = node.get('type')
    if (typeNode === undefined) throw new AvroParseError(`the field "${name}" of ${fullName(record)} has no type`)
    const type = this.schema(typeNode, record.namespace)
    return {
      name,
      type,
      doc: textOf(node, 'doc'),
      defaultValue: defaultOf(node, type),
      order: orderOf(node, name),
      aliases: aliasesOf(node),
      properties: propertiesOf(node, reservedOfField),
    }
  }

  #enum(node: JsonObject, outer: string | null): AvroEnum {
    const name = named(node, outer, reservedOfEnum)
    const listed = node.get('symbols')
    if (!isArray(listed)) throw new AvroParseError(`the enum ${name.name} has no symbols`)
    const symbols = listed.map((symbol) => {
      if (typeof symbol !== 'string' || !nameForm.test(symbol))
        throw new AvroParseError(`the enum ${name.name} has a symbol that is not a name: ${shown(symbol)}`)
      return symbol
    })
    if (new Set(symbols).size < symbols.length) throw new AvroParseError(`the enum ${name.name} has a symbol twice`)
    const defaultSymbol = textOf(node, 'default')
    if (defaultSymbol !== null && !symbols.includes(defaultSymbol))
      throw new AvroParseError(`the default "${defaultSymbol}" of the enum ${name.name} is not one of its symbols`)
    const result: AvroEnum = { type: 'enum', ...name, symbols, defaultSymbol }
    this.#define(result)
    return result
  }

  #fixed(node: JsonObject, outer: string | null): AvroFixed {
    const name = named(node, outer, reserved)
    const size = node.get('size')
    if (!(size instanceof JsonNumber) || !/^\d{1,10}$/.test(size.text) || Number(size.text) > 0x7fff_ffff)
      throw new AvroParseError(`the fixed type ${name.name} has no size, or an invalid one`)
    const result: AvroFixed = { type: 'fixed', ...name, size: Number(size.text) }
    this.#define(result)
    return result
  }

  #define(type: AvroNamed): void {
    const name = fullName(type)
    if (isPrimitive(name)) throw new AvroParseError(`the type "${name}" has the name of a primitive type`)
    if (this.#known.has(name)) throw new AvroParseError(`the type "${name}" is defined twice`)
    this.#known.set(name, type)
  }
}

function isPrimitive(name: string): name is PrimitiveType {
  return primitiveTypes.some((type) => type === name)
}

function named(node: JsonObject, outer: string | null, skipped: ReadonlySet<string>): Omit<AvroFixed, 'type' | 'size'> {
  const given = textOf(node, 'name')
  if (given === null) throw new AvroParseError(`no name: ${shown(node)}`)
  const dot = given.lastIndexOf('.')
  const space = dot < 0 ? (textOf(node, 'namespace') ?? outer) : given.slice(0, dot)
  const name = checkedName(given.slice(dot + 1))
  const namespace = space === '' ? null : space
  const aliases = aliasesOf(node).map((alias) =>
    alias.includes('.') || namespace === null ? alias : `${namespace}.${alias}`,
  )
  const distinct = [...new Set(aliases)]
  return { name, namespace, doc: textOf(node, 'doc'), aliases: distinct, properties: propertiesOf(node, skipped) }
}

function checkedName(name: string): string {
  if (!nameForm.test(name)) throw new AvroParseError(`"${name}" is not a name: letters, digits and _ are allowed`)
  return name
}

function orderOf(node: JsonObject, field: string): AvroField['order'] {
  if (!node.has('order')) return 'ascending'
  const text = textOf(node, 'order')
  const order = orders.find((known) => known === text?.toLowerCase())
  if (order === undefined)
    throw new AvroParseError(`the order of the field "${field}" is not one of ${orders.join(', ')}`)
  return order
}

/** Numbers of float and double fields may be written as text, in Java's forms: `NaN`, `-Infinity` and `1.5` are some. */
function defaultOf(node: JsonObject, { type }: AvroSchema): JsonNode | undefined {
  const value = node.get('default')
  if ((type !== 'float' && type !== 'double') || typeof value !== 'string') return value
  const number = parseJavaFloating(value, false)
  if (number === null) throw new AvroParseError(`the default of a ${type} is not a number: ${shown(value)}`)
  return new JsonNumber(javaDoubleText(number))
}

function aliasesOf(node: JsonObject): readonly string[] {
  const aliases = node.get('aliases')
  if (aliases === undefined) return []
  if (!isArray(aliases)) throw new AvroParseError(`the aliases are not an array: ${shown(node)}`)
  const names = aliases.map((alias) => {
    if (typeof alias !== 'string') throw new AvroParseError(`an alias is not text: ${shown(alias)}`)
    return alias
  })
  return [...new Set(names)]
}

function propertiesOf(node: JsonObject, skipped: ReadonlySet<string>): AvroProperties {
  return new Map([...node].filter(([key]) => !skipped.has(key)))
}

function shown(node: JsonNode): string {
  const text = jsonText(node)
  return text.length <= shownLength ? text : `${text.slice(0, shownLength)}…`
}

import { arrayOf, DataError, fieldOf, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'

import { remembered } from '../../record/struct-shape.ts'
import { JsonDouble, parseDocument, type JsonMembers, type JsonNode } from './json-document.ts'

/** A document as Connect data. */
export interface Expanded {
  readonly schema: Schema
  readonly value: ConnectValue
}

const optional = { optional: true }
const scalars = {
  string: primitive('STRING', optional),
  boolean: primitive('BOOLEAN', optional),
  int32: primitive('INT32', optional),
  int64: primitive('INT64', optional),
  float64: primitive('FLOAT64', optional),
  bytes: primitive('BYTES', optional),
}
const maxSchemas = 10_000

/**
 * Infers schemas from JSON documents as Debezium does: a STRUCT of optional fields for an object, named by its path; an ARRAY of the
 * type of its items. Documents of one structure have one schema object.
 */
export class JsonPayloads {
  /** Whether members that are null are kept, as BYTES. */
  readonly #keepsNull: boolean
  readonly #schemas = new Map<string, Schema>()

  constructor(keepsNull: boolean) {
    this.#keepsNull = keepsNull
  }

  /**
   * Returns a JSON object as a STRUCT of this name.
   * @throws SyntaxError if the text is not JSON. @throws DataError if its values have no common types.
   */
  expand(name: string | null, text: string): Expanded {
    const document = parseDocument(text)
    if (!isMembers(document)) throw new DataError('an array has no fields')
    const inferred = this.#struct(name, document)
    const schema = remembered(this.#schemas, `${name}${signature(inferred)}`, maxSchemas, () => inferred)
    return { schema, value: structFrom(document, schema) }
  }

  /** Returns null for a member that is left out. */
  #schemaOf(name: string | null, node: JsonNode): Schema | null {
    if (node === null) return this.#keepsNull ? scalars.bytes : null
    if (isMembers(node)) return this.#struct(name, node)
    if (isItems(node)) return node.length === 0 ? null : arrayOf(this.#itemSchema(name, node), optional)
    return scalarSchema(node)
  }

  #struct(name: string | null, members: JsonMembers): Schema {
    const fields: (readonly [string, Schema])[] = []
    for (const [field, node] of members) {
      const schema = this.#schemaOf(name === null || name.trim() === '' ? field : `${name}.${field}`, node)
      if (schema === null) continue
      if (field === '') throw new DataError('a field without a name')
      fields.push([field, schema])
    }
    return struct(fields, name === null ? optional : { ...optional, name })
  }

  #itemSchema(name: string | null, items: readonly JsonNode[]): Schema {
    const sample = items.find((item) => item !== null) ?? null
    for (const item of items) requireAlike(sample, item)
    if (isMembers(sample)) return this.#commonStruct(name, items)
    const schema = this.#schemaOf(null, sample)
    if (schema === null) throw new DataError('an array whose items have no type')
    return schema
  }

  /** Objects of several structures are required, unless one of them is null. */
  #commonStruct(name: string | null, items: readonly JsonNode[]): Schema {
    const schemas = new Map<string, Schema>()
    for (const item of items) {
      if (!isMembers(item)) continue
      const schema = this.#struct(name, item)
      schemas.set(signature(schema), schema)
    }
    const schema = [...schemas.values()].reduce(merged)
    return schemas.size === 1 || items.includes(null) ? schema : { ...schema, optional: false }
  }
}

function isMembers(node: JsonNode): node is JsonMembers {
  return node instanceof Map
}

function isItems(node: JsonNode): node is readonly JsonNode[] {
  return Array.isArray(node)
}

function scalarSchema(node: boolean | string | number | bigint | JsonDouble): Schema {
  if (typeof node === 'string') return scalars.string
  if (typeof node === 'boolean') return scalars.boolean
  if (typeof node === 'number') return node === (node | 0) ? scalars.int32 : scalars.int64
  return typeof node === 'bigint' && BigInt.asIntN(64, node) === node ? scalars.int64 : scalars.float64
}

/** @throws DataError if an item that is not null has another kind than the first such item. */
function requireAlike(sample: JsonNode, item: JsonNode): void {
  if (item === null || sample === null || kindOf(sample) === kindOf(item)) return
  throw new DataError(`an array of ${kindOf(sample)} and ${kindOf(item)}`)
}

function kindOf(node: JsonNode): string {
  if (isMembers(node)) return 'objects'
  if (isItems(node)) return 'arrays'
  return node === null ? 'null' : scalarSchema(node).type
}

/** Fields that occur in both keep the first type, unless that was only null. Objects get the members of all. */
function merged(left: Schema, right: Schema): Schema {
  const fields = new Map(left.fields.map((field) => [field.name, field.schema]))
  for (const { name, schema } of right.fields) {
    const known = fields.get(name)
    if (known === undefined || known.type === 'BYTES') fields.set(name, schema)
    else if (known.type === 'STRUCT' && schema.type === 'STRUCT') fields.set(name, merged(known, schema))
  }
  return struct([...fields], left.name === null ? optional : { ...optional, name: left.name })
}

/** Members of a document with equal signatures have equal schemas. */
function signature(schema: Schema): string {
  if (schema.type === 'ARRAY' && schema.valueSchema !== null) return `[${signature(schema.valueSchema)}]`
  if (schema.type !== 'STRUCT') return schema.type
  const mark = schema.optional ? '' : '!'
  return `${mark}{${schema.fields.map((field) => `${JSON.stringify(field.name)}:${signature(field.schema)}`).join(',')}}`
}

/** @throws DataError if the schema, which is that of other items, has no place for a member. */
function structFrom(members: JsonMembers, schema: Schema): ConnectValue {
  for (const [name, node] of members) {
    const isEmpty = node === null || (isItems(node) && node.length === 0)
    if (!isEmpty && fieldOf(schema, name) === undefined) throw new DataError(`an item with another member, "${name}"`)
  }
  return schema.fields.map((field) => valueFrom(members.get(field.name) ?? null, field.schema))
}

/** @throws DataError if a value does not have the type of the schema, which others have. */
function valueFrom(node: JsonNode, schema: Schema): ConnectValue {
  if (node === null) return null
  if (isMembers(node)) {
    if (schema.type === 'STRUCT') return structFrom(node, schema)
  } else if (isItems(node)) {
    const { valueSchema } = schema
    if (schema.type === 'ARRAY' && valueSchema !== null) return node.map((item) => valueFrom(item, valueSchema))
  } else if (scalarSchema(node).type === schema.type) {
    if (node instanceof JsonDouble) return node.value
    if (typeof node !== 'bigint' || schema.type === 'INT64') return node
  }
  throw new DataError(`${kindOf(node)} instead of ${schema.type}`)
}

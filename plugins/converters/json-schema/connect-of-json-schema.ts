import {
  arrayOf,
  checkParts,
  DataError,
  isJsonObject,
  jsonReader,
  mapOf,
  plainJson,
  primitive,
  type ConnectValue,
  type ExactNumber,
  type Field,
  type JsonObject,
  type JsonValue,
  type Schema,
} from 'penstock/api'

import type { JsonSchemaOptions } from './json-schema-options.ts'
import { isUnionSchema, Names } from './names.ts'
import type { SchemaDocuments, SchemaNode } from './schema-documents.ts'
import { childOf, pieceOf, propertiesOf, requiredOf, type Piece, type Shape } from './schema-shape.ts'

/** What surrounds a schema. */
interface Place {
  readonly optional: boolean
  /** The version of the schema in the registry. */
  readonly version: number | null
  /** For messages. */
  readonly path: string
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A struct that is not complete. Where it contains itself, it is completed later. */
interface OpenStruct {
  readonly fields: Field[]
  readonly inner: Mutable<Schema>[]
  id: string | null
}

const numberTypes: ReadonlyMap<
  JsonValue | undefined,
  'INT8' | 'INT16' | 'INT32' | 'INT64' | 'FLOAT32' | 'FLOAT64' | 'BYTES'
> = new Map([
  ['int8', 'INT8'],
  ['int16', 'INT16'],
  ['int32', 'INT32'],
  ['int64', 'INT64'],
  ['float32', 'FLOAT32'],
  ['float64', 'FLOAT64'],
  ['bytes', 'BYTES'],
])
/** References that lead only to each other end after so many. */
const maxReferences = 500

/**
 * Returns the Connect schema of a JSON Schema: the one that Confluent's `JsonSchemaData` makes of it. Schemas that contain themselves
 * do so here too. Null: its values have no schema.
 * @param version the version of the schema in its subject; null if it is unknown
 * @throws DataError if Connect cannot express it
 */
export function connectOfJsonSchema(
  documents: SchemaDocuments,
  options: JsonSchemaOptions,
  version: number | null,
): Schema | null {
  const piece = pieceOf(documents.root)
  if (piece.shape.kind === 'anything') return null
  return new ConnectBuilder(documents, options).schema(piece, { optional: false, version, path: '' })
}

class ConnectBuilder {
  readonly #documents: SchemaDocuments
  readonly #options: JsonSchemaOptions
  readonly #open = new Map<JsonObject, OpenStruct>()
  /** Complete structs, so that each is converted once. */
  readonly #structs = new Map<JsonObject, Schema>()
  #unions = 0
  #ids = 0
  #references = 0
  #parts = 0

  constructor(documents: SchemaDocuments, options: JsonSchemaOptions) {
    this.#documents = documents
    this.#options = options
  }

  schema(piece: Piece, place: Place): Schema {
    this.#parts += 1
    checkParts(this.#parts)
    const { shape } = piece
    switch (shape.kind) {
      case 'reference':
        return this.#referred(piece.node, shape.to, place)
      case 'combined':
        return shape.criterion === 'all'
          ? this.#all(piece, shape.branches, place)
          : this.#either(piece, shape.branches, place)
      case 'enum':
        return this.#described(piece, this.#enum(shape.values), place)
      case 'typed':
        return this.#typed(piece, shape.type, place)
      default:
        throw inexpressible(shape.kind === 'anything' ? 'allows values of all types' : 'allows no values', place)
    }
  }

  #referred(node: SchemaNode, to: string, place: Place): Schema {
    this.#references += 1
    if (this.#references > maxReferences)
      throw new DataError(`the JSON Schema refers to itself: "${to}"`, { code: 'JSON_SCHEMA_INVALID' })
    const schema = this.schema(pieceOf(this.#documents.resolve(node, to)), place)
    this.#references -= 1
    return schema
  }

  #typed(piece: Piece, type: (Shape & { kind: 'typed' })['type'], place: Place): Schema {
    const connectType = piece.attributes[Names.type]
    switch (type) {
      case 'boolean':
        return this.#described(piece, primitive('BOOLEAN'), place)
      case 'string':
        return this.#described(piece, primitive(connectType === 'bytes' ? 'BYTES' : 'STRING'), place)
      case 'integer':
      case 'number': {
        const byDefault = type === 'integer' ? 'INT64' : 'FLOAT64'
        const number = connectType === undefined ? byDefault : numberTypes.get(connectType)
        if (number === undefined) throw inexpressible(`is of an unknown ${Names.type}`, place)
        return this.#described(piece, primitive(number), place)
      }
      case 'array':
        return this.#described(piece, this.#array(piece.node, connectType, place), place)
      case 'object':
        if (connectType !== 'map') return this.#struct(piece, place)
        return this.#described(piece, this.#map(piece.node, place), place)
      default:
        throw inexpressible('allows only null', place)
    }
  }

  #array({ json, document }: SchemaNode, connectType: JsonValue | undefined, { path }: Place): Schema {
    const listed = typeof json === 'boolean' ? undefined : json['items']
    const inner: Place = { optional: false, version: null, path: `${path}[]` }
    if (listed === undefined || Array.isArray(listed)) throw inexpressible('has no type of its items', inner)
    const items = childOf({ json, document }, listed, 'items')
    const parts = new Map(propertiesOf(items))
    const [key, value] = [parts.get('key'), parts.get('value')]
    if (connectType === 'map' && key !== undefined && value !== undefined)
      return mapOf(this.schema(pieceOf(key), inner), this.schema(pieceOf(value), inner))
    return arrayOf(this.schema(pieceOf(items), inner))
  }

  #map(node: SchemaNode, { path }: Place): Schema {
    const values = typeof node.json === 'boolean' ? undefined : node.json['additionalProperties']
    const inner: Place = { optional: false, version: null, path: `${path}{}` }
    if (values === undefined) throw inexpressible('has no type of its values', inner)
    return mapOf(primitive('STRING'), this.schema(pieceOf(childOf(node, values, 'additionalProperties')), inner))
  }

  #enum(values: readonly JsonValue[]): Schema {
    const { generalized } = this.#options
    const name = generalized ? Names.generalizedEnum : Names.enum
    const parameters = values.map((value, index) => {
      const symbol = value === null ? Names.nullSymbol : textOf(value)
      return [`${name}.${symbol}`, generalized ? String(index) : symbol] as const
    })
    // An enum of JSON has no name.
    return primitive('STRING', { parameters: Object.fromEntries([[name, ''], ...parameters]) })
  }

  /** One of several schemas: that of a value which may be null, or a struct with a field for each. */
  #either(piece: Piece, branches: readonly Piece[], place: Place): Schema {
    const { generalized } = this.#options
    const name = generalized ? `${Names.generalizedUnionPrefix}${this.#unions}` : Names.oneOf
    this.#unions += 1
    const others = branches.filter((branch) => !isNull(branch))
    const [other] = others
    if (branches.length === 2 && others.length === 1 && other !== undefined)
      return this.schema(other, { ...place, optional: true })
    const fields = others.map((branch, index): Field => {
      const field = generalized ? `${Names.generalizedUnionField}${index}` : `${name}.field.${index}`
      return { name: field, index, schema: this.schema(branch, { optional: true, version: null, path: place.path }) }
    })
    const bare: Schema = {
      ...primitive('STRING', { name, ...(generalized ? { parameters: { [Names.generalizedUnion]: name } } : {}) }),
      type: 'STRUCT',
      fields,
    }
    return this.#described(piece, bare, { ...place, optional: place.optional || others.length < branches.length })
  }

  /** All of several schemas: an object with the properties of all, or the one that says most of the type. */
  #all(piece: Piece, branches: readonly Piece[], place: Place): Schema {
    const properties = new Map<string, Property>()
    for (const branch of branches) this.#collect(branch, properties, new Set())
    const { json } = piece.node
    if (properties.size > 0 && typeof json !== 'boolean')
      return this.#structOf(json, [...properties], { piece: null, place })
    const ofType = (...types: readonly string[]): Piece | undefined =>
      branches.find(({ shape }) => shape.kind === 'typed' && types.includes(shape.type))
    const combined = branches.find(({ shape }) => shape.kind === 'combined')
    const values = branches.find(({ shape }) => shape.kind === 'enum')
    const [text, number] = [ofType('string'), ofType('integer', 'number')]
    const isConst = values?.shape.kind === 'enum' && values.shape.isConst
    const best =
      combined ??
      (values === undefined ? undefined : isConst ? (text ?? number) : text === undefined ? number : values) ??
      number ??
      text ??
      branches.find(({ shape }) => shape.kind === 'reference') ??
      branches.find(({ shape }) => shape.kind === 'typed') ??
      values
    if (best === undefined) throw inexpressible('combines schemas of no type', place)
    return this.schema(best, place)
  }

  /** Collects the properties of an object, and of all schemas that it has to match. */
  #collect({ node, shape }: Piece, properties: Map<string, Property>, seen: Set<SchemaNode['json']>): void {
    if (shape.kind === 'reference') {
      const target = this.#documents.resolve(node, shape.to)
      if (seen.has(target.json)) return
      seen.add(target.json)
      this.#collect(pieceOf(target), properties, seen)
    } else if (shape.kind === 'combined' && shape.criterion === 'all')
      for (const branch of shape.branches) this.#collect(branch, properties, seen)
    else if (shape.kind === 'typed' && shape.type === 'object') {
      const required = requiredOf(node)
      for (const [name, schema] of propertiesOf(node)) properties.set(name, { schema, required: required.has(name) })
    }
  }

  #struct(piece: Piece, place: Place): Schema {
    const { node } = piece
    const required = requiredOf(node)
    const properties = propertiesOf(node).map(
      ([name, schema]) => [name, { schema, required: required.has(name) }] as const,
    )
    return this.#structOf(node.json as JsonObject, inOrder(properties), { piece, place })
  }

  #structOf(
    json: JsonObject,
    properties: readonly (readonly [string, Property])[],
    { piece, place }: { readonly piece: Piece | null; readonly place: Place },
  ): Schema {
    const { optional } = place
    const known = this.#structs.get(json)
    if (known !== undefined) return { ...known, optional }
    const again = this.#open.get(json)
    if (again !== undefined) {
      this.#ids += again.id === null ? 1 : 0
      again.id ??= `#id${this.#ids}`
      const inner: Mutable<Schema> = { ...primitive('STRING', { optional }), fields: again.fields }
      again.inner.push(inner)
      return inner
    }
    const open: OpenStruct = { fields: [], inner: [], id: null }
    this.#open.set(json, open)
    for (const [index, [name, property]] of properties.entries()) {
      const isOptional = this.#options.optionalForNonRequired && !property.required
      const path = place.path === '' ? name : `${place.path}.${name}`
      const schema = this.schema(pieceOf(property.schema), { optional: isOptional, version: null, path })
      open.fields.push({ name, index, schema })
    }
    this.#open.delete(json)
    const parameters = open.id === null ? {} : { parameters: { [Names.id]: open.id } }
    const bare: Schema = { ...primitive('STRING', parameters), type: 'STRUCT', fields: open.fields }
    const schema = piece === null ? { ...bare, optional } : this.#described(piece, bare, place)
    for (const inner of open.inner) Object.assign(inner, { ...schema, optional: inner.optional })
    this.#structs.set(json, { ...schema, optional: false })
    return schema
  }

  /** Adds what the JSON Schema says of a schema besides its type. */
  #described({ attributes }: Piece, bare: Schema, { optional, version, path }: Place): Schema {
    const { title, description, default: value } = attributes
    const own = attributes[Names.version]
    const schema: Schema = {
      ...bare,
      optional,
      name: bare.name ?? (typeof title === 'string' ? title : null),
      version: typeof own === 'number' && Number.isInteger(own) ? own : version,
      doc: typeof description === 'string' ? description : null,
      parameters: withParameters(bare, attributes[Names.parameters]),
    }
    if (value === undefined || value === null) return schema
    try {
      const form = { replaceNullWithDefault: true, entries: 'objects', isUnion: isUnionSchema } as const
      return { ...schema, defaultValue: jsonReader({ ...schema, optional: false }, form)(value) }
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      throw inexpressible(`has a default that is not of its type (${error.message})`, { path })
    }
  }
}

interface Property {
  readonly schema: SchemaNode
  readonly required: boolean
}

/** The order of the fields of the struct of which the schema was made; else that of the text. */
function inOrder(properties: readonly (readonly [string, Property])[]): readonly (readonly [string, Property])[] {
  const indexed = properties.map((property, position) => {
    const { json } = property[1].schema
    const index = typeof json === 'boolean' ? undefined : json[Names.index]
    return { property, index: typeof index === 'number' ? index : position }
  })
  return indexed.toSorted((one, other) => one.index - other.index).map(({ property }) => property)
}

function isNull({ shape }: Piece): boolean {
  return shape.kind === 'typed' && shape.type === 'null'
}

function textOf(json: JsonValue): string {
  if (typeof json === 'string') return json
  return isExact(json) ? json.text : plainJson(json as ConnectValue)
}

/** Returns whether a number is a fraction that a double cannot represent. */
function isExact(json: JsonValue): json is ExactNumber {
  return typeof json === 'object' && json !== null && !Array.isArray(json) && !isJsonObject(json)
}

function withParameters({ parameters }: Schema, json: JsonValue | undefined): Schema['parameters'] {
  if (!isJsonObject(json)) return parameters
  const added = Object.entries(json).map(([key, value]) => [key, textOf(value)] as const)
  return Object.fromEntries([...Object.entries(parameters ?? {}), ...added])
}

function inexpressible(what: string, { path }: { readonly path: string }): DataError {
  const where = path === '' ? '' : ` of "${path}"`
  return new DataError(`the JSON Schema${where} ${what}, which Connect cannot express`, {
    code: 'JSON_SCHEMA_INEXPRESSIBLE',
  })
}

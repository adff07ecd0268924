import {
  ByteSink,
  jsonWriter,
  keySchemaOf,
  Logical,
  plainJson,
  valueSchemaOf,
  type ConnectValue,
  type Field,
  type JsonWriteOptions,
  type Schema,
} from 'penstock/api'

import type { JsonSchemaOptions } from './json-schema-options.ts'
import { enumParameter, isUnionSchema, Names } from './names.ts'

const jsonTypes = {
  INT8: ['integer', 'int8'],
  INT16: ['integer', 'int16'],
  INT32: ['integer', 'int32'],
  INT64: ['integer', 'int64'],
  FLOAT32: ['number', 'float32'],
  FLOAT64: ['number', 'float64'],
  BOOLEAN: ['boolean', null],
  STRING: ['string', null],
} as const

/** How data is written; also defaults in schemas. */
export function dataForm(options: JsonSchemaOptions): JsonWriteOptions {
  const { decimalFormat, ignoreDefaultForNullables } = options
  return {
    decimalFormat,
    replaceNullWithDefault: !ignoreDefaultForNullables,
    entries: 'objects',
    isUnion: isUnionSchema,
  }
}

/**
 * Returns the JSON Schema of a Connect schema as text: the one that Confluent's `JsonSchemaData` makes of it. A struct that contains
 * itself has an `$id`, to which it refers.
 * @throws DataError if a part of it is missing
 */
export function jsonSchemaOfConnect(schema: Schema, options: JsonSchemaOptions): string {
  return new JsonSchemaBuilder(options).schema(schema, null)
}

class JsonSchemaBuilder {
  readonly #options: JsonSchemaOptions
  readonly #form: JsonWriteOptions
  /** The `$id` of each struct that is not complete; null as long as nothing refers to it. */
  readonly #open = new Map<readonly Field[], { id: string | null }>()
  readonly #ids = new Set<string>()
  readonly #identified = new Map<readonly Field[], string>()

  constructor(options: JsonSchemaOptions) {
    this.#options = options
    this.#form = dataForm(options)
  }

  /** @param index where the schema is among the fields of a struct; null if it is not there */
  schema(schema: Schema, index: number | null): string {
    if (isUnionSchema(schema)) return this.#union(schema, index)
    if (!schema.optional) return objectOf(this.#members(schema, index))
    return oneOf(['{"type":"null"}', objectOf(this.#members(schema, null))], index)
  }

  #union(schema: Schema, index: number | null): string {
    const branches = schema.fields.map((field) =>
      isUnionSchema(field.schema)
        ? this.#union({ ...field.schema, optional: false }, field.index)
        : objectOf(this.#members(field.schema, field.index)),
    )
    return oneOf(schema.optional ? ['{"type":"null"}', ...branches] : branches, index)
  }

  /** The members of the schema of values that are not null. */
  #members(schema: Schema, index: number | null): readonly string[] {
    const place = index === null ? [] : [`"${Names.index}":${index}`]
    const reference = this.#reference(schema)
    if (reference !== null) return [`"$ref":${plainJson(reference)}`, ...place]
    const [type, ...keywords] = this.#keywords(schema)
    const { name, doc, defaultValue } = schema
    const members = type === undefined ? [] : [type]
    if (name !== null) members.push(`"title":${plainJson(name)}`)
    if (doc !== null) members.push(`"description":${plainJson(doc)}`)
    members.push(...keywords)
    if (defaultValue !== undefined && defaultValue !== null)
      members.push(`"default":${this.#text(schema, defaultValue)}`)
    members.push(...attributes(schema))
    return [...members, ...place]
  }

  #keywords(schema: Schema): readonly string[] {
    switch (schema.type) {
      case 'STRUCT':
        return this.#object(schema)
      case 'ARRAY':
        return ['"type":"array"', `"items":${this.schema(valueSchemaOf(schema), null)}`]
      case 'MAP':
        return this.#map(schema)
      case 'BYTES':
        return [`"type":"${schema.name === Logical.decimal ? 'number' : 'string'}"`, `"${Names.type}":"bytes"`]
      case 'STRING': {
        const parameter = enumParameter(schema, this.#options.generalized)
        return parameter === null ? ['"type":"string"'] : [enumOf(schema, parameter)]
      }
      default: {
        const [type, connectType] = jsonTypes[schema.type]
        return connectType === null ? [`"type":"${type}"`] : [`"type":"${type}"`, `"${Names.type}":"${connectType}"`]
      }
    }
  }

  #map(schema: Schema): readonly string[] {
    const [key, value] = [keySchemaOf(schema), valueSchemaOf(schema)]
    const isMap = `"${Names.type}":"map"`
    if (key.type === 'STRING' && !key.optional)
      return ['"type":"object"', `"additionalProperties":${this.schema(value, null)}`, isMap]
    const properties = `"key":${this.schema(key, 0)},"value":${this.schema(value, 1)}`
    return ['"type":"array"', `"items":{"type":"object","properties":{${properties}}}`, isMap]
  }

  #object(schema: Schema): readonly string[] {
    const own: { id: string | null } = { id: null }
    const id = schema.parameters?.[Names.id]
    if (id !== undefined && !this.#ids.has(id)) this.#identify(own, schema, id)
    this.#open.set(schema.fields, own)
    const properties = schema.fields.map(
      (field) => `${plainJson(field.name)}:${this.schema(field.schema, field.index)}`,
    )
    this.#open.delete(schema.fields)
    const members = ['"type":"object"']
    if (own.id !== null) members.push(`"$id":${plainJson(own.id)}`)
    members.push(`"properties":{${properties.join(',')}}`)
    if (!this.#options.additionalProperties) members.push('"additionalProperties":false')
    return members
  }

  /** The `$id` of a struct that is written already, to refer to it; null to write it. */
  #reference(schema: Schema): string | null {
    if (schema.type !== 'STRUCT') return null
    const open = this.#open.get(schema.fields)
    if (open !== undefined && open.id === null) this.#identify(open, schema, this.#unusedId())
    return open?.id ?? this.#identified.get(schema.fields) ?? null
  }

  #identify(own: { id: string | null }, { fields }: Schema, id: string): void {
    own.id = id
    this.#ids.add(id)
    this.#identified.set(fields, id)
  }

  #unusedId(): string {
    for (let number = 1; ; number += 1) if (!this.#ids.has(`#id${number}`)) return `#id${number}`
  }

  #text(schema: Schema, value: ConnectValue): string {
    const sink = new ByteSink()
    jsonWriter(schema, this.#form)(sink, value)
    return sink.take().toString()
  }
}

function oneOf(branches: readonly string[], index: number | null): string {
  const members = [`"oneOf":[${branches.join(',')}]`]
  if (index !== null) members.push(`"${Names.index}":${index}`)
  return objectOf(members)
}

function enumOf({ parameters }: Schema, parameter: string): string {
  const symbols = Object.keys(parameters ?? {}).flatMap((key) =>
    key.startsWith(`${parameter}.`) ? [key.slice(parameter.length + 1)] : [],
  )
  return `"enum":[${symbols.map((symbol) => (symbol === Names.nullSymbol ? 'null' : plainJson(symbol))).join(',')}]`
}

function attributes({ version, parameters }: Schema): readonly string[] {
  const shown = Object.entries(parameters ?? {}).filter(([key]) => !key.startsWith(Names.namespace))
  const members = version === null ? [] : [`"${Names.version}":${version}`]
  if (shown.length > 0) {
    const texts = shown.map(([key, value]) => `${plainJson(key)}:${plainJson(value)}`)
    members.push(`"${Names.parameters}":{${texts.join(',')}}`)
  }
  return members
}

function objectOf(members: readonly string[]): string {
  return `{${members.join(',')}}`
}

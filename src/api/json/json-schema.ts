import { DataError } from '../errors.ts'
import { isJsonObject, type JsonObject, type JsonValue } from './json-parse.ts'
import { jsonReader } from './json-read.ts'
import { quoteJson } from './json-text.ts'
import { jsonTextBy, jsonWriter, keySchemaOf, valueSchemaOf, type JsonWriteOptions } from './json-write.ts'
import {
  arrayOf,
  mapOf,
  primitive,
  struct,
  withOptions,
  type Schema,
  type SchemaOptions,
  type SchemaType,
} from '../schema.ts'

const typeNames = {
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FLOAT32: 'float',
  FLOAT64: 'double',
  BOOLEAN: 'boolean',
  STRING: 'string',
  BYTES: 'bytes',
  ARRAY: 'array',
  MAP: 'map',
  STRUCT: 'struct',
} as const satisfies Record<SchemaType, string>

const typesByName: ReadonlyMap<string, SchemaType> = new Map(
  Object.entries(typeNames).map(([type, name]) => [name, type as SchemaType]),
)

/** Returns the JSON text of a schema, as in the `schema` member of JsonConverter's envelope. */
export function schemaToJson(schema: Schema, options: JsonWriteOptions): string {
  return `{${schemaMembers(schema, options).join(',')}}`
}

function schemaMembers(schema: Schema, options: JsonWriteOptions): string[] {
  const members = [`"type":"${typeNames[schema.type]}"`]
  if (schema.type === 'ARRAY') members.push(`"items":${schemaToJson(valueSchemaOf(schema), options)}`)
  if (schema.type === 'MAP') {
    members.push(`"keys":${schemaToJson(keySchemaOf(schema), options)}`)
    members.push(`"values":${schemaToJson(valueSchemaOf(schema), options)}`)
  }
  if (schema.type === 'STRUCT') {
    const fields = schema.fields.map(
      (field) => `{${schemaMembers(field.schema, options).join(',')},"field":${quoteJson(field.name)}}`,
    )
    members.push(`"fields":[${fields.join(',')}]`)
  }
  members.push(`"optional":${schema.optional}`)
  if (schema.name !== null) members.push(`"name":${quoteJson(schema.name)}`)
  if (schema.version !== null) members.push(`"version":${schema.version}`)
  if (schema.doc !== null) members.push(`"doc":${quoteJson(schema.doc)}`)
  if (schema.parameters !== null) members.push(`"parameters":${parametersToJson(schema.parameters)}`)
  if (schema.defaultValue !== undefined && schema.defaultValue !== null) {
    members.push(`"default":${jsonTextBy(jsonWriter(schema, options), schema.defaultValue)}`)
  }
  return members
}

function parametersToJson(parameters: Readonly<Record<string, string>>): string {
  const members = Object.entries(parameters).map(([key, value]) => `${quoteJson(key)}:${quoteJson(value)}`)
  return `{${members.join(',')}}`
}

/**
 * Returns the schema in the `schema` member of an envelope.
 * @throws DataError if it is malformed: an unknown type, a missing member, a version that is not an integer.
 */
export function schemaFromJson(json: JsonValue): Schema {
  if (!isJsonObject(json)) throw new DataError('Invalid schema: it must be a JSON object')
  const typeName = json['type']
  if (typeof typeName !== 'string') throw new DataError('Schema must contain "type" field')
  const type = typesByName.get(typeName)
  if (type === undefined) throw new DataError(`Unknown schema type: ${typeName}`)
  const bare = bareSchema(type, json, schemaOptions(json))
  const defaultJson = json['default']
  if (defaultJson === undefined || defaultJson === null) return bare
  return withOptions(bare, { defaultValue: jsonReader(bare, { replaceNullWithDefault: true })(defaultJson) })
}

function bareSchema(type: SchemaType, json: JsonObject, options: SchemaOptions): Schema {
  switch (type) {
    case 'ARRAY':
      return arrayOf(part(json, 'items', 'Array schema did not specify the element type'), options)
    case 'MAP':
      return mapOf(
        part(json, 'keys', 'Map schema did not specify the key type'),
        part(json, 'values', 'Map schema did not specify the value type'),
        options,
      )
    case 'STRUCT':
      return struct(structFields(json), options)
    default:
      return primitive(type, options)
  }
}

function part(json: JsonObject, member: string, complaint: string): Schema {
  const value = json[member]
  if (value === undefined || value === null) throw new DataError(complaint)
  return schemaFromJson(value)
}

function structFields(json: JsonObject): (readonly [string, Schema])[] {
  const fields = json['fields']
  if (!Array.isArray(fields)) throw new DataError('Struct schema\'s "fields" argument is not an array.')
  return fields.map((field: JsonValue) => {
    const name = isJsonObject(field) ? field['field'] : undefined
    if (typeof name !== 'string') {
      throw new DataError("Struct schema's field name not specified properly")
    }
    return [name, schemaFromJson(field)] as const
  })
}

function schemaOptions(json: JsonObject): SchemaOptions {
  const name = optionalString(json, 'name')
  const doc = optionalString(json, 'doc')
  const version = json['version']
  if (version !== undefined && version !== null && !Number.isInteger(version)) {
    throw new DataError('Invalid schema version: it must be an integer')
  }
  const parameters = parametersFromJson(json['parameters'])
  return {
    optional: json['optional'] === true,
    ...(name === null ? {} : { name }),
    ...(doc === null ? {} : { doc }),
    ...(typeof version === 'number' ? { version } : {}),
    ...(parameters === null ? {} : { parameters }),
  }
}

function parametersFromJson(json: JsonValue | undefined): Readonly<Record<string, string>> | null {
  if (json === undefined || json === null) return null
  if (!isJsonObject(json)) throw new DataError('Invalid schema: "parameters" must be an object')
  const entries = Object.entries(json).map(([key, value]) => {
    if (typeof value !== 'string') throw new DataError(`Invalid schema: parameter "${key}" must be a string`)
    return [key, value] as const
  })
  return Object.fromEntries(entries)
}

function optionalString(object: JsonObject, member: string): string | null {
  const value = object[member]
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw new DataError(`Invalid schema: "${member}" must be a string`)
  return value
}

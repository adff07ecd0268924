import type { Type } from 'avsc'

import { checkParts } from '../../api/binary/schema-text.ts'
import { DataError } from '../../api/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../api/json/json-parse.ts'
import { plainJson } from '../../api/json/json-text.ts'
import { Logical, primitive, type ConnectValue, type Field, type Schema } from '../../api/schema.ts'
import type { AvroOptions } from '../avro-options.ts'
import { branchesOf, symbolsOf, fieldsOf, fixedSizeOf, itemOf, nullableBranch, type AvroField } from '../avro-types.ts'
import { defaultOfAvro } from './default-of-avro.ts'
import { avroPrefix, defaultPrecision, Names, namespace, splitName } from '../names.ts'
import type { AvroSchema } from '../parse-avro.ts'

/** What surrounds a type. */
interface Place {
  readonly optional: boolean
  /** The default of the field; undefined if it has none. */
  readonly fieldDefault?: JsonValue | undefined
  readonly fieldDoc?: string | null
  /** The version of the schema in the registry. */
  readonly version?: number | null
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A struct that is not complete. Where it contains itself, it is completed later. */
interface OpenStruct {
  readonly fields: Field[]
  readonly inner: Mutable<Schema>[]
}

/**
 * Returns the Connect schema of an Avro schema: the one that Confluent's `AvroData` makes of it. Schemas that contain themselves do
 * so here too.
 * @param version the version of the schema in its subject; null if it is unknown
 * @throws DataError if Connect cannot express it
 */
export function connectOfAvro(avro: AvroSchema, options: AvroOptions, version: number | null): Schema {
  return new ConnectBuilder(avro, options).schema(avro.type, { optional: false, version })
}

/** Returns whether a type is the record that holds values without a schema. */
export function isAnything({ name }: Type): boolean {
  return name === Names.anything
}

/** Returns whether the items of an array are the entries of a map. */
export function isMapEntry(avro: AvroSchema, item: Type): boolean {
  if (item.typeName !== 'record') return false
  const isEntry =
    item.name === `${namespace}.${Names.mapEntry}` || avro.attributes.get(item)?.[Names.internalType] === Names.mapEntry
  if (!isEntry) return false
  const names = fieldsOf(avro, item).map(({ name }) => name)
  if (names.length === 2 && names.includes('key') && names.includes('value')) return true
  throw new DataError(
    'Found map encoded as array of key-value pairs, but array elements do not match the expected format.',
  )
}

/** Returns the name of the field of a union's struct that holds the values of a branch. */
function unionFieldName(branch: Type, index: number, { generalized, enhanced }: AvroOptions): string {
  if (generalized) return `${Names.unionFieldPrefix}${index}`
  if (branch.name === undefined) return branch.typeName
  return enhanced ? branch.name : splitName(branch.name, false).name
}

class ConnectBuilder {
  readonly #avro: AvroSchema
  readonly #options: AvroOptions
  readonly #open = new Map<Type, OpenStruct>()
  #unions = 0
  #parts = 0

  constructor(avro: AvroSchema, options: AvroOptions) {
    this.#avro = avro
    this.#options = options
  }

  schema(type: Type, place: Place): Schema {
    this.#parts += 1
    checkParts(this.#parts)
    const branches = branchesOf(type)
    if (branches !== null) return this.#union(type, branches, place)
    const open = this.#open.get(type)
    if (open !== undefined) {
      const inner: Mutable<Schema> = { ...primitive('STRING', { optional: place.optional }), fields: open.fields }
      open.inner.push(inner)
      return inner
    }
    return type.typeName === 'record' || type.typeName === 'error'
      ? this.#struct(type, place)
      : this.#finished(type, place, this.#base(type))
  }

  #union(type: Type, branches: readonly Type[], place: Place): Schema {
    const only = branches.length === 1 && this.#options.flattenSingletonUnions ? branches[0] : undefined
    const { fieldDoc } = place
    if (only !== undefined)
      return this.schema(only, { optional: false, ...(fieldDoc === undefined ? {} : { fieldDoc }) })
    const nullable = nullableBranch(branches)
    if (nullable !== null)
      return this.schema(nullable, { optional: true, ...(fieldDoc === undefined ? {} : { fieldDoc }) })
    const name = this.#options.generalized ? `${Names.unionPrefix}${this.#unions}` : Names.union
    this.#unions += 1
    const fields: Field[] = []
    for (const [at, branch] of branches.entries()) {
      if (branch.typeName === 'null') continue
      const field = unionFieldName(branch, at, this.#options)
      if (fields.some((other) => other.name === field))
        throw new DataError(
          `Multiple union schemas map to the Connect union field name "${field}". Set enhanced.avro.schema.support=true`,
        )
      fields.push({ name: field, index: fields.length, schema: this.schema(branch, { optional: true }) })
    }
    const union: Schema = {
      ...primitive('STRING', {
        name,
        optional: place.optional || fields.length < branches.length,
        ...(this.#options.generalized ? { parameters: { [Names.generalizedUnion]: name } } : {}),
      }),
      type: 'STRUCT',
      fields,
    }
    if (place.fieldDefault === undefined) return union
    const value = defaultOfAvro(this.#avro, type, union, place.fieldDefault)
    return value === undefined || value === null ? union : { ...union, defaultValue: value }
  }

  #struct(type: Type, place: Place): Schema {
    const { discardTypeDocDefault: discard, connectMetaData } = this.#options
    const parameters: Record<string, string> = {}
    const open: OpenStruct = { fields: [], inner: [] }
    this.#open.set(type, open)
    const { doc } = type
    if (!discard && connectMetaData && doc !== undefined) parameters[Names.recordDoc] = doc
    for (const field of fieldsOf(this.#avro, type)) {
      const fieldDoc = docOf(field)
      if (!discard && connectMetaData && fieldDoc !== null) parameters[`${Names.fieldDoc}${field.name}`] = fieldDoc
      const fieldDefault = field.json['default']
      const schema = this.schema(field.type, { optional: false, fieldDefault, fieldDoc })
      open.fields.push({ name: field.name, index: open.fields.length, schema })
    }
    this.#open.delete(type)
    const base = { ...primitive('STRING'), type: 'STRUCT' as const, fields: open.fields }
    const finished = this.#finished(type, place, { ...base, parameters })
    for (const inner of open.inner)
      Object.assign(inner, finished, { optional: inner.optional, defaultValue: undefined })
    return finished
  }

  #base(type: Type): Schema {
    const json = this.#avro.attributes.get(type) ?? {}
    switch (type.typeName) {
      case 'boolean':
        return primitive('BOOLEAN')
      case 'int':
        return primitive(this.#intType(json), logicalOf(json, ['date', 'time-millis']))
      case 'long':
        return primitive('INT64', logicalOf(json, ['timestamp-millis']))
      case 'float':
        return primitive('FLOAT32')
      case 'double':
        return primitive('FLOAT64')
      case 'string':
        return primitive('STRING')
      case 'bytes':
      case 'fixed':
        return this.#bytes(type, json)
      case 'enum':
        return this.#enum(type)
      case 'array':
        return this.#array(itemOf(type))
      case 'map': {
        const valueSchema = this.schema(itemOf(type), { optional: false })
        return { ...primitive('STRING'), type: 'MAP', keySchema: primitive('STRING'), valueSchema }
      }
      default:
        throw new DataError('Standalone null schemas are not supported by this converter')
    }
  }

  #intType(json: JsonObject): 'INT8' | 'INT16' | 'INT32' {
    const type = json[Names.connectType]
    if (type === undefined || json['logicalType'] !== undefined) return 'INT32'
    if (type === 'int8') return 'INT8'
    if (type === 'int16') return 'INT16'
    throw new DataError(`Connect type annotation for Avro int field is ${String(type)}, which is none of its types`)
  }

  #array(item: Type): Schema {
    const base = primitive('STRING')
    if (!isMapEntry(this.#avro, item))
      return { ...base, type: 'ARRAY', valueSchema: this.schema(item, { optional: false }) }
    const fields = fieldsOf(this.#avro, item)
    const part = (name: string): Schema => {
      const field = fields.find((other) => other.name === name)
      if (field === undefined) throw new DataError(`the entry of a map has no "${name}"`)
      return this.schema(field.type, { optional: false })
    }
    return { ...base, type: 'MAP', keySchema: part('key'), valueSchema: part('value') }
  }

  #bytes(type: Type, json: JsonObject): Schema {
    const parameters: Record<string, string> = {}
    const isDecimal = isLogical(json, 'decimal')
    if (isDecimal) {
      const { scale = 0, precision = defaultPrecision } = json
      if (typeof scale !== 'number') throw new DataError('scale must be a number.')
      if (typeof precision !== 'number') throw new DataError('precision property must be a JSON Integer.')
      parameters['scale'] = String(scale)
      if (precision !== defaultPrecision) parameters[Names.decimalPrecision] = String(precision)
    }
    if (type.typeName === 'fixed') parameters[Names.fixedSize] = String(fixedSizeOf(type))
    return primitive('BYTES', { parameters, ...(isDecimal ? { name: Logical.decimal, version: 1 } : {}) })
  }

  #enum(type: Type): Schema {
    const { connectMetaData, discardTypeDocDefault: discard, generalized } = this.#options
    const { name = '', doc } = type
    const parameters: Record<string, string> = {}
    const simple = splitName(name, false).name
    const symbol = this.#avro.attributes.get(type)?.['default']
    if (connectMetaData && doc !== undefined)
      parameters[discard ? Names.enumDocOfConnect : `${Names.enumDoc}${simple}`] = doc
    if (connectMetaData && !discard && typeof symbol === 'string') parameters[`${Names.enumDefault}${simple}`] = symbol
    const parameter = generalized ? Names.generalizedEnum : Names.enum
    parameters[parameter] = name
    for (const [index, each] of symbolsOf(this.#avro, type).entries())
      parameters[`${parameter}.${each}`] = generalized ? String(index) : each
    return primitive('STRING', { parameters })
  }

  /** Adds what the attributes of a type say of its schema. */
  #finished(type: Type, place: Place, base: Schema): Schema {
    const { connectMetaData, discardTypeDocDefault: discard } = this.#options
    const json = this.#avro.attributes.get(type) ?? {}
    const parameters: Record<string, string> = { ...base.parameters }
    if (discard && connectMetaData && type.doc !== undefined) parameters[Names.recordDocOfConnect] = type.doc
    if (connectMetaData) Object.assign(parameters, textsOf(json))
    for (const [key, value] of Object.entries(json))
      if (key.startsWith(avroPrefix))
        parameters[key] = typeof value === 'string' ? value : plainJson(value as ConnectValue)
    const schema: Schema = {
      ...base,
      optional: place.optional,
      name: this.#nameOf(type, json, base),
      version: versionOf(json) ?? base.version ?? place.version ?? null,
      doc: this.#docOf(type, json, place),
      parameters: Object.keys(parameters).length === 0 ? null : parameters,
    }
    return this.#withDefault(type, place, schema)
  }

  /** The default of the field if there is one that fits, else that of the type. */
  #withDefault(type: Type, { fieldDefault }: Place, schema: Schema): Schema {
    const { connectMetaData, discardTypeDocDefault: discard } = this.#options
    const connectDefault = this.#avro.attributes.get(type)?.[Names.connectDefault]
    const valueOf = (json: JsonValue | undefined): ConnectValue | undefined =>
      json === undefined ? undefined : defaultOfAvro(this.#avro, type, schema, json)
    const ofField = valueOf(fieldDefault)
    const isMarked = ofField !== undefined && connectDefault === undefined && !discard && connectMetaData
    const parameters = isMarked ? { ...schema.parameters, [Names.fieldDefault]: 'true' } : schema.parameters
    const defaultValue = ofField ?? valueOf(connectDefault) ?? undefined
    return { ...schema, parameters, defaultValue }
  }

  #nameOf(type: Type, json: JsonObject, base: Schema): string | null {
    const given = json[Names.connectName]
    if (given !== undefined && typeof given !== 'string') throw new DataError(`Invalid schema name: ${String(given)}`)
    const name = given ?? type.name ?? null
    const isDefault = name?.startsWith(`${namespace}.${Names.defaultRecord}`) === true
    return base.name ?? (isDefault ? null : name)
  }

  #docOf(type: Type, json: JsonObject, { fieldDoc = null }: Place): string | null {
    const own = json[Names.connectDoc]
    const text = typeof own === 'string' ? own : null
    if (this.#options.discardTypeDocDefault) return fieldDoc ?? type.doc ?? text
    return this.#options.connectMetaData ? text : null
  }
}

function docOf({ json }: AvroField): string | null {
  const { doc } = json
  return typeof doc === 'string' ? doc : null
}

function versionOf(json: JsonObject): number | null {
  const version = json[Names.connectVersion]
  if (version === undefined) return null
  if (typeof version !== 'number') throw new DataError(`Invalid Connect version found: ${String(version)}`)
  return version < 0 ? null : version
}

function textsOf(json: JsonObject): Readonly<Record<string, string>> {
  const given = json[Names.connectParameters]
  if (given === undefined) return {}
  if (!isJsonObject(given)) throw new DataError('Expected JSON object for schema parameters')
  for (const [key, value] of Object.entries(given))
    if (typeof value !== 'string')
      throw new DataError(`Expected schema parameter values to be strings, but "${key}" is not`)
  return given as Readonly<Record<string, string>>
}

const logicalNames: Readonly<Record<string, string>> = {
  date: Logical.date,
  'time-millis': Logical.time,
  'timestamp-millis': Logical.timestamp,
}

function logicalOf(json: JsonObject, types: readonly string[]): { readonly name?: string; readonly version?: number } {
  const type = types.find((each) => isLogical(json, each))
  const name = type === undefined ? undefined : logicalNames[type]
  return name === undefined ? {} : { name, version: 1 }
}

function isLogical(json: JsonObject, type: string): boolean {
  const given = json['logicalType']
  return typeof given === 'string' && given.toLowerCase() === type
}

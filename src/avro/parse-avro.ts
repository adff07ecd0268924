import avsc, { type Type } from 'avsc'

import type { SchemaText } from '../api/binary/schema-text.ts'
import { DataError } from '../api/errors.ts'
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '../api/json/json-parse.ts'
import { errorMessage } from '../foundation/error-message.ts'

/** An Avro schema: the types that avsc made of it, and what else is written about each of them. */
export interface AvroSchema {
  readonly type: Type
  /** The JSON of a type, with attributes that are not Avro's own. Defaults of fields are only here. */
  readonly attributes: ReadonlyMap<Type, JsonObject>
}

type Options = NonNullable<Parameters<typeof avsc.Type.forSchema>[1]>
type AvscSchema = Parameters<typeof avsc.Type.forSchema>[0]

const kinds: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
  'record',
  'error',
  'enum',
  'fixed',
  'array',
  'map',
])

/** Parses an Avro schema with avsc. Defaults are not checked, as in Confluent's clients. @throws DataError */
export function parseAvro(text: SchemaText): AvroSchema {
  return parsed(text, withoutDefaults)
}

/** Returns why avsc cannot read what was written with one schema as data of another; null if it can. */
export function whyUnreadable(writer: SchemaText, reader: SchemaText): string | null {
  const keep = (json: JsonObject): JsonObject => ({ ...json })
  try {
    parsed(reader, keep).type.createResolver(parsed(writer, keep).type)
    return null
  } catch (error) {
    return errorMessage(error)
  }
}

function parsed({ text, references }: SchemaText, forAvsc: (json: JsonObject) => JsonObject): AvroSchema {
  const attributes = new Map<Type, JsonObject>()
  const options: Options = {
    // Without prototype: `constructor` is a name like any other.
    registry: Object.create(null) as Record<string, Type>,
    wrapUnions: true,
    omitRecordMethods: true,
    typeHook: hook(attributes, forAvsc),
  }
  let of = ''
  try {
    for (const reference of references) {
      of = ` "${reference.name}"`
      avsc.Type.forSchema(parseJson(reference.text) as AvscSchema, options)
    }
    of = ''
    return { type: avsc.Type.forSchema(parseJson(text) as AvscSchema, options), attributes }
  } catch (error) {
    throw new DataError(`the schema${of} is not an Avro schema that can be used: ${errorMessage(error)}`, {
      cause: error,
      code: 'AVRO_SCHEMA_INVALID',
    })
  }
}

/** Notes the JSON of each type. avsc calls it for every part of a schema, also for those that the hook gives it. */
function hook(
  attributes: Map<Type, JsonObject>,
  forAvsc: (json: JsonObject) => JsonObject,
): NonNullable<Options['typeHook']> {
  const passed = new WeakSet<object>()
  const typeHook: NonNullable<Options['typeHook']> = (part, options) => {
    const schema: unknown = part
    if (typeof schema === 'string') return withoutNamespace(schema, options)
    if (!isJsonObject(schema as JsonValue) || passed.has(schema as object)) return undefined
    const json = schema as JsonObject
    const kind = json['type']
    if (typeof kind === 'string' && !kinds.has(kind)) return avsc.Type.forSchema(kind, options)
    const own = forAvsc(json)
    passed.add(own)
    const type = avsc.Type.forSchema(own as AvscSchema, options)
    attributes.set(type, json)
    return type
  }
  return typeHook
}

/** A name without namespace stands for a type without one, if there is none of that name in the namespace around it. */
function withoutNamespace(name: string, { namespace, registry = {} }: Options): Type | undefined {
  if (namespace === undefined || name.includes('.') || kinds.has(name)) return undefined
  return registry[`${namespace}.${name}`] === undefined ? registry[name] : undefined
}

/** The schema without defaults, which avsc would refuse where Java's parser does not look at them. */
function withoutDefaults(json: JsonObject): JsonObject {
  const { fields, symbols, ...rest } = json
  return {
    ...rest,
    ...(fields === undefined ? {} : { fields: Array.isArray(fields) ? fields.map(withoutDefault) : fields }),
    ...(symbols === undefined ? {} : { symbols: Array.isArray(symbols) ? symbols.map(namedSymbol) : symbols }),
  }
}

function withoutDefault(field: JsonValue): JsonValue {
  if (!isJsonObject(field)) return field
  const { default: _, ...rest } = field
  return rest
}

/** avsc takes the symbol `__proto__` for one that is there twice. `symbolsOf` has its name. */
function namedSymbol(symbol: JsonValue): JsonValue {
  return symbol === '__proto__' ? '__proto__of_json' : symbol
}

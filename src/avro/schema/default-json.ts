import { decimalToBytes } from '../../api/decimal.ts'
import { DataError } from '../../api/errors.ts'
import { javaDoubleText, javaFloatText } from '../../api/java/java-number.ts'
import { isJsonObject, parseJson, type JsonValue } from '../../api/json/json-parse.ts'
import { isArray, isMap } from '../../api/json/json-text.ts'
import { Logical, type ConnectValue, type Schema } from '../../api/schema.ts'
import type { AvroNode } from './avro-node.ts'
import { hasStringKeys } from './map-form.ts'
import { scrubbed } from '../names.ts'
import type { AvroOptions } from '../avro-options.ts'

/** Returns a default of a Connect schema as Avro writes it. @throws DataError if it does not match the schema */
export function defaultJson(schema: Schema, value: ConnectValue, options: AvroOptions): string {
  if (value === null) return 'null'
  const nested = (inner: Schema | null, part: ConnectValue): string =>
    inner === null ? misfit(schema) : defaultJson(inner, part, options)
  switch (schema.type) {
    case 'BOOLEAN':
      return String(value)
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'INT64':
      return typeof value === 'number' || typeof value === 'bigint' ? String(value) : misfit(schema)
    case 'FLOAT32':
    case 'FLOAT64':
      return typeof value === 'number' ? floatJson(schema, value) : misfit(schema)
    case 'STRING':
      return JSON.stringify(String(value))
    case 'BYTES':
      return JSON.stringify(bytesOf(schema, value).toString('latin1'))
    case 'ARRAY':
      if (!isArray(value)) return misfit(schema)
      return `[${value.map((item) => nested(schema.valueSchema, item)).join(',')}]`
    case 'MAP': {
      if (!isMap(value)) return misfit(schema)
      const entries = [...value].map(([key, item]) => [nested(schema.keySchema, key), nested(schema.valueSchema, item)])
      return hasStringKeys(schema, options)
        ? `{${entries.map(([key, item]) => `${key}:${item}`).join(',')}}`
        : `[${entries.map(([key, item]) => `[${key},${item}]`).join(',')}]`
    }
    case 'STRUCT': {
      if (!isArray(value)) return misfit(schema)
      const members = schema.fields.map(({ name, index, schema: inner }) => {
        const key = options.scrubInvalidNames ? scrubbed(name) : name
        return `${JSON.stringify(key)}:${nested(inner, value[index] ?? null)}`
      })
      return `{${members.join(',')}}`
    }
  }
}

function floatJson({ type }: Schema, value: number): string {
  const text = type === 'FLOAT32' ? javaFloatText(value) : javaDoubleText(value)
  return Number.isFinite(value) ? text : JSON.stringify(text)
}

function bytesOf(schema: Schema, value: ConnectValue): Buffer {
  if (schema.name === Logical.decimal && typeof value === 'string')
    return decimalToBytes(value, Number(schema.parameters?.['scale'] ?? 0))
  return value instanceof Uint8Array ? Buffer.from(value) : misfit(schema)
}

function misfit({ type, name }: Schema): never {
  throw new DataError(`Invalid type used for default value of ${type}${name === null ? '' : ` ${name}`}`)
}

/** Returns whether Avro accepts a default: of a union, only one of its first branch. */
export function isValidDefault(node: AvroNode, json: string): boolean {
  return fits(node, parseJson(json))
}

function fits(node: AvroNode, value: JsonValue | undefined): boolean {
  switch (node.kind) {
    case 'primitive':
      return fitsPrimitive(node.type, value)
    case 'array':
      return Array.isArray(value) && (value as readonly JsonValue[]).every((item) => fits(node.item, item))
    case 'map':
      return isJsonObject(value) && Object.values(value).every((item) => fits(node.item, item))
    case 'union':
      return node.branches[0] !== undefined && fits(node.branches[0], value)
    case 'record':
      return (
        isJsonObject(value) &&
        node.fields.every(({ name, node: inner, defaultJson: own }) =>
          Object.hasOwn(value, name) ? fits(inner, value[name]) : own !== null,
        )
      )
    default:
      return typeof value === 'string'
  }
}

const notFinite: ReadonlySet<string> = new Set(['NaN', 'Infinity', '-Infinity'])

function fitsPrimitive(type: string, value: JsonValue | undefined): boolean {
  switch (type) {
    case 'null':
      return value === null
    case 'boolean':
      return typeof value === 'boolean'
    case 'int':
      return typeof value === 'number' && Number.isInteger(value)
    case 'long':
      return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
    case 'float':
    case 'double':
      return typeof value === 'number' || typeof value === 'bigint' || notFinite.has(String(value))
    default:
      return typeof value === 'string'
  }
}

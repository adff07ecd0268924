import { Logical, type Schema } from '../../api/schema.ts'

const integers: Readonly<Record<string, readonly [min: number, max: number]>> = {
  INT8: [-0x80, 0x7f],
  INT16: [-0x8000, 0x7fff],
  INT32: [-0x8000_0000, 0x7fff_ffff],
}
const maxLong = 0x7fff_ffff_ffff_ffffn
const decimalText = /^-?\d+(\.\d+)?$/

/**
 * Returns why a value is not Connect data of that schema, as the end of a sentence; null if it is.
 * @param path the value's name in the text
 */
export function valueFault(schema: Schema | null, value: unknown, path = 'the value'): string | null {
  if (schema === null) return plainFault(value, path)
  if (value === null) return schema.optional ? null : `${path} is null, but its schema is not optional`
  const fault = typedFault(schema, value, path)
  return typeof fault === 'boolean'
    ? fault
      ? null
      : `${path} is ${shown(value)}, but its schema is ${nameOf(schema)}`
    : fault
}

/** Returns whether the value has the type, or the fault of a part of it; null if its parts have none. */
function typedFault(schema: Schema, value: unknown, path: string): boolean | string | null {
  switch (schema.type) {
    case 'BOOLEAN':
      return typeof value === 'boolean'
    case 'STRING':
      return typeof value === 'string'
    case 'FLOAT32':
    case 'FLOAT64':
      return typeof value === 'number'
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return isInteger(value, integers[schema.type] ?? [0, 0])
    case 'INT64':
      return isLong(value)
    case 'BYTES':
      return schema.name === Logical.decimal
        ? typeof value === 'string' && decimalText.test(value)
        : value instanceof Uint8Array
    case 'ARRAY':
      return Array.isArray(value) && listFault(schema.valueSchema, value, path)
    case 'MAP':
      return value instanceof Map && mapFault(schema, value, path)
    case 'STRUCT':
      return Array.isArray(value) && structFault(schema, value, path)
  }
}

function isInteger(value: unknown, [min, max]: readonly [number, number]): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}

function isLong(value: unknown): boolean {
  return typeof value === 'bigint' ? value >= -maxLong - 1n && value <= maxLong : Number.isSafeInteger(value)
}

function listFault(schema: Schema | null, values: readonly unknown[], path: string): string | null {
  return firstOf(values, (value, index) => valueFault(schema, value, `${path}[${index}]`))
}

function mapFault(schema: Schema, map: ReadonlyMap<unknown, unknown>, path: string): string | null {
  return firstOf([...map], ([key, value]) => {
    return (
      valueFault(schema.keySchema, key, `a key of ${path}`) ??
      valueFault(schema.valueSchema, value, `${path}[${String(key)}]`)
    )
  })
}

function structFault(schema: Schema, values: readonly unknown[], path: string): string | null {
  const { fields } = schema
  if (values.length !== fields.length)
    return `${path} has ${values.length} values, but its schema ${nameOf(schema)} has ${fields.length} fields`
  return firstOf(fields, (field) => valueFault(field.schema, values[field.index], `${path}.${field.name}`))
}

/** Without a schema, values are JSON values or bytes. */
function plainFault(value: unknown, path: string): string | null {
  if (value === null || ['boolean', 'string', 'bigint'].includes(typeof value)) return null
  if (typeof value === 'number') return Number.isNaN(value) ? `${path} is NaN, which is no JSON value` : null
  if (value instanceof Uint8Array) return null
  if (Array.isArray(value)) return firstOf(value, (item: unknown, index) => plainFault(item, `${path}[${index}]`))
  const isPlain = typeof value === 'object' && [null, Object.prototype].includes(Object.getPrototypeOf(value) as null)
  if (!isPlain) return `${path} is ${shown(value)}. Without a schema, it has to be a JSON value or a Uint8Array`
  return firstOf(Object.entries(value), ([key, item]) => plainFault(item, `${path}.${key}`))
}

function firstOf<T>(items: readonly T[], faultOf: (item: T, index: number) => string | null): string | null {
  for (const [index, item] of items.entries()) {
    const fault = faultOf(item, index)
    if (fault !== null) return fault
  }
  return null
}

function nameOf({ type, name }: Schema): string {
  return name === null ? type : `${type} (${name})`
}

/** Returns a value for a message. */
export function shown(value: unknown): string {
  if (value === undefined) return 'undefined'
  if (typeof value === 'bigint') return `the bigint ${value}`
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (value instanceof Map) return 'a Map'
  return typeof value === 'object'
    ? `${value?.constructor?.name ?? 'null'} ${textOf(value)}`
    : `the ${typeof value} ${textOf(value)}`
}

/** Returns any data as compact JSON, for comparisons and messages. Integers are written in the same way as number and as bigint. */
export function textOf(value: unknown): string {
  // Bytes have a form of their own in JSON, which the replacer gets in place of them.
  return JSON.stringify(value, function replaced(this: unknown, key: string) {
    const item: unknown = Reflect.get(Object(this), key)
    if (typeof item === 'bigint') return Number.isSafeInteger(Number(item)) ? Number(item) : `${item}n`
    if (item instanceof Map) return [...item]
    if (item instanceof Uint8Array) return `bytes ${Buffer.from(item).toString('hex')}`
    if (item === undefined || typeof item === 'function') return typeof item
    return typeof item === 'number' && !Number.isFinite(item) ? String(item) : item
  })
}

import {
  DataError,
  fieldOf,
  primitive,
  struct,
  type ConnectValue,
  type Field,
  type Schema,
  type SchemaType,
} from 'penstock/api'

import { valueIn, type StructWithSchema } from './event-metadata.ts'

/** What the schema of events depends on. */
export interface ShapeParts {
  readonly name: string
  readonly source: Schema
  /** Of the attribute `data`. */
  readonly data: Schema
  readonly hasDataSchema: boolean
  readonly tracing: boolean
  readonly extensions: boolean
}

/** The values of an event before its extension attributes, in the order of its schema. */
export interface EventHead {
  readonly attributes: readonly ConnectValue[]
  readonly operation: () => ConnectValue
  readonly transaction: () => StructWithSchema | null
}

const text = primitive('STRING')
const transactionFields = [
  ['id', 'STRING'],
  ['total_order', 'INT64'],
  ['data_collection_order', 'INT64'],
] as const

/** Returns the schema of events. @throws DataError if a field of the source cannot be an extension attribute */
export function eventSchema({ name, source, data, hasDataSchema, tracing, extensions }: ShapeParts): Schema {
  const attributes = ['id', 'source', 'specversion', 'type', 'time', 'datacontenttype']
  if (hasDataSchema) attributes.push('dataschema')
  if (tracing) attributes.push('traceparent')
  const fields = attributes.map((attribute) => [attribute, text] as const)
  return struct([...fields, ...(extensions ? extensionFields(source) : []), ['data', data]], { name })
}

function extensionFields(source: Schema): (readonly [string, Schema])[] {
  return [
    [extensionName('op'), text],
    ...source.fields.map((field) => [extensionName(field.name), extensionSchema(field)] as const),
    ...transactionFields.map(
      ([name, type]) => [extensionName(`tx${name}`), primitive(extensionTypes[type], { optional: true })] as const,
    ),
  ]
}

/** Returns the values of an event; `data` is its last one. */
export function eventValues(
  head: EventHead,
  source: StructWithSchema,
  data: ConnectValue,
  extensions: boolean,
): ConnectValue[] {
  const values = [...head.attributes]
  if (extensions) {
    values.push(head.operation())
    for (const { schema, name } of source.schema.fields) values.push(extensionValue(schema.type, valueIn(source, name)))
    const transaction = head.transaction()
    for (const [name, type] of transactionFields)
      values.push(transaction === null ? null : extensionValue(type, valueIn(transaction, name)))
  }
  values.push(data)
  return values
}

/** CloudEvents have no int64, and names of letters and digits only. */
const extensionTypes = {
  BOOLEAN: 'BOOLEAN',
  INT8: 'INT32',
  INT16: 'INT32',
  INT32: 'INT32',
  STRING: 'STRING',
  INT64: 'STRING',
} as const satisfies Partial<Record<SchemaType, SchemaType>>

function extensionName(name: string): string {
  return `iodebezium${name.replace(/[^A-Za-z0-9]/g, '')}`
}

function extensionSchema({ name, schema }: Field): Schema {
  if (!Object.hasOwn(extensionTypes, schema.type))
    throw new DataError(
      `the field "${name}" of the source has type ${schema.type}, which extension attributes do not have`,
    )
  return primitive(extensionTypes[schema.type as keyof typeof extensionTypes], { optional: schema.optional })
}

function extensionValue(type: SchemaType, value: ConnectValue): ConnectValue {
  return type === 'INT64' && value !== null ? String(value) : value
}

/** Returns a struct of some fields of another one, with a name of its own. @throws DataError if it does not have them */
export function partOf(schema: Schema, names: readonly string[] | null, name: string | null): Schema {
  const fields = (names ?? schema.fields.map((field) => field.name)).map((field) => {
    const found = fieldOf(schema, field)
    if (found === undefined) throw new DataError(`${field} is not a valid field name`)
    return [field, found.schema] as const
  })
  return struct(fields, name === null ? {} : { name })
}

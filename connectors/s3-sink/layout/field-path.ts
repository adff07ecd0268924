import { DataError, type SinkRecord } from 'penstock/api'

import { fieldReader, type FieldValue } from './field-access.ts'

const integers = new Set(['INT8', 'INT16', 'INT32', 'INT64'])

/**
 * Returns Confluent's FieldPartitioner: `country=ch/size=3`. Values are not escaped, and null is `null`.
 * @returns a function that throws DataError for values of other types than integers, strings and booleans
 */
export function fieldPath(fields: readonly string[], delimiter: string): (record: SinkRecord) => string {
  const readers = fields.map((name) => [name, fieldReader(name)] as const)
  return (record) => {
    let path = ''
    for (const [name, read] of readers) {
      const found = read(record)
      if (found === undefined) throw missing(record, name)
      path += `${path === '' ? '' : delimiter}${name}=${textOf(name, found)}`
    }
    return path
  }
}

function textOf(name: string, { schema, value }: FieldValue): string {
  if (value === null) return 'null'
  const isText = typeof value === 'string' && (schema === null || schema.type === 'STRING')
  if (isText || typeof value === 'boolean') return String(value)
  const isInteger = typeof value === 'bigint' || Number.isInteger(value)
  if (isInteger && (schema === null || integers.has(schema.type))) return String(value)
  throw new DataError(
    `the field "${name}" of partition.field.name is ${schema?.name ?? schema?.type ?? 'of another type'}: directories are of integers, strings and booleans`,
    { code: 'S3_PARTITION_FIELD' },
  )
}

function missing({ valueSchema }: SinkRecord, name: string): DataError {
  const known =
    valueSchema?.type === 'STRUCT' ? ` It has ${valueSchema.fields.map((field) => field.name).join(', ')}.` : ''
  return new DataError(`the value has no field "${name}" of partition.field.name.${known}`, {
    code: 'S3_PARTITION_FIELD',
  })
}

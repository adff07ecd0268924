import { DataError, Logical, type Schema } from 'penstock/api'

import type { Annotation, PhysicalType } from './parquet-types.ts'

/** The column of values of a primitive schema. */
export interface LeafType {
  readonly type: PhysicalType
  /** Of type `fixed` only. */
  readonly length: number | null
  readonly annotation: Annotation | null
}

/**
 * The precision of decimals whose schema says none: the most that Spark, Trino, DuckDB and Polars have. Confluent's connectors say 64, and some
 * of these cannot read such a file at all.
 */
const defaultPrecision = 38
/** The most that any reader has. */
const maxFixedPrecision = 76
const maxDecimalBytes = 1024
const precisionParameter = 'connect.decimal.precision'
const lengthParameter = 'connect.fixed.size'
const enumParameter = 'io.confluent.connect.avro.Enum'

type DecimalAnnotation = Extract<Annotation, { readonly kind: 'decimal' }>

const plainTypes = {
  INT8: 'int32',
  INT16: 'int32',
  INT32: 'int32',
  INT64: 'int64',
  FLOAT32: 'float',
  FLOAT64: 'double',
  BOOLEAN: 'boolean',
} as const

/** The types that Connect's own logical types are for; on other types, their names have no meaning. */
const times: Readonly<Record<string, { readonly of: string; readonly kind: 'date' | 'time' | 'timestamp' }>> = {
  [Logical.date]: { of: 'INT32', kind: 'date' },
  [Logical.time]: { of: 'INT32', kind: 'time' },
  [Logical.timestamp]: { of: 'INT64', kind: 'timestamp' },
}

/**
 * Returns the column that Confluent's connector has for a primitive schema: it makes an Avro schema of it, and a Parquet schema of that.
 * Other logical types than Connect's own, such as Debezium's, are columns of their primitive type. Decimals have a fixed length, as most writers
 * give them: those of variable length, which Confluent writes, are refused by Spark's vectorized reader up to 18 digits.
 * @throws DataError if a parameter of the schema is invalid
 */
export function leafType(schema: Schema, path: string): LeafType {
  const { type, name, parameters } = schema
  switch (type) {
    case 'STRING': {
      const isEnum = parameters !== null && Object.hasOwn(parameters, enumParameter)
      return { type: 'byteArray', length: null, annotation: { kind: isEnum ? 'enum' : 'string' } }
    }
    case 'BYTES': {
      const given = lengthOf(schema, path)
      const annotation = name === Logical.decimal ? decimalOf(schema, given, path) : null
      const length = given ?? (annotation === null ? null : lengthOfDecimal(annotation))
      return { type: length === null ? 'byteArray' : 'fixed', length, annotation }
    }
    case 'ARRAY':
    case 'MAP':
    case 'STRUCT':
      throw new DataError(`${type} is no primitive type: "${path}"`)
    default: {
      const time = name === null || !Object.hasOwn(times, name) ? undefined : times[name]
      return { type: plainTypes[type], length: null, annotation: time?.of === type ? { kind: time.kind } : null }
    }
  }
}

/** Of bytes that were a fixed type of Avro. A decimal is filled up to it, so that it costs memory in each record. */
function lengthOf({ name, parameters }: Schema, path: string): number | null {
  if (name === null || parameters === null || !Object.hasOwn(parameters, lengthParameter)) return null
  const length = Number(parameters[lengthParameter])
  const most = name === Logical.decimal ? maxDecimalBytes : 0x7fffffff
  if (!Number.isInteger(length) || length < 1 || length > most) invalid(lengthParameter, parameters, path)
  return length
}

/**
 * Parquet's scale is between 0 and the precision. A negative scale becomes 0, with as many digits more, and a precision below the scale
 * becomes as large as that.
 */
function decimalOf({ parameters }: Schema, length: number | null, path: string): DecimalAnnotation {
  const scale = Number(parameters?.['scale'] ?? NaN)
  if (!Number.isInteger(scale) || Math.abs(scale) > 1_000_000) invalid('scale', parameters, path)
  const given = parameters !== null && Object.hasOwn(parameters, precisionParameter)
  const precision = given ? Number(parameters[precisionParameter]) : defaultPrecision
  if (!Number.isInteger(precision) || precision < 1 || precision > 1_000_000) {
    invalid(precisionParameter, parameters, path)
  }
  const digits = scale < 0 ? precision - scale : Math.max(precision, scale)
  const most = length === null ? digits : Math.floor((8 * length - 1) * Math.log10(2))
  return { kind: 'decimal', precision: Math.max(1, Math.min(digits, most)), scale: Math.max(0, scale) }
}

/** Returns the number of bytes that all numbers of a precision fit into; null where most bytes would say nothing. */
function lengthOfDecimal({ precision }: DecimalAnnotation): number | null {
  return precision > maxFixedPrecision ? null : Math.ceil((precision * Math.log2(10) + 1) / 8)
}

function invalid(parameter: string, parameters: Schema['parameters'], path: string): never {
  const value = parameters?.[parameter] ?? 'missing'
  throw new DataError(`Invalid schema: the parameter ${parameter} is ${value}: "${path}"`, { code: 'PARQUET_SCHEMA' })
}

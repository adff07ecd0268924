import { DataError, decimalFromBytes, type ConnectValue, type Field, type Schema } from 'penstock/api'
import { infinitiesOf, semanticOf } from './semantic.ts'
import { isoDate, isoTime, isoTimestamp } from './temporal-text.ts'

/** Turns a value of one schema into JSON text. */
export type Renderer = (value: ConnectValue) => string

/** The form of values: see `document.values` and `compact.map.entries`. */
export interface RenderOptions {
  readonly exact: boolean
  readonly compactMaps: boolean
  /** Called for each infinity that is written as null, with the name of its field (`outer.inner` where it is nested). */
  readonly onInfinity: (field: string) => void
}

/**
 * Compiles a renderer for a schema. Exact decimals become strings: Elasticsearch coerces them for its fields, and keeps
 * their digits where it would rewrite a JSON number as a double (in any response with a filter). A null is written as null, or
 * as the default of a field that is required.
 * @throws DataError (from the renderer) when a value does not fit.
 */
export function compileRenderer(schema: Schema, options: RenderOptions): Renderer {
  const inner = compilePresent(schema, options)
  const fallback = schema.defaultValue === undefined || schema.defaultValue === null ? null : schema.defaultValue
  return (value) => {
    if (value !== null && value !== undefined) return inner(value)
    if (fallback !== null && !schema.optional) return inner(fallback)
    if (schema.optional) return 'null'
    throw new DataError(`a ${schema.type} that is required (${schema.name ?? 'unnamed'}) is null`)
  }
}

function compilePresent(schema: Schema, options: RenderOptions): Renderer {
  const semantic = compileSemantic(schema, options)
  if (semantic !== null) return options.exact ? nullForInfinity(schema, semantic, options) : semantic
  switch (schema.type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'INT64':
    case 'BOOLEAN':
      return String
    case 'FLOAT32':
    case 'FLOAT64':
      return floatText
    case 'STRING':
      return (value) => JSON.stringify(String(value))
    case 'BYTES':
      return bytesText
    case 'ARRAY':
      return compileArray(schema, options)
    case 'MAP':
      return compileMap(schema, options)
    case 'STRUCT':
      return compileStruct(schema, options)
  }
}

function compileSemantic(schema: Schema, options: RenderOptions): Renderer | null {
  const semantic = semanticOf(schema.name)
  if (semantic === undefined) return null
  switch (semantic.kind) {
    case 'decimal':
      return options.exact ? (value) => `"${String(value)}"` : (value) => String(Number(value))
    case 'variable-decimal':
      return options.exact ? compileVariableDecimal(schema, options) : null
    case 'date':
      return options.exact ? (value) => `"${isoDate(Number(value))}"` : null
    case 'time':
      return options.exact ? (value) => `"${isoTime(integer(value), semantic.perSecond)}"` : null
    case 'timestamp':
      return options.exact ? (value) => `"${isoTimestamp(integer(value), semantic.perSecond)}"` : null
    case 'iso-date':
    case 'iso-timestamp':
      return options.exact ? (value) => JSON.stringify(String(value)) : null
    default:
      return null
  }
}

/** An infinity of Postgres is not a date: as text it would make the document malformed where the field is a date. */
function nullForInfinity(schema: Schema, render: Renderer, { onInfinity }: RenderOptions): Renderer {
  const infinite = infinitiesOf(semanticOf(schema.name))
  if (infinite === null) return render
  return (value) => {
    if (!infinite.includes(value)) return render(value)
    onInfinity('')
    return 'null'
  }
}

function compileVariableDecimal(schema: Schema, options: RenderOptions): Renderer {
  const scale = schema.fields.find((field) => field.name === 'scale')
  const unscaled = schema.fields.find((field) => field.name === 'value')
  if (scale === undefined || unscaled === undefined) return compileStruct(schema, { ...options, compactMaps: true })
  return (value) => {
    const parts = structOf(value, schema)
    const bytes = parts[unscaled.index]
    if (!(bytes instanceof Uint8Array)) throw new DataError('a VariableScaleDecimal holds no bytes')
    return `"${decimalFromBytes(bytes, Number(parts[scale.index]))}"`
  }
}

function integer(value: ConnectValue): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  throw new DataError(`a temporal holds ${typeof value} instead of an integer`)
}

/** NaN and the infinities become strings, as in Connect's JSON. */
function floatText(value: ConnectValue): string {
  return Number.isFinite(value) ? String(value) : `"${String(value)}"`
}

function bytesText(value: ConnectValue): string {
  if (!(value instanceof Uint8Array)) throw new DataError(`BYTES holds ${typeof value}`)
  return `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"`
}

function compileArray(schema: Schema, options: RenderOptions): Renderer {
  const element = compileRenderer(partOf(schema.valueSchema, 'ARRAY'), options)
  return (value) => {
    if (!Array.isArray(value)) throw new DataError(`ARRAY holds ${typeof value}`)
    let text = '['
    for (let i = 0; i < value.length; i++)
      text += i === 0 ? element(value[i] as ConnectValue) : `,${element(value[i] as ConnectValue)}`
    return `${text}]`
  }
}

function compileMap(schema: Schema, options: RenderOptions): Renderer {
  const keySchema = partOf(schema.keySchema, 'MAP')
  const keyText = compileRenderer(keySchema, options)
  const valueText = compileRenderer(partOf(schema.valueSchema, 'MAP'), options)
  const asObject = keySchema.type === 'STRING' && options.compactMaps
  return (value) => {
    if (!(value instanceof Map)) throw new DataError(`MAP holds ${typeof value}`)
    const entries = [...(value as ReadonlyMap<ConnectValue, ConnectValue>)]
    if (asObject) return `{${entries.map(([k, v]) => `${keyText(k)}:${valueText(v)}`).join(',')}}`
    return `[${entries.map(([k, v]) => `{"key":${keyText(k)},"value":${valueText(v)}}`).join(',')}]`
  }
}

function compileStruct(schema: Schema, options: RenderOptions): Renderer {
  const fields = schema.fields.map((field) => ({
    head: `${JSON.stringify(field.name)}:`,
    render: fieldRenderer(field, options),
  }))
  return (value) => {
    const parts = structOf(value, schema)
    let text = '{'
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i] as (typeof fields)[number]
      text +=
        i === 0
          ? field.head + field.render(parts[i] as ConnectValue)
          : `,${field.head}${field.render(parts[i] as ConnectValue)}`
    }
    return `${text}}`
  }
}

/** The renderer of a field. Its errors name the field. */
export function fieldRenderer(field: Field, options: RenderOptions): Renderer {
  const { onInfinity } = options
  const render = compileRenderer(field.schema, {
    ...options,
    onInfinity: (inner) => onInfinity(inner === '' ? field.name : `${field.name}.${inner}`),
  })
  return (value) => {
    try {
      return render(value)
    } catch (error) {
      if (error instanceof DataError) throw new DataError(`field '${field.name}': ${error.message}`, { cause: error })
      throw error
    }
  }
}

/** The values of a STRUCT. @throws DataError when the value is not one. */
export function structOf(value: ConnectValue, schema: Schema): readonly ConnectValue[] {
  if (Array.isArray(value)) return value as readonly ConnectValue[]
  throw new DataError(`STRUCT (${schema.name ?? 'unnamed'}) holds ${typeof value}`)
}

function partOf(schema: Schema | null, type: string): Schema {
  if (schema === null) throw new DataError(`a schema of type ${type} lacks the schema of its parts`)
  return schema
}

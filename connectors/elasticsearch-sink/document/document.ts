import { DataError, fieldOf, type ConnectValue, type Schema } from 'penstock/api'
import { isObject, jsonOf } from './json-text.ts'
import type { Placeholder } from './placeholder.ts'
import { compileRenderer, fieldRenderer, structOf, type RenderOptions, type Renderer } from './render.ts'

/** A document's JSON. `holes` are the fields that are left out because their values are unavailable: the stored values stay. */
export interface Document {
  readonly json: string
  readonly holes: readonly string[] | null
}

/** The change that a record's value describes. `rowSchema` is the schema of the document, if there is one. */
export type Change =
  | { readonly kind: 'write'; readonly document: Document; readonly rowSchema: Schema | null }
  | { readonly kind: 'delete' }

export interface DocumentOptions extends RenderOptions {
  readonly unwrap: boolean
  readonly placeholder: Placeholder
}

/** `unchanged`: columns whose values the source did not send, whatever stands for them. */
type Reader = (value: ConnectValue, unchanged: readonly string[]) => Change

const none: readonly string[] = []

/** Reads values into changes; compiled once per schema object. */
export class DocumentReader {
  readonly #options: DocumentOptions
  readonly #readers = new WeakMap<Schema, Reader>()

  constructor(options: DocumentOptions) {
    this.#options = options
  }

  /** @throws DataError when the value makes no document. */
  read(schema: Schema | null, value: ConnectValue, unchanged: readonly string[] = none): Change {
    if (schema === null) return this.#schemaless(value, unchanged)
    let reader = this.#readers.get(schema)
    if (reader === undefined) {
      reader = compileReader(schema, this.#options)
      this.#readers.set(schema, reader)
    }
    return reader(value, unchanged)
  }

  #schemaless(value: ConnectValue, unchanged: readonly string[]): Change {
    if (!isObject(value)) throw new DataError(`a document is an object; the value is ${describe(value)}`)
    if (!this.#options.unwrap || !isEnvelope(value)) return this.#plain(value, unchanged)
    const op = value['op']
    if (op === 'd') return { kind: 'delete' }
    const after = value['after']
    if (op === 't' || !isObject(after)) throw noRow(String(op))
    return this.#plain(after, unchanged)
  }

  #plain(value: { readonly [key: string]: ConnectValue }, unchanged: readonly string[]): Change {
    const json = jsonOf(value)
    const { placeholder } = this.#options
    if (unchanged.length === 0 && !placeholder.mayHold(json))
      return { kind: 'write', document: { json, holes: null }, rowSchema: null }
    const fields: string[] = []
    const holes: string[] = []
    for (const [name, part] of Object.entries(value)) {
      const text = jsonOf(part)
      if (placeholder.isJson(text) || unchanged.includes(name)) holes.push(name)
      else fields.push(`${JSON.stringify(name)}:${text}`)
    }
    return {
      kind: 'write',
      document: { json: `{${fields.join(',')}}`, holes: holes.length === 0 ? null : holes },
      rowSchema: null,
    }
  }
}

function compileReader(schema: Schema, options: DocumentOptions): Reader {
  if (schema.type !== 'STRUCT') {
    if (schema.type !== 'MAP')
      return (value) => {
        throw new DataError(`a document is a STRUCT or a MAP; the value is ${schema.type} (${describe(value)})`)
      }
    const render = compileRenderer(schema, options)
    return (value) => ({ kind: 'write', document: { json: render(value), holes: null }, rowSchema: null })
  }
  const op = fieldOf(schema, 'op')
  const after = fieldOf(schema, 'after')
  if (!options.unwrap || schema.name?.endsWith('.Envelope') !== true || op === undefined || after === undefined) {
    return rowReader(schema, options)
  }
  const row = rowReader(after.schema, options)
  return (value, unchanged) => {
    const parts = structOf(value, schema)
    const kind = parts[op.index]
    if (kind === 'd') return { kind: 'delete' }
    const image = parts[after.index] ?? null
    if (kind === 't' || image === null) throw noRow(String(kind))
    return row(image, unchanged)
  }
}

function rowReader(schema: Schema, options: DocumentOptions): Reader {
  const columns = schema.fields.map((field) => ({
    ...columnOf(field.name, fieldRenderer(field, options)),
    unavailable: options.placeholder
      .valuesFor(field.schema)
      .map(compileRenderer({ ...field.schema, optional: false, defaultValue: undefined }, options)),
  }))
  return (value, unchanged) => {
    const parts = structOf(value, schema)
    let json = '{'
    let holes: string[] | null = null
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] as (typeof columns)[number]
      const text = column.render(parts[i] as ConnectValue)
      if (column.unavailable.includes(text) || unchanged.includes(column.name)) {
        holes = holes ?? []
        holes.push(column.name)
      } else json += json.length === 1 ? column.head + text : `,${column.head}${text}`
    }
    return { kind: 'write', document: { json: `${json}}`, holes }, rowSchema: schema }
  }
}

function columnOf(name: string, render: Renderer): { name: string; head: string; render: Renderer } {
  return { name, head: `${JSON.stringify(name)}:`, render }
}

/** Recognizes a schemaless change event by its `op`, its `source`, and a row image. */
function isEnvelope(value: { readonly [key: string]: ConnectValue }): boolean {
  return (
    typeof value['op'] === 'string' &&
    isObject(value['source']) &&
    (Object.hasOwn(value, 'after') || Object.hasOwn(value, 'before'))
  )
}

function noRow(op: string): DataError {
  return new DataError(
    op === 't'
      ? 'a TRUNCATE cannot be applied to an index. Set skipped.operations=t at the source (its default), and empty the index yourself'
      : `a change event with op '${op}' holds no row after the change`,
    { code: op === 't' ? 'ES_TRUNCATE' : 'ES_NO_ROW' },
  )
}

function describe(value: ConnectValue): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return value instanceof Uint8Array ? 'bytes' : typeof value
}

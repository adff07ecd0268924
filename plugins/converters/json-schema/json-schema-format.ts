import {
  DataError,
  holdsDecimal,
  jsonReader,
  jsonWriter,
  keepJsonText,
  plainJson,
  utf8,
  type ConnectValue,
  type JsonObject,
  type JsonWriter,
  type Schema,
  type SchemaText,
} from 'penstock/api'

import { checkUtf8, parse } from '../json-envelope.ts'
import { PayloadReader } from '../json/payload-reader.ts'
import type { MessageReader, SchemaFormat } from '../registry/schema-format.ts'
import { whyRefused } from './acceptance.ts'
import { connectOfJsonSchema } from './connect-of-json-schema.ts'
import type { JsonSchemaOptions } from './json-schema-options.ts'
import { dataForm, jsonSchemaOfConnect } from './json-schema-of-connect.ts'
import { SchemaDocuments } from './schema-documents.ts'
import { pieceOf } from './schema-shape.ts'

/** The schema of values without one: it accepts all. */
const anythingText = '{}'

const adviceIfMissing = '. If the producer leaves out what is not required, set use.optional.for.nonrequired=true'

/** JSON with JSON Schemas, as Confluent's converter writes and reads it. */
export class JsonSchemaFormat implements SchemaFormat<SchemaDocuments> {
  readonly type = 'JSON'
  readonly invalidCode = 'JSON_INVALID'
  readonly writesNull = true
  readonly types = null
  readonly #options: JsonSchemaOptions

  constructor(options: JsonSchemaOptions) {
    this.#options = options
  }

  textOf(schema: Schema | null): string {
    return schema === null ? anythingText : notTooDeep(() => jsonSchemaOfConnect(schema, this.#options))
  }

  parse(schema: SchemaText): SchemaDocuments {
    return notTooDeep(() => new SchemaDocuments(schema))
  }

  /** The title, also of the schema of a value that may be null. */
  recordNameOf({ root }: SchemaDocuments): string | null {
    const { shape, attributes } = notTooDeep(() => pieceOf(root))
    const branches = shape.kind === 'combined' ? shape.branches : []
    const titles = [attributes, ...branches.map((branch) => branch.attributes)].map(titleOf)
    return titles.find((title) => title !== null) ?? null
  }

  writer(_documents: SchemaDocuments, schema: Schema | null): JsonWriter {
    if (schema !== null) return notTooDeep(() => jsonWriter(schema, dataForm(this.#options)))
    return (sink, value) => {
      sink.utf8(plainJson(value))
    }
  }

  reader(documents: SchemaDocuments, version: number | null): MessageReader {
    return notTooDeep(() => {
      const schema = connectOfJsonSchema(documents, this.#options, version)
      if (schema === null) return { schema, read: readPlain }
      const form = dataForm(this.#options)
      const read = jsonReader(schema, { ...form, adviceIfMissing })
      const payload = new PayloadReader(schema, form)
      const exactFractions = holdsDecimal(schema)
      return {
        schema,
        read: (bytes, offset) => {
          const data = checkedUtf8(bytes, offset)
          const value = payload.read(data, 0, data.length)
          return value === undefined ? read(parse(utf8(data), exactFractions)) : value
        },
      }
    })
  }

  whyUnreadable({ schema }: { readonly schema: Schema | null }, latest: SchemaText): string | null {
    const documents = this.parse(latest)
    if (schema !== null) return notTooDeep(() => whyRefused(schema, documents))
    return pieceOf(documents.root).shape.kind === 'anything' ? null : 'the value has no schema'
  }
}

/** Schemas are read by functions that call themselves for each level. @throws DataError */
function notTooDeep<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new DataError('the JSON Schema is nested too deeply', { cause: error, code: 'JSON_SCHEMA_INVALID' })
  }
}

function titleOf({ title }: JsonObject): string | null {
  return typeof title === 'string' ? title : null
}

function readPlain(bytes: Uint8Array, offset: number): ConnectValue {
  const text = utf8(checkedUtf8(bytes, offset))
  // Parsed JSON is data without a schema.
  const value = parse(text, false) as ConnectValue
  keepJsonText(value, text)
  return value
}

function checkedUtf8(bytes: Uint8Array, offset: number): Uint8Array {
  const data = bytes.subarray(offset)
  checkUtf8(data)
  return data
}

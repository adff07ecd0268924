import {
  DataError,
  errorMessage,
  fieldOf,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type Field,
  type Schema,
  type StructValue,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { requireStruct } from '../../record/requirements.ts'
import { perSchema, structOf } from '../../record/struct-shape.ts'
import { JsonPayloads, type Expanded } from './json-payload.ts'

const transform = 'DecodeLogicalDecodingMessageContent'
const messageSchema = 'io.debezium.connector.postgresql.MessageValue'

const configDef = {
  'fields.null.include': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'MEDIUM',
    doc: 'Whether members of the content that are null are kept, as optional BYTES.',
    displayName: 'Defines whether to include fields with null values to the decoded structure',
    width: 'MEDIUM',
    order: 1,
  },
} as const satisfies ConfigDef

/**
 * Debezium's [decoding of logical messages](https://debezium.io/documentation/reference/stable/transformations/decode-logical-decoding-message-content.html):
 * makes an insert of a logical decoding message (`pg_logical_emit_message`) whose content is a JSON object. The outbox event
 * router can take it for a row of its table. Other records are not changed.
 */
class DecodeMessageContent implements Transform {
  readonly #payloads: JsonPayloads
  readonly #schemasOf = perSchema(() => new WeakMap<Schema, Schema>())

  constructor(keepsNull: boolean) {
    this.#payloads = new JsonPayloads(keepsNull)
  }

  apply<R extends ConnectRecord>(record: R): R {
    const { value, valueSchema } = record
    if (valueSchema?.name !== messageSchema) return record
    const values = requireStruct(valueSchema, value, transform)
    const message = named(valueSchema, 'message')
    const content = this.#content(message, values)
    const kept = valueSchema.fields.filter((field) => field !== message)
    return {
      ...record,
      keySchema: null,
      key: null,
      valueSchema: this.#schema(valueSchema, kept, content.schema),
      value: [...kept.map((field) => (field.name === 'op' ? 'c' : valueOf(values, field))), content.value],
    }
  }

  #content(message: Field, values: StructValue): Expanded {
    const inner = requireStruct(message.schema, values[message.index] ?? null, transform)
    const field = named(message.schema, 'content')
    const bytes = inner[field.index] ?? null
    if (field.schema.type !== 'BYTES' || !(bytes instanceof Uint8Array)) {
      throw new DataError(
        `${transform}: the content of the logical decoding message is ${bytes === null ? 'null' : 'non-binary'}`,
      )
    }
    try {
      return this.#payloads.expand(null, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
    } catch (cause) {
      const why = errorMessage(cause)
      throw new DataError(`${transform}: the content of the logical decoding message is no JSON object: ${why}`, {
        cause,
      })
    }
  }

  /** The end of its name makes it the schema of a change event. */
  #schema(source: Schema, kept: readonly Field[], content: Schema): Schema {
    const schemas = this.#schemasOf(source)
    let schema = schemas.get(content)
    if (schema === undefined) {
      const fields = [...kept, { name: 'after', schema: content }]
      schema = structOf(fields, { name: `${messageSchema}.Envelope` }, transform)
      schemas.set(content, schema)
    }
    return schema
  }
}

function named(schema: Schema, name: string): Field {
  const field = fieldOf(schema, name)
  if (field === undefined) throw new DataError(`${transform}: the logical decoding message has no field "${name}"`)
  return field
}

function valueOf(values: StructValue, { index, schema }: Field): ConnectValue {
  return values[index] ?? schema.defaultValue ?? null
}

/** `io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent`. */
export const plugin: TransformPlugin = {
  kind: 'transformation',
  className: `io.debezium.connector.postgresql.transforms.${transform}`,
  aliases: [],
  version: '3.2.3.Final',
  configDef,
  create: (config) => new DecodeMessageContent(config['fields.null.include'] === true),
}

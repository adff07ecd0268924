import { DataError, type ConnectValue, type Schema, type SchemaText } from 'penstock/api'

import type { MessageReader, MessageTypes, MessageWrite, SchemaFormat } from '../registry/schema-format.ts'
import { ProtoCursor } from './binary/proto-cursor.ts'
import { protoReader } from './binary/proto-reader.ts'
import { protoWriter } from './binary/proto-writer.ts'
import { messageIndexBytes, readMessageIndexes } from './message-indexes.ts'
import type { ProtobufOptions } from './protobuf-options.ts'
import type { ProtobufSchema, ProtoMessage } from './proto-types.ts'
import { connectOfProto } from './schema/connect-of-proto.ts'
import { parseProto } from './schema/parse-proto.ts'
import { whyNotReadable } from './schema/proto-compatibility.ts'
import { messageNameOf, protoOfConnect, wrapperOf } from './schema/proto-of-connect.ts'

/** Protobuf, as Confluent's converter writes and reads it. */
export class ProtobufFormat implements SchemaFormat<ProtobufSchema> {
  readonly type = 'PROTOBUF'
  readonly invalidCode = 'PROTOBUF_INVALID'
  readonly writesNull = false
  readonly types: MessageTypes<ProtobufSchema> = {
    typeIn: messageTypeIn,
    ofType: schemaOfType,
    ofSchema: (parsed, schema) => this.#ofSchema(parsed, schema),
    headOf: ({ indexes }) => messageIndexBytes(indexes),
  }
  readonly #options: ProtobufOptions
  readonly #cursor = new ProtoCursor()

  constructor(options: ProtobufOptions) {
    this.#options = options
  }

  textOf(schema: Schema | null): string {
    if (schema !== null) return notTooDeep(() => protoOfConnect(schema, this.#options))
    throw new DataError(
      'data without a schema cannot be written as Protobuf. Use records with a schema, or the converter org.apache.kafka.connect.json.JsonConverter',
      { code: 'PROTOBUF_SCHEMA_MISSING' },
    )
  }

  parse(schema: SchemaText): ProtobufSchema {
    return parseProto(schema)
  }

  recordNameOf({ message }: ProtobufSchema): string {
    return message.fullName
  }

  writer({ message }: ProtobufSchema, schema: Schema | null): MessageWrite {
    if (schema === null) throw new DataError('data without a schema cannot be written as Protobuf')
    return notTooDeep(() => protoWriter(message, schema, this.#options))
  }

  reader({ message }: ProtobufSchema, version: number | null): MessageReader {
    return notTooDeep(() => {
      const schema = connectOfProto(message, this.#options, version)
      const read = protoReader(message, schema, this.#options)
      const cursor = this.#cursor
      return {
        schema,
        read: (bytes: Uint8Array, offset: number): ConnectValue => {
          cursor.begin(bytes, readMessageIndexes(bytes, offset, null))
          const value = read(cursor)
          cursor.end()
          return value
        },
      }
    })
  }

  whyUnreadable(
    { schema, text }: { readonly schema: Schema | null; readonly text: string },
    latest: SchemaText,
  ): string | null {
    const [own, other] = [{ text, references: [] }, latest].map(
      (each) => this.#ofSchema(parseProto(each), schema).message,
    ) as [ProtoMessage, ProtoMessage]
    return whyNotReadable(own, other)
  }

  /** The message type with the name of the Connect schema; without its package, if there is none; or else the first one. */
  #ofSchema(parsed: ProtobufSchema, schema: Schema | null): ProtobufSchema {
    if (schema === null) return parsed
    const wanted = wrapperOf(schema) ?? messageNameOf(schema, this.#options)
    const index = [
      parsed.messages.findIndex(({ fullName }) => fullName === wanted),
      parsed.messages.findIndex(({ name }) => name === wanted.slice(wanted.lastIndexOf('.') + 1)),
    ].find((each) => each >= 0)
    return index === undefined
      ? parsed
      : { ...parsed, message: parsed.messages[index] as ProtoMessage, indexes: [index] }
  }
}

const firstType = ''

/** The message indexes as text; empty for the first type. */
function messageTypeIn(bytes: Uint8Array, offset: number): string {
  if (bytes[offset] === 0) return firstType
  const indexes: number[] = []
  readMessageIndexes(bytes, offset, indexes)
  const text = indexes.join(',')
  return text === '0' ? firstType : text
}

function schemaOfType(parsed: ProtobufSchema, type: string): ProtobufSchema {
  if (type === firstType) return parsed
  const indexes = type.split(',').map(Number)
  let { messages } = parsed
  let message: ProtoMessage | undefined
  for (const index of indexes) {
    message = messages[index]
    messages = message?.nested ?? []
  }
  if (message !== undefined) return { ...parsed, message, indexes }
  throw new DataError(`the message has the message indexes ${type}, and its schema no message type there`, {
    code: 'PROTOBUF_TYPE_UNKNOWN',
  })
}

/** Schemas are read by functions that call themselves for each level. @throws DataError */
function notTooDeep<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new DataError('the schema is nested too deeply', { cause: error, code: 'PROTOBUF_SCHEMA_INVALID' })
  }
}

import { primitive, struct, type ConnectValue, type Schema } from 'penstock/api'
import type { LogicalMessage } from '../replication/pgoutput.ts'
import type { NamePattern } from '../schema/name-pattern.ts'
import type { BinaryMode } from '../values/column-type.ts'
import { binaryText } from '../values/decode-scalar.ts'
import { sourceSchema, transactionSchema } from './envelope.ts'

/** The options for logical messages. */
export interface MessageSettings {
  readonly topic: string
  readonly include: readonly NamePattern[]
  readonly exclude: readonly NamePattern[]
  readonly binary: BinaryMode
}

const optionalString = primitive('STRING', { optional: true })

export const messageKeySchema = struct([['prefix', optionalString]], {
  name: 'io.debezium.connector.postgresql.MessageKey',
  version: 1,
})

/** Builds the records of `pg_logical_emit_message`: in their own topic, with the prefix as key. */
export class MessageForm {
  readonly #settings: MessageSettings
  readonly valueSchema: Schema
  readonly #content: (bytes: Buffer) => ConnectValue

  constructor(settings: MessageSettings) {
    this.#settings = settings
    const { binary } = settings
    this.#content = binary === 'bytes' ? (bytes) => bytes : binaryText(binary)
    const content = primitive(binary === 'bytes' ? 'BYTES' : 'STRING', { optional: true })
    const message = struct(
      [
        ['prefix', optionalString],
        ['content', content],
      ],
      { name: 'io.debezium.connector.postgresql.Message', version: 1 },
    )
    this.valueSchema = struct(
      [
        ['op', primitive('STRING')],
        ['ts_ms', primitive('INT64', { optional: true })],
        ['source', sourceSchema],
        ['transaction', transactionSchema],
        ['message', message],
      ],
      { name: 'io.debezium.connector.postgresql.MessageValue', version: 1 },
    )
  }

  /** Returns whether messages with this prefix are captured. */
  includes(prefix: string): boolean {
    const { include, exclude } = this.#settings
    if (include.length > 0) return include.some(({ regex }) => regex.test(prefix))
    return !exclude.some(({ regex }) => regex.test(prefix))
  }

  get topic(): string {
    return this.#settings.topic
  }

  /** @param source the `source` block, without a table */
  value({ prefix, content }: LogicalMessage, source: readonly ConnectValue[], nowMs: number): readonly ConnectValue[] {
    return ['m', nowMs, source, null, [prefix, this.#content(content)]]
  }
}

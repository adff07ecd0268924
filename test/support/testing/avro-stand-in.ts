import type { ConnectValue, Converter, Schema, SchemaAndValue } from 'penstock/api'

import { plugin } from '../../../plugins/converters/json-converter.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'

/** A JsonConverter with schemas. */
export function jsonWithSchemas(decimals: 'BASE64' | 'NUMERIC'): Converter {
  return plugin.create(parseConfig(plugin.configDef, { 'decimal.format': decimals }), {}, false)
}

/** Stands for the Avro converter, as in `CloudEventsOracle`: bytes with the id 7, the topic, and an envelope of JsonConverter. */
export class StandIn implements Converter {
  readonly #json = jsonWithSchemas('BASE64')

  fromConnect(topic: string, schema: Schema | null, value: ConnectValue): Buffer | null {
    const text = this.#json.fromConnect(topic, schema, value) ?? Buffer.from('null')
    return Buffer.concat([Buffer.of(0, 0, 0, 0, 7), Buffer.from(`${topic}\n`), text])
  }

  toConnect(topic: string, bytes: Uint8Array | null): SchemaAndValue {
    if (bytes === null) return { schema: null, value: null }
    const data = Buffer.from(bytes.subarray(5))
    const end = data.indexOf('\n')
    const name = data.subarray(0, end).toString()
    if (name !== topic) throw new TypeError(`the topic is ${topic}, not ${name}`)
    return this.#json.toConnect(topic, data.subarray(end + 1))
  }
}

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import avsc from 'avsc'
import { NotReadyError, type ConnectValue, type Converter, type ConverterPlugin } from 'penstock/api'

import { plugin as avro } from '../../plugins/converters/avro-converter.ts'
import { plugin as json } from '../../plugins/converters/json-converter.ts'
import { plugin as protobuf } from '../../plugins/converters/protobuf-converter.ts'
import { parseConfig } from '../../src/config/definition/parse-config.ts'
import type { BenchContext } from '../parts/context.ts'
import type { Measurement } from '../parts/results.ts'
import { changes, envelope } from '../parts/row-change.ts'

/** The number of records of a run. */
export const recordsOf = (rows: number): number => Math.min(rows, 500_000)

export const unit = 'records/s of CPU'

/** Converts changes to bytes and back: with the Avro converter, beside avsc's own types, the Protobuf and the JSON converter. On one core, without I/O. */
export async function converters({ rows, runs }: BenchContext): Promise<readonly Measurement[]> {
  const count = recordsOf(rows)
  const server = await registry()
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const converter = converterOf(avro, { 'schema.registry.url': url })
    await whenReady(() => converter.fromConnect('orders', envelope, changeOf(0)))
    const bytes = messagesOf(converter)
    await whenReady(() => converter.toConnect('orders', at(bytes, 0)))
    const type = avsc.Type.forSchema(JSON.parse(registered) as avsc.Schema, { wrapUnions: true })
    const ofProtobuf = converterOf(protobuf, { 'schema.registry.url': url, 'optional.for.nullables': 'true' })
    await whenReady(() => ofProtobuf.fromConnect('orders', envelope, changeOf(0)))
    const protobufBytes = messagesOf(ofProtobuf)
    await whenReady(() => ofProtobuf.toConnect('orders', at(protobufBytes, 0)))
    const plain = converterOf(json, { 'schemas.enable': 'false' })
    const withSchemas = converterOf(json, {})
    const ofAvsc = bytes.map((message): unknown => type.fromBuffer(message.subarray(5)))
    const [jsonBytes, schemaBytes] = [messagesOf(plain), messagesOf(withSchemas)]
    const rate = (who: string, what: string, once: (i: number) => unknown): Measurement => ({
      what,
      who,
      unit,
      samples: ratesOf(runs, count, once),
      conditions: { records: count, columns: 12 },
    })
    const write = (one: Converter) => (i: number) => one.fromConnect('orders', envelope, changeOf(i))
    return [
      rate('penstock', 'change → Avro', write(converter)),
      rate("avsc's types", 'change → Avro', (i) => type.toBuffer(ofAvsc[i % ofAvsc.length])),
      rate('penstock', 'Avro → change', (i) => converter.toConnect('orders', at(bytes, i))),
      rate("avsc's types", 'Avro → change', (i) => type.fromBuffer(at(bytes, i).subarray(5)) as unknown),
      rate('penstock', 'change → Protobuf', write(ofProtobuf)),
      rate('penstock', 'Protobuf → change', (i) => ofProtobuf.toConnect('orders', at(protobufBytes, i))),
      rate('penstock', 'change → JSON', write(plain)),
      rate('penstock', 'change → JSON with schemas', write(withSchemas)),
      rate('penstock', 'JSON → change', (i) => plain.toConnect('orders', at(jsonBytes, i))),
      rate('penstock', 'JSON with schemas → change', (i) => withSchemas.toConnect('orders', at(schemaBytes, i))),
    ]
  } finally {
    server.close()
  }
}

const changeOf = (i: number): ConnectValue => changes[i % changes.length] ?? null

function messagesOf(converter: Converter): readonly Buffer[] {
  return changes.map((value) => Buffer.from(converter.fromConnect('orders', envelope, value) ?? []))
}

function at(messages: readonly Buffer[], i: number): Buffer {
  return messages[i % messages.length] ?? Buffer.of()
}

/** Records per second of CPU time, in each run after one of warm-up: others on the machine change it less than that of the clock. */
function ratesOf(runs: number, count: number, once: (i: number) => unknown): readonly number[] {
  const rates: number[] = []
  for (let run = 0; run <= runs; run += 1) {
    const start = process.cpuUsage()
    for (let i = 0; i < count; i += 1) once(i)
    const { user, system } = process.cpuUsage(start)
    if (run > 0) rates.push((count / (user + system)) * 1_000_000)
  }
  return rates
}

let registered = '"null"'
let schemaType = 'AVRO'

/** A registry with one schema, that which was registered last. */
async function registry(): Promise<Server> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { method = '', url = '' } = request
      if (method === 'POST') {
        const given = JSON.parse(Buffer.concat(parts).toString()) as { schema: string; schemaType?: string }
        registered = given.schema
        schemaType = given.schemaType ?? 'AVRO'
      }
      const schema = { id: 1, schema: registered, schemaType }
      response.end(url.endsWith('/versions') && method === 'GET' ? '[]' : JSON.stringify(schema))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

function converterOf(plugin: ConverterPlugin, raw: Readonly<Record<string, string>>): Converter {
  return plugin.create(parseConfig(plugin.configDef, raw), raw, false)
}

async function whenReady<T>(call: () => T): Promise<T> {
  for (;;) {
    try {
      return call()
    } catch (error) {
      if (!(error instanceof NotReadyError)) throw error
      await error.ready(new AbortController().signal)
    }
  }
}

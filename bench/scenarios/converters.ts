import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import avsc from 'avsc'
import { NotReadyError, primitive, struct, type ConnectValue, type Converter, type ConverterPlugin } from 'penstock/api'

import { plugin as avro } from '../../plugins/converters/avro-converter.ts'
import { plugin as json } from '../../plugins/converters/json-converter.ts'
import { plugin as protobuf } from '../../plugins/converters/protobuf-converter.ts'
import { parseConfig } from '../../src/config/definition/parse-config.ts'
import type { BenchContext } from '../parts/context.ts'
import type { Measurement } from '../parts/results.ts'

const maxRecords = 500_000
const text = primitive('STRING')
const optionalText = primitive('STRING', { optional: true })
const long = primitive('INT64')

const row = struct(
  [
    ['id', long],
    ['customer', long],
    ['state', text],
    ['note', optionalText],
    ['amount', primitive('FLOAT64')],
    ['count', primitive('INT32')],
    ['paid', primitive('BOOLEAN')],
    ['created', primitive('INT64', { name: 'io.debezium.time.MicroTimestamp', version: 1 })],
    ['updated', primitive('INT64', { name: 'io.debezium.time.MicroTimestamp', version: 1, optional: true })],
    ['city', optionalText],
    ['street', text],
    ['code', text],
  ],
  { name: 'shop.public.orders.Value', optional: true },
)
const source = struct(
  [
    ['version', text],
    ['connector', text],
    ['name', text],
    ['ts_ms', long],
    ['snapshot', optionalText],
    ['db', text],
    ['sequence', optionalText],
    ['schema', text],
    ['table', text],
    ['txId', primitive('INT64', { optional: true })],
    ['lsn', primitive('INT64', { optional: true })],
    ['xmin', primitive('INT64', { optional: true })],
  ],
  { name: 'io.debezium.connector.postgresql.Source', version: 1 },
)
/** A change of a table with 12 columns, as Debezium has it. */
const envelope = struct(
  [
    ['before', row],
    ['after', row],
    ['source', source],
    ['op', text],
    ['ts_ms', primitive('INT64', { optional: true })],
  ],
  { name: 'shop.public.orders.Envelope', version: 1 },
)

/** Converts changes to bytes and back: with the Avro converter, beside avsc's own types, the Protobuf and the JSON converter. On one core, without I/O. */
export async function converters({ rows, runs }: BenchContext): Promise<readonly Measurement[]> {
  const count = Math.min(rows, maxRecords)
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
      unit: 'records/s of CPU',
      samples: ratesOf(runs, count, once),
      conditions: { records: count, columns: 12 },
    })
    const write = (one: Converter) => (i: number) => one.fromConnect('orders', envelope, changeOf(i))
    return [
      rate('penstock', 'change → Avro', write(converter)),
      rate("avsc's types", 'change → Avro', (i) => type.toBuffer(ofAvsc[i % changes])),
      rate('penstock', 'Avro → change', (i) => converter.toConnect('orders', at(bytes, i))),
      rate("avsc's types", 'Avro → change', (i) => type.fromBuffer(at(bytes, i).subarray(5)) as unknown),
      rate('penstock', 'change → Protobuf', write(ofProtobuf)),
      rate('penstock', 'Protobuf → change', (i) => ofProtobuf.toConnect('orders', at(protobufBytes, i))),
      rate('penstock', 'change → JSON', write(plain)),
      rate('penstock, with schemas', 'change → JSON', write(withSchemas)),
      rate('penstock', 'JSON → change', (i) => plain.toConnect('orders', at(jsonBytes, i))),
      rate('penstock, with schemas', 'JSON → change', (i) => withSchemas.toConnect('orders', at(schemaBytes, i))),
    ]
  } finally {
    server.close()
  }
}

const changes = 64
const values = Array.from({ length: changes }, (_, i) => newChange(i))

/** Changes of 64 rows in turn, each an object of its own as those of a source are. */
function changeOf(i: number): ConnectValue {
  return values[i % changes] ?? null
}

function messagesOf(converter: Converter): readonly Buffer[] {
  return values.map((value) => Buffer.from(converter.fromConnect('orders', envelope, value) ?? []))
}

function at(messages: readonly Buffer[], i: number): Buffer {
  return messages[i % changes] ?? Buffer.of()
}

function newChange(i: number): ConnectValue {
  const time = 1_700_000_000_000_000 + i
  const after = [
    i,
    i * 7,
    'delivered',
    i % 2 === 0 ? null : `leave at door ${i}`,
    i / 3,
    i % 100,
    true,
    time,
    time + 5,
    'Zürich',
    `Bahnhofstrasse ${i}`,
    'AB-12',
  ]
  const from = [
    '3.2.3.Final',
    'postgresql',
    'shop',
    1_700_000_000_000 + i,
    'false',
    'shop',
    `["${33_500_000 + i}","${33_500_001 + i}"]`,
    'public',
    'orders',
    900 + i,
    33_500_000 + i,
    null,
  ]
  return [null, after, from, 'u', 1_700_000_000_100 + i]
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

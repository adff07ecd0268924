import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { arrayOf, Logical, mapOf, primitive, struct, type Converter } from 'penstock/api'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { avroConverter, whenReady } from '../../support/registry/avro-converters.ts'
import { jsonSchemaConverter } from '../../support/registry/json-schema-codec.ts'
import { protobufConverter } from '../../support/registry/protobuf-codec.ts'
import { TestRegistry } from '../../support/registry/test-registry.ts'
import { describeWith, service } from '../../support/services.ts'

const program = fileURLToPath(new URL('python_exchange.py', import.meta.url))
const optional = { optional: true }
const order = struct(
  [
    ['id', primitive('INT64')],
    ['note', primitive('STRING', optional)],
    ['paid', primitive('BOOLEAN')],
    ['share', primitive('FLOAT64')],
    ['tags', arrayOf(primitive('STRING'))],
    ['counts', mapOf(primitive('STRING'), primitive('INT32'))],
    ['at', primitive('INT64', { name: Logical.timestamp, version: 1 })],
    ['place', struct([['town', primitive('STRING')]], { name: 'Place', ...optional })],
  ],
  { name: 'Order' },
)
const orders = [
  [2n ** 53n + 1n, 'é "quoted"', true, 0.5, ['a', ''], new Map([['k', -1]]), 1_700_000_000_123, ['Bern']],
  [-3, null, false, -1e300, [], new Map(), 1, null],
] as const

interface Exchanged {
  readonly values: readonly unknown[]
  readonly messages: readonly string[]
}

function runPython(given: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PYTHONPATH: service('confluent_kafka') }
    const child = execFile('python3', [program], { env }, (error, stdout) => {
      if (error === null) resolve(stdout)
      else reject(error)
    })
    child.stdin?.end(JSON.stringify(given))
  })
}

describeWith(['confluent_kafka'], "Confluent's client for Python", () => {
  let broker: BrokerHarness
  let registry: TestRegistry
  beforeAll(async () => {
    broker = await BrokerHarness.start()
    registry = await TestRegistry.start(broker.bootstrap)
  })
  afterAll(async () => {
    await registry?.close()
    await broker?.close()
  })

  it('reads what the converters of Avro, JSON Schema and Protobuf have written, and they read what it writes', async () => {
    const converters: Readonly<Record<string, Converter>> = {
      avro: avroConverter(registry.url),
      json: jsonSchemaConverter(registry.url),
      protobuf: protobufConverter(registry.url, { 'optional.for.nullables': 'true' }),
    }
    const cases = await Promise.all(
      Object.entries(converters).map(async ([format, converter]) => {
        const messages: string[] = []
        for (const value of orders) {
          const bytes = await whenReady(() => converter.fromConnect(format, order, value))
          messages.push(Buffer.from(bytes ?? '').toString('hex'))
        }
        return { format, topic: format, messages }
      }),
    )
    const printed = (await runPython({ url: registry.url, cases })).trimEnd().split('\n')
    const [avro, json, protobuf] = printed.map((line) => JSON.parse(line) as Exchanged)
    const plain = [
      { note: 'é "quoted"', paid: true, share: 0.5, tags: ['a', ''], counts: { k: -1 }, place: { town: 'Bern' } },
      { id: -3, note: null, paid: false, share: -1e300, tags: [], counts: {}, place: null },
    ]
    expect(avro?.values).toMatchObject(plain)
    expect(avro?.values).toMatchObject([{ at: '2023-11-14 22:13:20.123000+00:00' }, {}])
    expect(json?.values).toMatchObject(plain)
    for (const line of printed) expect(line).toMatch(/"id": "?9007199254740993"?,/)
    // Protobuf's JSON leaves out what has the default of its type.
    expect(protobuf?.values).toEqual([
      {
        id: '9007199254740993',
        note: 'é "quoted"',
        paid: true,
        share: 0.5,
        tags: ['a', ''],
        counts: [{ key: 'k', value: -1 }],
        at: '2023-11-14T22:13:20.123Z',
        place: { town: 'Bern' },
      },
      { id: '-3', share: -1e300, at: '1970-01-01T00:00:00.001Z' },
    ])
    for (const [i, { format, topic }] of cases.entries()) {
      const { messages = [] } = [avro, json, protobuf][i] ?? {}
      const back = await Promise.all(
        messages.map(async (hex) => {
          const converter = converters[format]
          return (await whenReady(() => converter?.toConnect(topic, Buffer.from(hex, 'hex'))))?.value
        }),
      )
      expect(back).toEqual(orders)
    }
  })
})

import { fileURLToPath } from 'node:url'

import { arrayOf, DataError, Logical, mapOf, primitive, RetriableError, struct, type Converter } from 'penstock/api'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'

import { RegistryClient } from '../../../plugins/converters/registry/registry-client.ts'
import { registryConfigDef } from '../../../plugins/converters/registry/registry-config-def.ts'
import { registrySettings } from '../../../plugins/converters/registry/http/registry-settings.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { ClientHarness, Outcomes, readAll } from '../../contract/client-harness.ts'
import { runOracle } from '../../oracle/run-oracle.ts'
import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { HttpFaults } from '../../support/http-faults.ts'
import { avroConverter, whenReady } from '../../support/registry/avro-converters.ts'
import { jsonSchemaConverter } from '../../support/registry/json-schema-codec.ts'
import { protobufConverter } from '../../support/registry/protobuf-codec.ts'
import { recordOf } from '../../support/registry/test-registry.ts'
import { describeWith, service } from '../../support/services.ts'

const { signal } = new AbortController()
const optional = { optional: true }
const order = struct(
  [
    ['id', primitive('INT64')],
    ['note', primitive('STRING', optional)],
    ['paid', primitive('BOOLEAN')],
    ['share', primitive('FLOAT64')],
    ['tags', arrayOf(primitive('STRING'))],
    ['counts', mapOf(primitive('STRING'), primitive('INT32'))],
    ['at', primitive('INT64', { name: Logical.timestamp })],
    ['place', struct([['town', primitive('STRING')]], { name: 'com.shop.Place', ...optional })],
  ],
  { name: 'com.shop.Order' },
)
const time = 1_700_000_000_000
const orders = [
  [2n ** 53n + 1n, 'é "quoted"', true, 0.5, ['a', ''], new Map([['k', -1]]), time, ['Bern']],
  [-3, null, false, -1e300, [], new Map(), -1, null],
] as const

const avro = (schema: unknown) => ({ type: 'AVRO', text: JSON.stringify(schema), normalize: false })

async function failure(promise: Promise<unknown>): Promise<Error> {
  return await promise.then(
    () => new RangeError('it succeeded'),
    (error: unknown) => error as Error,
  )
}

describeWith(['apicurio'], 'Apicurio as schema registry', () => {
  const run = `run${Date.now()}`
  let faults: HttpFaults
  let count = 0
  let topic = ''
  beforeAll(async () => {
    faults = await HttpFaults.before(service('apicurio'))
  })
  beforeEach(() => {
    count += 1
    topic = `${run}-${count}`
    faults.decide = () => ({ kind: 'pass' })
  })
  afterAll(async () => await faults?.close())

  const url = (): string => `${faults.url}${new URL(service('apicurio')).pathname}`
  const client = (): RegistryClient => {
    const config = { 'schema.registry.url': service('apicurio') }
    return new RegistryClient(registrySettings(parseConfig(registryConfigDef, config)), systemClock)
  }
  const setLevel = async (subject: string, compatibility: string): Promise<void> => {
    const response = await fetch(`${service('apicurio')}/config/${subject}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ compatibility }),
    })
    expect(response.status).toBe(200)
  }

  it('registers schemas, finds them by id, in their subject and as the latest, and says which it does not have', async () => {
    const [subject, schema] = [`${topic}/é-value`, avro(recordOf('Order', 'id:long'))]
    const { id } = await client().register(subject, schema, signal)
    expect(await client().register(subject, schema, signal)).toEqual({ id, guid: null })
    expect(await client().schemaOf(id, signal)).toEqual({ type: 'AVRO', text: schema.text, references: [] })
    expect(await client().lookUp(subject, schema, signal)).toEqual({ id, guid: null, version: 1 })
    expect(await client().latest(subject, signal)).toMatchObject({ identity: { id }, version: 1, text: schema.text })
    expect(await client().versionOf(id, subject, signal)).toBe(1)
    expect(await client().lookUp(subject, avro('int'), signal)).toBeNull()
    expect(await client().lookUp('none', schema, signal)).toBeNull()
    const unknown = await failure(client().schemaOf(4_000_000, signal))
    expect(unknown).toBeInstanceOf(DataError)
    expect(unknown.message).toMatch(/^SCHEMA_ID_UNKNOWN: .*has no schema with the id 4000000 \(40403: No content/)
    expect((await failure(client().latest('none', signal))).message).toMatch(/^SUBJECT_UNKNOWN: .*\(40401/)
    const invalid = await failure(client().register(subject, avro({ type: 'nonsense' }), signal))
    expect(invalid.message).toMatch(/^SCHEMA_REFUSED: .*42201: /)
  })

  it.each([
    ['AvroConverter', avroConverter, {}],
    ['JsonSchemaConverter', jsonSchemaConverter, {}],
    ['ProtobufConverter', protobufConverter, { 'optional.for.nullables': 'true' }],
  ] as const)('serves %s: what one has written, another one reads', async (_name, create, config) => {
    const writer = create(url(), config)
    for (const value of orders) {
      const bytes = await whenReady(() => writer.fromConnect(topic, order, value))
      expect(bytes?.[0]).toBe(0)
      const reader = create(url(), config)
      const read = await whenReady(() => reader.toConnect(topic, bytes))
      expect(read.value).toEqual(value)
    }
  })

  it('refuses an incompatible schema with its reasons, what changed and how to accept it', async () => {
    const [first, second] = [avroConverter(url()), avroConverter(url())]
    await whenReady(() => first.fromConnect(topic, struct([['id', primitive('INT64')]], { name: 'Row' }), [1]))
    await setLevel(`${topic}-value`, 'BACKWARD')
    const changed = struct(
      [
        ['id', primitive('STRING')],
        ['more', primitive('INT32')],
      ],
      { name: 'Row' },
    )
    const refused = await failure(whenReady(() => second.fromConnect(topic, changed, ['1', 2])))
    expect(refused).toBeInstanceOf(DataError)
    expect(refused.message).toMatch(/^SCHEMA_INCOMPATIBLE: .*it is incompatible.*id.*more.*\{"compatibility": "NONE"\}/)
    expect(refused.message).toContain('reader type: STRING not compatible with writer type: LONG at /fields/0/type')
  })

  it('is waited for when it is away in the middle, and the next message has the right id', async () => {
    const writer: Converter = avroConverter(url())
    const [one, two] = ['One', 'Two'].map((name) => struct([['id', primitive('INT64')]], { name }))
    const before = await whenReady(() => writer.fromConnect(`${topic}-one`, one ?? null, [1]))
    for (const kind of ['drop', 'cut'] as const) {
      faults.decide = () => ({ kind })
      expect(await whenReady(() => writer.fromConnect(`${topic}-one`, one ?? null, [1]))).toEqual(before)
      const waiting = await failure(whenReady(() => writer.fromConnect(`${topic}-two`, two ?? null, [2])))
      expect(waiting).toBeInstanceOf(RetriableError)
    }
    faults.decide = () => ({ kind: 'pass' })
    const bytes = await whenReady(() => writer.fromConnect(`${topic}-two`, two ?? null, [2]))
    const { identity } = await client().latest(`${topic}-two-value`, signal)
    expect(Buffer.from(bytes ?? '').readInt32BE(1)).toBe(identity.id)
    expect(identity.id).not.toBe(Buffer.from(before ?? '').readInt32BE(1))
  })

  it('lets a Java consumer read what the converters of Avro and JSON Schema have written, and they read what it writes', async () => {
    const broker = await BrokerHarness.start()
    const clients = new ClientHarness(broker.bootstrap)
    try {
      const kafka = await clients.connect()
      const converters = { avro: avroConverter(service('apicurio')), json: jsonSchemaConverter(service('apicurio')) }
      const asked = Object.keys(converters).map((format) => ({
        format,
        bootstrap: broker.bootstrap,
        registry: service('apicurio').replace('/ccompat/v7', '/registry/v2'),
        from: `${topic}-${format}`,
        // Apicurio's serializer of JSON takes the schema of the topic that it writes to.
        to: `${topic}-${format}-back`,
        count: orders.length,
      }))
      const outcomes = new Outcomes()
      const producer = kafka.producer(outcomes)
      for (const { format, from, to } of asked) {
        const converter = converters[format as keyof typeof converters]
        await kafka.admin.createTopic({ name: from, partitions: 1, replicationFactor: 1 })
        await kafka.admin.createTopic({ name: to, partitions: 1, replicationFactor: 1 })
        for (const [index, value] of orders.entries()) {
          const bytes = await whenReady(() => converter.fromConnect(from, order, value))
          await whenReady(() => converter.fromConnect(to, order, value))
          const record = { topic: from, partition: 0, key: Buffer.from('k'), headers: [], timestamp: null }
          producer.append({ ...record, value: bytes === null ? null : Buffer.from(bytes) }, index)
        }
      }
      await producer.flush()
      await producer.close()
      const texts = (await runOracle('apicurio', asked, program)) as string[][]
      const [asAvro = [], asJson = []] = texts.map((all) => all.map((text) => JSON.parse(text) as unknown))
      const plain = [
        { note: 'é "quoted"', paid: true, share: 0.5, tags: ['a', ''], counts: { k: -1 }, place: { town: 'Bern' } },
        { id: -3, note: null, paid: false, share: -1e300, tags: [], counts: {}, place: null },
      ]
      for (const values of [asAvro, asJson]) expect(values).toMatchObject(plain)
      expect(texts[0]?.[0]).toContain('"id": 9007199254740993,')
      for (const { format, to } of asked) {
        const converter = converters[format as keyof typeof converters]
        const back = await readAll(kafka, to)
        const values = await Promise.all(
          back.map(async ({ value }) => (await whenReady(() => converter.toConnect(to, value))).value),
        )
        expect(values).toEqual(orders)
      }
    } finally {
      await clients.close()
      await broker.close()
    }
  })
})

const program = fileURLToPath(new URL('JavaExchange.java', import.meta.url))

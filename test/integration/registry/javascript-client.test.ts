import { createRequire } from 'node:module'
import { join } from 'node:path'

import { primitive, struct } from 'penstock/api'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'

import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { avroConverter, whenReady } from '../../support/registry/avro-converters.ts'
import { jsonSchemaConverter } from '../../support/registry/json-schema-codec.ts'
import { protobufConverter } from '../../support/registry/protobuf-codec.ts'
import { recordOf, TestRegistry } from '../../support/registry/test-registry.ts'
import { describeWith, service } from '../../support/services.ts'

interface Reader {
  deserialize(topic: string, bytes: Buffer): Promise<unknown>
}
interface Writer {
  serialize(topic: string, value: unknown): Promise<Buffer>
}
interface Schema {
  readonly schema: string
  readonly schemaType?: string
}

/** The part of Confluent's client that is called here. */
interface Client {
  register(subject: string, schema: Schema): Promise<number>
  getBySubjectAndId(subject: string, id: number): Promise<Schema>
  getId(subject: string, schema: Schema): Promise<number>
  getAllVersions(subject: string): Promise<readonly number[]>
  testSubjectCompatibility(subject: string, schema: Schema): Promise<boolean>
  getCompatibility(subject: string): Promise<string>
  updateCompatibility(subject: string, compatibility: string): Promise<string>
  deleteSubject(subject: string, permanent?: boolean): Promise<readonly number[]>
  getAllSubjects(): Promise<readonly string[]>
}
type Made<T> = new (client: Client, kind: string, settings: object) => T
interface Package {
  readonly SchemaRegistryClient: new (settings: { readonly baseURLs: readonly string[] }) => Client
  readonly AvroSerializer: Made<Writer>
  readonly AvroDeserializer: Made<Reader>
  readonly JsonSerializer: Made<Writer>
  readonly JsonDeserializer: Made<Reader>
  readonly ProtobufDeserializer: Made<Reader>
}

const order = struct(
  [
    ['id', primitive('INT32')],
    ['note', primitive('STRING', { optional: true })],
    ['share', primitive('FLOAT64')],
  ],
  { name: 'Order' },
)
const value = [7, 'é', 0.5]
const read = { id: 7, note: 'é', share: 0.5 }

describeWith(['confluent_schemaregistry'], "Confluent's client for JavaScript", () => {
  let broker: BrokerHarness
  let registry: TestRegistry
  let all: Package
  let client: Client
  beforeAll(async () => {
    broker = await BrokerHarness.start()
    registry = await TestRegistry.start(broker.bootstrap)
    all = createRequire(join(service('confluent_schemaregistry'), 'index.js'))(
      '@confluentinc/schemaregistry',
    ) as Package
  })
  beforeEach(() => {
    client = new all.SchemaRegistryClient({ baseURLs: [registry.url] })
  })
  afterAll(async () => {
    await registry?.close()
    await broker?.close()
  })

  it('reads what AvroConverter and JsonSchemaConverter have written, and they read what it writes', async () => {
    for (const [topic, converter, reader, writer] of [
      ['avro', avroConverter(registry.url), all.AvroDeserializer, all.AvroSerializer],
      ['json', jsonSchemaConverter(registry.url), all.JsonDeserializer, all.JsonSerializer],
    ] as const) {
      const bytes = Buffer.from((await whenReady(() => converter.fromConnect(topic, order, value))) ?? '')
      const found = await new reader(client, 'VALUE', {}).deserialize(topic, bytes)
      expect({ ...(found as object) }).toEqual(read)
      const latest = { useLatestVersion: true, autoRegisterSchemas: false }
      const written = await new writer(client, 'VALUE', latest).serialize(topic, read)
      expect(written.subarray(0, 5)).toEqual(bytes.subarray(0, 5))
      expect((await whenReady(() => converter.toConnect(topic, written)))?.value).toEqual(value)
    }
  })

  it('reads what ProtobufConverter has written', async () => {
    const converter = protobufConverter(registry.url, { 'optional.for.nullables': 'true' })
    const bytes = Buffer.from((await whenReady(() => converter.fromConnect('protobuf', order, value))) ?? '')
    expect(await new all.ProtobufDeserializer(client, 'VALUE', {}).deserialize('protobuf', bytes)).toMatchObject(read)
  })

  it('registers, finds, checks, configures and deletes schemas', async () => {
    const [first, second] = ['a:int', 'b:int'].map((field) => ({ schema: JSON.stringify(recordOf('Line', field)) }))
    if (first === undefined || second === undefined) expect.fail()
    const id = await client.register('lines', first)
    expect(await client.getId('lines', first)).toBe(id)
    expect(JSON.parse((await client.getBySubjectAndId('lines', id)).schema)).toEqual(recordOf('Line', 'a:int'))
    expect(await client.testSubjectCompatibility('lines', second)).toBe(false)
    expect(await client.updateCompatibility('lines', 'NONE')).toBe('NONE')
    expect(await client.getCompatibility('lines')).toBe('NONE')
    await client.register('lines', second)
    expect(await client.getAllVersions('lines')).toEqual([1, 2])
    expect(await client.deleteSubject('lines')).toEqual([1, 2])
    expect(await client.getAllSubjects()).not.toContain('lines')
  })
})

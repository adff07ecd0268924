import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { recordOf, TestRegistry } from '../../support/registry/test-registry.ts'

describe('the client of kafkajs', () => {
  let broker: BrokerHarness
  let registry: TestRegistry
  let client: SchemaRegistry

  beforeAll(async () => {
    broker = await BrokerHarness.start()
    registry = await TestRegistry.start(broker.bootstrap)
    client = new SchemaRegistry({ host: registry.url })
  })
  afterAll(async () => {
    await registry.close()
    await broker.close()
  })

  it('registers an Avro schema, and encodes and decodes with it', async () => {
    const schema = JSON.stringify(recordOf('Order', 'id:long', 'note:string=""'))
    const { id } = await client.register({ type: SchemaType.AVRO, schema }, { subject: 'orders-value' })
    const bytes = await client.encode(id, { id: 7, note: 'seven' })
    expect([...bytes.subarray(0, 5)]).toEqual([0, 0, 0, 0, id])
    const other = new SchemaRegistry({ host: registry.url })
    expect({ ...((await other.decode(bytes)) as object) }).toEqual({ id: 7, note: 'seven' })
    expect(await other.getLatestSchemaId('orders-value')).toBe(id)
    expect(await other.getRegistryId('orders-value', 1)).toBe(id)
    expect(await other.getRegistryIdBySchema('orders-value', { type: SchemaType.AVRO, schema })).toBe(id)
  })

  it('hears why a schema is incompatible', async () => {
    const register = async (...fields: readonly string[]): Promise<unknown> => {
      const schema = JSON.stringify(recordOf('Strict', ...fields))
      return await client.register(
        { type: SchemaType.AVRO, schema },
        { subject: 'strict-value', compatibility: COMPATIBILITY.BACKWARD },
      )
    }
    await register('a:int')
    await expect(register('a:int', 'b:string')).rejects.toThrow(/READER_FIELD_MISSING_DEFAULT_VALUE/)
  })

  it('registers a JSON Schema, and validates with it', async () => {
    const schema = JSON.stringify({ type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] })
    const { id } = await client.register({ type: SchemaType.JSON, schema }, { subject: 'json-value' })
    expect(await client.decode(await client.encode(id, { id: 1 }))).toEqual({ id: 1 })
    await expect(client.encode(id, { id: 'one' })).rejects.toThrow()
  })

  it('registers Protobuf schemas, and encodes and decodes with them', async () => {
    const schema = 'syntax = "proto3"; package shop; message Order { int64 id = 1; repeated string notes = 2; }'
    const { id } = await client.register({ type: SchemaType.PROTOBUF, schema }, { subject: 'proto-value' })
    const bytes = await client.encode(id, { id: 7, notes: ['a', 'b'] })
    const other = new SchemaRegistry({ host: registry.url })
    expect(JSON.parse(JSON.stringify(await other.decode(bytes)))).toEqual({ id: '7', notes: ['a', 'b'] })
    expect(await other.getRegistryIdBySchema('proto-value', { type: SchemaType.PROTOBUF, schema })).toBe(id)
    const text = { type: SchemaType.PROTOBUF, schema: schema.replace('int64', 'string') } as const
    await expect(client.register(text, { subject: 'proto-value' })).rejects.toThrow(/FIELD_SCALAR_KIND_CHANGED/)
  })
})

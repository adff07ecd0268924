import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { TopicWriter } from '../../../../src/storage/topic-writer.ts'
import { BrokerHarness } from '../../../support/broker/broker-harness.ts'
import { TestRegistry, type RegistryResponse } from '../../../support/registry/test-registry.ts'

const order = 'syntax = "proto3";\npackage shop;\n\nmessage Order {\n  int64 id = 1;\n}\n'
const line = 'syntax = "proto3"; package shop; message Line { string sku = 1; }'
const withLines = 'syntax = "proto3"; package shop; import "line.proto"; message Order { repeated Line lines = 2; }'
const lineReference = { name: 'line.proto', subject: 'lines', version: 1 }

describe('Protobuf schemas in the API of the registry', () => {
  let broker: BrokerHarness
  let registry: TestRegistry

  beforeAll(async () => {
    broker = await BrokerHarness.start()
    registry = await TestRegistry.start(broker.bootstrap)
  })
  afterAll(async () => {
    await registry.close()
    await broker.close()
  })

  async function register(subject: string, schema: string, more: object = {}): Promise<RegistryResponse> {
    return await registry.post(`/subjects/${subject}/versions`, { schemaType: 'PROTOBUF', schema, ...more })
  }

  it('are stored in one form, and found however they are written', async () => {
    const written = '// head\nsyntax="proto3"; package shop; message Order { int64 id=1; /* key */ }'
    expect((await register('orders', written)).body).toMatchObject({ schemaType: 'PROTOBUF', schema: order })
    const { body } = await registry.get('/subjects/orders/versions/1')
    expect(body).toMatchObject({ schemaType: 'PROTOBUF', schema: order })
    const found = await registry.post('/subjects/orders', { schemaType: 'PROTOBUF', schema: written })
    expect(found.body).toMatchObject({ subject: 'orders', version: 1, schema: order })
    const other = order.replace('id = 1', 'id = 2')
    expect(await registry.post('/subjects/orders', { schemaType: 'PROTOBUF', schema: other })).toMatchObject({
      status: 404,
      body: { error_code: 40403 },
    })
    const { id } = (await register('same', order)).body as { id: number }
    expect(body).toMatchObject({ id })
  })

  it('are stored with full names where the normal form is asked for', async () => {
    const path = '/subjects/normal/versions?normalize=true'
    const schema = 'syntax = "proto3"; package shop; message Order { Line b = 2; Line a = 1; message Line { } }'
    const { body } = await registry.post(path, { schemaType: 'PROTOBUF', schema })
    const normal =
      'syntax = "proto3";\npackage shop;\n\nmessage Order {\n  .shop.Order.Line a = 1;\n  .shop.Order.Line b = 2;\n\n  message Line {}\n}\n'
    expect(body).toMatchObject({ schema: normal })
    const lookup = { schemaType: 'PROTOBUF', schema }
    expect((await registry.post('/subjects/normal', lookup)).status).toBe(404)
    expect((await registry.post('/subjects/normal?normalize=true', lookup)).body).toMatchObject({ version: 1 })
  })

  it('are returned as descriptors, and registered as such', async () => {
    const { body } = await registry.get('/subjects/orders/versions/1?format=serialized')
    const { schema, id } = body as { schema: string; id: number }
    expect(Buffer.from(schema, 'base64').toString('latin1')).toMatch(/default.*shop.*Order.*proto3$/s)
    expect((await register('descriptors', schema)).body).toMatchObject({ id, schema: order })
    expect(await register('descriptors', `${schema.slice(0, -8)}AAAA`)).toMatchObject({
      status: 422,
      body: { error_code: 42201, message: expect.stringContaining('the descriptor ends inside of a field') },
    })
    const known = Buffer.concat([Buffer.from(schema, 'base64').subarray(0, -6), Buffer.from('editions')])
    known[known.length - 9] = 8
    expect(await register('descriptors', known.toString('base64'))).toMatchObject({
      status: 422,
      body: { error_code: 42201, message: expect.stringContaining('the syntax "editions" of the descriptor') },
    })
  })

  it('import others by the names of references, and well-known files by their own', async () => {
    expect((await register('lines', line)).status).toBe(200)
    expect(await register('lists', withLines)).toMatchObject({
      status: 422,
      body: { error_code: 42201, message: expect.stringContaining('the import "line.proto" is missing') },
    })
    expect((await register('lists', withLines, { references: [lineReference] })).status).toBe(200)
    expect(await register('lists', withLines, { references: [{ ...lineReference, version: 7 }] })).toMatchObject({
      status: 422,
      body: { error_code: 42201, message: 'No schema reference found for subject "lines" and version 7' },
    })
    expect((await registry.get('/subjects/lines/versions/1/referencedby')).body).toHaveLength(1)
    const known = [
      'google/protobuf/timestamp.proto google.protobuf.Timestamp',
      'google/protobuf/descriptor.proto google.protobuf.FieldOptions',
      'google/type/money.proto google.type.Money',
      'confluent/meta.proto confluent.Meta',
      'confluent/type/decimal.proto confluent.type.Decimal',
    ].map((text) => text.split(' '))
    const schema = `syntax = "proto3"; ${known.map(([file]) => `import "${file}";`).join('')} message M { ${known
      .map(([, type], at) => `${type} f${at} = ${at + 1};`)
      .join('')} }`
    expect((await register('known', schema)).status).toBe(200)
  })

  it('do not refer to schemas of other types', async () => {
    await registry.register('avro', { type: 'record', name: 'Line', fields: [] })
    expect(await register('mixed', withLines, { references: [{ ...lineReference, subject: 'avro' }] })).toMatchObject({
      status: 422,
      body: { error_code: 42201, message: expect.stringContaining('the reference "line.proto" is no Protobuf schema') },
    })
  })

  it('are compared at the level of their subject, and the response has the reasons of Confluent', async () => {
    const text = order.replace('int64', 'string')
    const kind = (reader: string, writer: string): string =>
      `{errorType:"FIELD_SCALAR_KIND_CHANGED", description:"The kind of a SCALAR field at path '#/Order/1' in the ${reader} schema does not match its kind in the ${writer} schema"}`
    const details = (level: string, problems: readonly string[]): string =>
      `Schema being registered is incompatible with an earlier schema for subject "orders", details: [${problems.join(', ')}, {oldSchemaVersion: 1}, {oldSchema: '${order}'}, {validateFields: 'false', compatibility: '${level}'}]`
    const levels: readonly (readonly [string, readonly string[]])[] = [
      ['BACKWARD', [kind('new', 'old')]],
      ['FORWARD', [kind('old', 'new')]],
      ['FULL', [kind('old', 'new'), kind('new', 'old')]],
      ['BACKWARD_TRANSITIVE', [kind('new', 'old')]],
      ['FORWARD_TRANSITIVE', [kind('old', 'new')]],
      ['FULL_TRANSITIVE', [kind('old', 'new'), kind('new', 'old')]],
    ]
    for (const [compatibility, problems] of levels) {
      await registry.put('/config/orders', { compatibility })
      const body = { error_code: 40901, message: details(compatibility, problems) }
      expect(await register('orders', text), compatibility).toEqual({ status: 409, body })
    }
    const check = '/compatibility/subjects/orders/versions/latest?verbose=true'
    const { body } = await registry.post(check, { schemaType: 'PROTOBUF', schema: text })
    expect(body).toMatchObject({ is_compatible: false, messages: expect.arrayContaining([kind('new', 'old')]) })
    await registry.put('/config/orders', { compatibility: 'NONE' })
    expect((await register('orders', text)).status).toBe(200)
    await registry.put('/config/orders', { compatibility: 'BACKWARD_TRANSITIVE' })
    expect((await register('orders', order.replace('int64', 'bytes'))).status).toBe(409)
    expect((await register('orders', '"string"', { schemaType: 'AVRO' })).status).toBe(409)
  })

  it('that another registry has stored unchecked are compared', async () => {
    const stored =
      'syntax = "proto3"; import "gone.proto"; message M { gone.Part part = 1; int32 id = 2; int32 other = 2; }'
    const { id } = (await register('unchecked', 'syntax = "proto3"; message M { }')).body as { id: number }
    const writer = new TopicWriter(registry.client)
    const value = {
      subject: 'unchecked',
      version: 2,
      id: id + 1000,
      schemaType: 'PROTOBUF',
      schema: stored,
      deleted: false,
    }
    const key = '{"keytype":"SCHEMA","subject":"unchecked","version":2,"magic":1}'
    await writer.write('_schemas', [{ key, value: JSON.stringify(value) }])
    await writer.close()
    expect(await register('unchecked', stored)).toMatchObject({ status: 422, body: { error_code: 42201 } })
    const more = 'syntax = "proto3"; message M { string other = 2; }'
    const message: unknown = expect.stringContaining('FIELD_SCALAR_KIND_CHANGED')
    expect(await register('unchecked', more)).toMatchObject({ status: 409, body: { message } })
  })

  it('that no parser accepts are refused with the line', async () => {
    expect(await register('bad', 'syntax = "proto3";\nmessage Order {\n  int64 id;\n}')).toEqual({
      status: 422,
      body: {
        error_code: 42201,
        message: 'Invalid schema of type PROTOBUF, details: line 3, column 11: "=" is expected, not ";"',
      },
    })
  })
})

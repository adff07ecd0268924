import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { recordOf, TestRegistry } from '../../support/registry/test-registry.ts'

const one = recordOf('One', 'a:int')
const two = recordOf('One', 'a:int', 'b:int=0')
const text = (schema: unknown): string => JSON.stringify(schema)

describe('the API of the schema registry', () => {
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

  it('gives a schema one id in all subjects, and a version in each', async () => {
    expect(await registry.register('same-a', one)).toBe(1)
    expect(await registry.register('same-a', two)).toBe(2)
    expect(await registry.register('same-b', two)).toBe(2)
    expect(await registry.register('same-a', one)).toBe(1)
    expect((await registry.get('/subjects/same-a/versions')).body).toEqual([1, 2])
    expect((await registry.get('/subjects/same-b/versions')).body).toEqual([1])
    expect((await registry.get('/schemas/ids/2/versions')).body).toEqual([
      { subject: 'same-a', version: 2 },
      { subject: 'same-b', version: 1 },
    ])
    expect((await registry.get('/schemas/ids/2/subjects')).body).toEqual(['same-a', 'same-b'])
    const { body } = await registry.get('/schemas/ids/2?fetchMaxId=true')
    expect(body).toMatchObject({ schema: text(two), schemaType: 'AVRO', maxId: 2 })
    expect((await registry.get('/schemas/ids/2/schema')).body).toEqual(two)
    const { guid } = body as { guid: string }
    expect((await registry.get(`/schemas/guids/${guid}/ids`)).body).toEqual([{ context: '.', id: 2 }])
    expect((await registry.get(`/schemas/guids/${guid}`)).body).toMatchObject({ schema: text(two) })
  })

  it('stores a schema compactly, and finds it however it is written', async () => {
    await registry.register('written', { fields: [{ type: 'int', name: 'x' }], name: 'a.b.W', type: 'record' })
    const stored = '{"type":"record","name":"W","namespace":"a.b","fields":[{"name":"x","type":"int"}]}'
    const { body } = await registry.post('/subjects/written', { schema: stored })
    expect(body).toMatchObject({ subject: 'written', version: 1, schema: stored })
  })

  it('says what is missing', async () => {
    const responses = {
      '/subjects/none/versions': [404, 40401, "Subject 'none' not found."],
      '/subjects/none/versions/1': [404, 40401, "Subject 'none' not found."],
      '/subjects/same-a/versions/9': [404, 40402, 'Version 9 not found.'],
      '/schemas/ids/999': [404, 40403, 'Schema 999 not found'],
      '/schemas/guids/none': [404, 40403, 'Schema none not found'],
      '/config/none': [404, 40408, "Subject 'none' does not have subject-level compatibility configured"],
      '/mode/none': [404, 40409, "Subject 'none' does not have subject-level mode configured"],
    }
    for (const [path, [status, code, message]] of Object.entries(responses))
      expect({ path, ...(await registry.get(path)) }).toEqual({ path, status, body: { error_code: code, message } })
    const { body } = await registry.post('/subjects/same-a', { schema: '"bytes"' })
    expect(body).toEqual({ error_code: 40403, message: 'Schema not found' })
  })

  it('refuses what it cannot use, by name', async () => {
    const code = async (path: string, body: unknown): Promise<unknown> => {
      const { error_code, message } = (await registry.post(path, body)).body as { error_code: number; message: string }
      return [error_code, message]
    }
    const path = '/subjects/refused/versions'
    expect(await code(path, { schema: '{"type":"nope"}' })).toEqual([
      42201,
      expect.stringContaining('"nope" is not defined'),
    ])
    expect(await code(path, { schema: '' })).toEqual([42201, 'Empty schema'])
    expect(await code(path, { schema: 'x', schemaType: 'XML' })).toEqual([42201, expect.stringContaining('XML')])
    expect(await code(path, { schema: '"int"', ruleSet: { domainRules: [{}] } })).toEqual([42210, expect.any(String)])
    expect(await code(path, { schema: '"int"', schemaTagsToAdd: [{ a: 1 }] })).toEqual([
      422,
      expect.stringContaining('schemaTagsToAdd'),
    ])
    expect(await code(path, { schema: '"int"', color: 1 })).toEqual([
      422,
      expect.stringContaining('Unrecognized field: color'),
    ])
    expect(await code(path, { schema: { type: 'int' } })).toEqual([422, expect.stringContaining('sent as text')])
    expect(await code(path, '{')).toEqual([400, expect.stringContaining('not valid JSON')])
    expect(await code(`${path}?colour=1`, { schema: '"int"' })).toEqual([422, expect.stringContaining('"colour"')])
    expect(await code('/subjects/__GLOBAL/versions', { schema: '"int"' })).toEqual([42208, expect.any(String)])
    expect(await code(path, { schema: '"int"', id: 7 })).toEqual([42205, expect.stringContaining('import mode')])
    expect(await code('/compatibility/subjects/refused/versions/x', { schema: '"int"' })).toEqual([
      42202,
      expect.any(String),
    ])
    expect((await registry.get('/subjects')).body).not.toContain('refused')
  })

  it('refuses an incompatible schema, with the reasons', async () => {
    await registry.register('strict', one)
    const without = recordOf('One', 'a:int', 'c:string')
    const { status, body } = await registry.post('/subjects/strict/versions', { schema: text(without) })
    expect({ status, body }).toEqual({
      status: 409,
      body: {
        error_code: 40901,
        message:
          'Schema being registered is incompatible with an earlier schema for subject "strict", details: ' +
          "[{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'c' at path '/fields/1' in the new schema " +
          "has no default value and is missing in the old schema', additionalInfo:'c'}, {oldSchemaVersion: 1}, " +
          `{oldSchema: '${text(one)}'}, {validateFields: 'false', compatibility: 'BACKWARD'}]`,
      },
    })
    const check = '/compatibility/subjects/strict/versions/latest'
    expect((await registry.post(check, { schema: text(without) })).body).toEqual({ is_compatible: false })
    expect((await registry.post(`${check}?verbose=true`, { schema: text(without) })).body).toMatchObject({
      is_compatible: false,
      messages: [
        expect.stringContaining('READER_FIELD_MISSING_DEFAULT_VALUE'),
        expect.any(String),
        expect.any(String),
        expect.any(String),
      ],
    })
    expect((await registry.post(check, { schema: text(two) })).body).toEqual({ is_compatible: true })
    expect((await registry.post('/compatibility/subjects/strict/versions/7', { schema: text(two) })).status).toBe(404)
    expect((await registry.post('/subjects/strict/versions?force=true', { schema: text(without) })).status).toBe(200)
  })

  it.each([
    ['NONE', [true, true, true]],
    ['BACKWARD', [false, true, true]],
    ['BACKWARD_TRANSITIVE', [false, true, false]],
    ['FORWARD', [true, true, true]],
    ['FORWARD_TRANSITIVE', [false, true, false]],
    ['FULL', [false, true, true]],
    ['FULL_TRANSITIVE', [false, true, false]],
  ] as const)('checks the level %s', async (level, expected) => {
    const subject = `level-${level}`
    await registry.put(`/config/${subject}`, { compatibility: 'NONE' })
    await registry.register(subject, recordOf('L', 'a:int', 'z:string'))
    await registry.register(subject, recordOf('L', 'a:int', 'b:int=0'))
    expect((await registry.put(`/config/${subject}`, { compatibility: level.toLowerCase() })).body).toEqual({
      compatibility: level,
    })
    const schemas = [
      recordOf('L', 'a:int', 'b:int=0', 'c:string'),
      recordOf('L', 'a:int', 'b:int=0', 'c:string="x"', 'z:string=""'),
      recordOf('L', 'a:int', 'b:int=0', 'z:int=0'),
    ]
    const check = `/compatibility/subjects/${subject}/versions`
    const results: unknown[] = []
    for (const schema of schemas) results.push((await registry.post(check, { schema: text(schema) })).body)
    expect(results).toEqual(expected.map((isCompatible) => ({ is_compatible: isCompatible })))
  })

  it('deletes softly first, then permanently', async () => {
    await registry.register('gone', recordOf('G', 'a:int'))
    const id = await registry.register('gone', recordOf('G', 'a:int', 'b:int=1'))
    const codeOf = async (path: string): Promise<unknown> =>
      ((await registry.delete(path)).body as { error_code?: number }).error_code
    expect(await codeOf('/subjects/gone/versions/2?permanent=true')).toBe(40407)
    expect((await registry.delete('/subjects/gone/versions/2')).body).toBe(2)
    expect(await codeOf('/subjects/gone/versions/2')).toBe(40406)
    expect((await registry.get('/subjects/gone/versions')).body).toEqual([1])
    expect((await registry.get('/subjects/gone/versions?deleted=true')).body).toEqual([1, 2])
    expect((await registry.get('/subjects/gone/versions?deletedAsNegative=true')).body).toEqual([1, -2])
    expect((await registry.get(`/schemas/ids/${id}`)).status).toBe(200)
    expect(await codeOf('/subjects/gone?permanent=true')).toBe(40405)
    expect((await registry.delete('/subjects/gone')).body).toEqual([1])
    expect(await codeOf('/subjects/gone')).toBe(40404)
    expect((await registry.get('/subjects?deletedOnly=true')).body).toEqual(['gone'])
    expect((await registry.delete('/subjects/gone?permanent=true')).body).toEqual([1, 2])
    expect(await codeOf('/subjects/gone')).toBe(40401)
    expect((await registry.get(`/schemas/ids/${id}`)).status).toBe(404)
  })

  it('gives a schema that was deleted softly its id again, and a new version', async () => {
    const id = await registry.register('again', recordOf('A', 'a:int'))
    await registry.delete('/subjects/again')
    expect(await registry.register('again', recordOf('A', 'a:int'))).toBe(id)
    expect((await registry.get('/subjects/again/versions?deleted=true')).body).toEqual([2])
  })

  it('keeps what other schemas refer to', async () => {
    const references = [{ name: 'ref.Part', subject: 'part', version: 1 }]
    await registry.register('part', { ...recordOf('Part', 'p:int'), namespace: 'ref' })
    const whole = { type: 'record', name: 'Whole', fields: [{ name: 'part', type: 'ref.Part' }] }
    const id = await registry.register('whole', whole, { references })
    expect((await registry.get(`/schemas/ids/${id}`)).body).toMatchObject({ schema: text(whole), references })
    expect((await registry.get(`/schemas/ids/${id}/schema?format=resolved`)).body).toMatchObject({
      fields: [{ type: { name: 'Part', namespace: 'ref' } }],
    })
    expect((await registry.get('/subjects/part/versions/1/referencedby')).body).toEqual([id])
    expect((await registry.delete('/subjects/part')).body).toMatchObject({ error_code: 42206 })
    const resolved = { ...whole, fields: [{ name: 'part', type: { ...recordOf('Part', 'p:int'), namespace: 'ref' } }] }
    expect((await registry.post('/subjects/whole', { schema: text(resolved) })).body).toMatchObject({ id, version: 1 })
    expect(
      (
        await registry.post('/subjects/whole/versions', {
          schema: text(whole),
          references: [{ ...references[0], version: 9 }],
        })
      ).body,
    ).toMatchObject({ error_code: 42201 })
  })

  it('keeps ids and subjects of contexts apart', async () => {
    const schema = recordOf('C', 'a:int')
    expect(await registry.register(':.other:ctx', schema)).toBe(1)
    expect(await registry.register(':.:ctx', schema)).toBeGreaterThan(1)
    expect((await registry.get('/contexts')).body).toEqual(['.', '.other'])
    expect((await registry.get('/subjects?subjectPrefix=:.other:')).body).toEqual([':.other:ctx'])
    expect((await registry.get(`/schemas/ids/1?subject=${encodeURIComponent(':.other:')}`)).body).toMatchObject({
      subject: ':.other:ctx',
      schema: text(schema),
    })
    expect((await registry.delete('/contexts/.other')).body).toMatchObject({ error_code: 42211 })
    for (const query of ['', '?permanent=true'])
      await registry.delete(`/subjects/${encodeURIComponent(':.other:ctx')}${query}`)
    expect((await registry.delete('/contexts/.other')).status).toBe(204)
    expect((await registry.get('/contexts')).body).toEqual(['.'])
  })

  it('changes and removes configs', async () => {
    expect((await registry.get('/config')).body).toEqual({ compatibilityLevel: 'BACKWARD' })
    expect((await registry.put('/config/conf', { compatibility: 'FULL', normalize: true })).body).toEqual({
      normalize: true,
      compatibility: 'FULL',
    })
    expect((await registry.get('/config/conf')).body).toEqual({ normalize: true, compatibilityLevel: 'FULL' })
    expect((await registry.get('/config/other?defaultToGlobal=true')).body).toEqual({ compatibilityLevel: 'BACKWARD' })
    expect((await registry.delete('/config/conf')).body).toEqual({ compatibilityLevel: 'FULL' })
    expect((await registry.delete('/config/conf')).body).toMatchObject({ error_code: 40401 })
    expect((await registry.put('/config', { compatibility: 'SOME' })).body).toMatchObject({ error_code: 42203 })
    expect((await registry.put('/config/conf', { alias: 'x' })).body).toMatchObject({
      error_code: 422,
      message: expect.stringContaining('"alias" is not supported'),
    })
  })

  it('lets a mode protect subjects, and import schemas with their ids', async () => {
    expect((await registry.get('/mode')).body).toEqual({ mode: 'READWRITE' })
    await registry.put('/mode/frozen', { mode: 'READONLY' })
    expect((await registry.post('/subjects/frozen/versions', { schema: '"int"' })).body).toMatchObject({
      error_code: 42205,
    })
    expect((await registry.delete('/mode/frozen')).body).toEqual({ mode: 'READONLY' })
    expect((await registry.put('/mode/same-a', { mode: 'IMPORT' })).body).toMatchObject({ error_code: 42205 })
    expect((await registry.put('/mode/imported', { mode: 'IMPORT' })).body).toEqual({ mode: 'IMPORT' })
    expect(await registry.register('imported', recordOf('I', 'a:int'), { id: 4000, version: 7 })).toBe(4000)
    expect((await registry.get('/subjects/imported/versions')).body).toEqual([7])
    expect((await registry.post('/subjects/imported/versions', { schema: '"int"', id: 4000 })).body).toMatchObject({
      error_code: 42205,
    })
    expect((await registry.put('/mode/imported', { mode: 'FORWARD' })).body).toMatchObject({ error_code: 42204 })
    await registry.put('/mode/imported', { mode: 'READWRITE' })
    expect(await registry.register('after', recordOf('After', 'a:int'))).toBe(4001)
  })

  it('normalizes on request', async () => {
    const written = {
      type: 'record',
      name: 'N',
      fields: [{ name: 'a', type: { type: 'int', z: 1, connect: 2 } }],
      doc: '',
    }
    const other = { type: 'record', name: 'N', fields: [{ name: 'a', type: { type: 'int', connect: 2, z: 1 } }] }
    const { body } = await registry.post('/subjects/norm/versions?normalize=true', { schema: text(written) })
    expect(body).toMatchObject({ version: 1, schema: text(other) })
    expect((await registry.post('/subjects/norm?normalize=true', { schema: text(written) })).body).toMatchObject({
      version: 1,
    })
    expect((await registry.post('/subjects/norm', { schema: text(written) })).status).toBe(404)
  })

  it('finds the last version with metadata, which the next versions keep', async () => {
    const metadata = { properties: { owner: 'shop', major: '2' } }
    await registry.register('meta', recordOf('M', 'a:int'), { metadata })
    await registry.register('meta', recordOf('M', 'a:int', 'b:int=0'))
    const { body } = await registry.get('/subjects/meta/metadata?key=owner&value=shop')
    expect(body).toMatchObject({ version: 2, metadata })
    expect((await registry.get('/subjects/meta/metadata?key=owner&value=bank')).body).toMatchObject({
      error_code: 40403,
    })
    expect((await registry.post('/subjects/meta', { schema: text(recordOf('M', 'a:int')) })).body).toMatchObject({
      version: 1,
    })
  })

  it('keeps JSON Schemas, and compares them', async () => {
    const schema = { type: 'object', properties: { a: { type: 'integer' } }, additionalProperties: false }
    expect((await registry.get('/schemas/types')).body).toEqual(['JSON', 'PROTOBUF', 'AVRO'])
    const id = await registry.register('json', schema, { schemaType: 'JSON' })
    expect((await registry.get(`/schemas/ids/${id}`)).body).toMatchObject({ schemaType: 'JSON', schema: text(schema) })
    const more = { ...schema, properties: { ...schema.properties, b: { type: 'string' } } }
    await registry.register('json', more, { schemaType: 'JSON' })
    const changed = { schema: text({ ...more, properties: { a: { type: 'string' } } }), schemaType: 'JSON' }
    expect((await registry.post('/subjects/json/versions', changed)).body).toMatchObject({
      error_code: 40901,
      message: expect.stringContaining(
        '{errorType:"TYPE_CHANGED", description:"A type at path \'#/properties/a\' is different between the new schema and the old schema"}',
      ),
    })
    expect((await registry.post('/subjects/json/versions', { schema: '"int"' })).body).toMatchObject({
      error_code: 40901,
      message: expect.stringContaining('different schema type'),
    })
    const part = {
      $id: 'https://shop/part.json',
      type: 'object',
      properties: { p: { type: 'integer' } },
      additionalProperties: false,
    }
    await registry.register('json-part', part, { schemaType: 'JSON' })
    const references = [{ name: 'https://shop/part.json', subject: 'json-part', version: 1 }]
    const whole = (type: object): object => ({
      type: 'object',
      properties: { part: type },
      additionalProperties: false,
    })
    await registry.register('json-whole', whole({ $ref: 'https://shop/part.json' }), { schemaType: 'JSON', references })
    const inline = { ...part, properties: { p: { type: 'number' } } }
    await registry.register('json-whole', whole(inline), { schemaType: 'JSON' })
    const lost = { schemaType: 'JSON', schema: text(whole({ $ref: 'other.json' })) }
    expect((await registry.post('/subjects/json-whole/versions', lost)).body).toMatchObject({
      error_code: 40901,
      message: expect.stringContaining('the reference "other.json" leads to no schema'),
    })
  })

  it('speaks the media types of the registry', async () => {
    const types = async (accept?: string): Promise<readonly [number, string | null]> => {
      const headers = accept === undefined ? {} : { accept }
      const response = await fetch(`${registry.url}/subjects`, { headers })
      await response.arrayBuffer()
      return [response.status, response.headers.get('content-type')]
    }
    const preferred = 'application/vnd.schemaregistry.v1+json'
    expect(await types()).toEqual([200, preferred])
    expect(await types(`application/json;q=0.5, ${preferred}`)).toEqual([200, preferred])
    expect(await types('application/json')).toEqual([200, 'application/json'])
    expect(await types('text/html')).toEqual([406, 'application/json'])
    const post = async (type: string): Promise<number> => {
      const body = text({ schema: '"int"' })
      const response = await fetch(`${registry.url}/subjects/typed/versions`, {
        method: 'POST',
        headers: { 'content-type': type },
        body,
      })
      await response.arrayBuffer()
      return response.status
    }
    expect(await post(preferred)).toBe(200)
    expect(await post('application/octet-stream')).toBe(200)
    expect(await post('text/plain')).toBe(415)
  })

  it('has everything again after a restart', async () => {
    const paths = [
      '/subjects?deleted=true',
      '/schemas?deleted=true&subjectPrefix=:*:',
      '/config/level-FULL',
      '/mode/imported',
      '/contexts',
    ]
    const all = async (): Promise<unknown> => await Promise.all(paths.map((path) => registry.get(path)))
    const before = await all()
    await registry.close()
    await broker.restart()
    registry = await TestRegistry.start(broker.bootstrap)
    expect(await all()).toEqual(before)
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { RawConfig } from '../../../../src/api/config-def.ts'
import type { SubmittedConfig } from '../../../../src/config/definition/config-infos.ts'
import type { Herder } from '../../../../src/herder/herder.ts'

import { describeValues } from '../../../../src/config/definition/describe-config.ts'
import { checkConfig } from '../../../../src/config/definition/parse-config.ts'
import type { RestServer } from '../../../../src/rest/rest-server.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { MemoryHerder } from '../../../support/rest/memory-herder.ts'
import { RestClient } from '../../../support/rest/rest-client.ts'
import { untilPasses } from '../../../support/until.ts'
import { startedRest } from '../../../support/rest/started-rest.ts'

const mask = '********'
const reference = '${file:/etc/s3:key}'
/** Of a sink with a secret in each plugin. */
const stored: RawConfig = {
  'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
  topics: 't',
  name: 'a',
  's3.bucket.name': 'b',
  'aws.access.key.id': 'AKIA',
  'aws.secret.access.key': 'hunter2-s3',
  's3.sse.customer.key': reference,
  transforms: 'hash,other',
  'transforms.hash.type': 'com.acme.Hash$Value',
  'transforms.hash.salt': 'hunter2-salt',
  'transforms.hash.field': 'email',
  'transforms.other.type': 'com.acme.Unknown',
  'transforms.other.target.type': 'hunter2-other',
  'value.converter': 'com.acme.VaultConverter',
  'value.converter.pin': `${reference}hunter2-pin`,
  'value.converter.url': 'http://vault',
  'database.pasword': 'hunter2-mistyped',
  'my.password': 'hunter2-unknown',
  'my.number': '7',
  'empty.password': '',
}
const secretKeys = [
  'aws.secret.access.key',
  'transforms.hash.salt',
  'transforms.other.target.type',
  'value.converter.pin',
  'my.password',
]
const shown: RawConfig = {
  ...stored,
  'aws.secret.access.key': mask,
  'transforms.hash.salt': mask,
  'transforms.other.target.type': mask,
  'value.converter.pin': `${reference}${mask}`,
  'database.pasword': 'hunter2-mistyped',
  'my.password': mask,
}

/** The keys of plugins that other people wrote. */
const foreign: Readonly<Record<string, Readonly<Record<string, 'STRING' | 'PASSWORD'>>>> = {
  'com.acme.Hash$Value': { salt: 'PASSWORD', field: 'STRING' },
  'com.acme.VaultConverter': { pin: 'PASSWORD', url: 'STRING' },
}

let herder = new MemoryHerder()
let server: RestServer
let client: RestClient
/** What the herder was asked to validate, last. */
let validated: SubmittedConfig = {}
/** Waits before the keys of a plugin are told. */
let delay: Promise<unknown> = Promise.resolve()
let clock = new ManualClock()

/** A herder that accepts every config, and knows the plugins above. */
function lenient(): MemoryHerder {
  const memory = new MemoryHerder()
  const known: Herder['pluginConfig'] = memory.pluginConfig.bind(memory)
  memory.pluginConfig = async (name) => {
    await delay
    const keys = foreign[name]
    if (keys === undefined) return await known(name, null, AbortSignal.abort())
    const def = Object.fromEntries(
      Object.entries(keys).map(([key, type]) => [key, { type, importance: 'LOW', doc: '' }]),
    )
    return describeValues(def as never, checkConfig(def as never, {})).flatMap(({ definition }) => definition ?? [])
  }
  memory.validateConnectorConfig = async (config) => {
    validated = config
    return { name: 'x', errorCount: 0, groups: [], configs: [], warnings: [] }
  }
  return memory
}

async function start(options: { readonly masksPasswords?: boolean } = { masksPasswords: true }): Promise<RestServer> {
  return await startedRest({ herder, clock, ...options })
}

beforeEach(async () => {
  clock = new ManualClock()
  delay = Promise.resolve()
  herder = lenient()
  server = await start()
  client = new RestClient(server.url)
  await herder.createConnector('a', stored, null, new AbortController().signal)
})
afterEach(() => server.close())

describe('with rest.mask.passwords', () => {
  it('every response with a config hides its passwords, and shows references', async () => {
    expect((await client.get('/connectors/a/config')).json).toEqual(shown)
    expect((await client.get('/connectors/a')).json).toMatchObject({ name: 'a', config: shown })
    expect((await client.get('/connectors?expand=info')).json).toMatchObject({ a: { info: { config: shown } } })
    expect((await client.get('/connectors/a/tasks')).json).toMatchObject([{ config: shown }])
    expect((await client.get('/connectors/a/tasks-config')).json).toMatchObject({ 'a-0': shown })
    const created = await client.post('/connectors', { name: 'b', config: { ...stored, name: 'b' } })
    expect(created).toMatchObject({ status: 201, json: { config: { ...shown, name: 'b' } } })
    expect((await client.put('/connectors/b/config', { ...stored, name: 'b' })).json).toMatchObject({
      config: { ...shown, name: 'b' },
    })
    const patched = await client.send('PATCH', '/connectors/b/config', { 'my.password': 'hunter2-new' })
    expect(patched.json).toMatchObject({ config: { 'my.password': mask } })
    expect(await herder.connectorConfig('b')).toMatchObject({ 'my.password': 'hunter2-new' })
  })

  it('a config that is sent back keeps its passwords', async () => {
    const { json } = await client.get('/connectors/a/config')
    const { 'my.number': _removed, ...rest } = json as RawConfig
    const changed = { ...rest, topics: 'u', 'new.key': 'x' }
    expect(await client.put('/connectors/a/config', changed)).toMatchObject({ status: 200 })
    const { 'my.number': _gone, ...before } = stored
    expect(await herder.connectorConfig('a')).toEqual({ ...before, topics: 'u', 'new.key': 'x' })
  })

  it('a mask keeps the password that is stored when the config is written', async () => {
    const patch = herder.patchConnectorConfig.bind(herder)
    herder.patchConnectorConfig = async (...args) => {
      herder.patchConnectorConfig = patch
      await patch('a', { 'aws.secret.access.key': 'hunter2-meanwhile' }, args[2])
      return await patch(...args)
    }
    expect(await client.put('/connectors/a/config', shown)).toMatchObject({ status: 200 })
    expect(await herder.connectorConfig('a')).toEqual({ ...stored, 'aws.secret.access.key': 'hunter2-meanwhile' })
  })

  it('a patch with a mask keeps the password, and changes the rest', async () => {
    const patch = {
      'aws.secret.access.key': mask,
      'transforms.hash.salt': 'hunter2-new',
      topics: 'u',
      'my.number': null,
    }
    expect(await client.send('PATCH', '/connectors/a/config', patch)).toMatchObject({ status: 200 })
    const { 'my.number': _gone, ...before } = stored
    expect(await herder.connectorConfig('a')).toEqual({ ...before, topics: 'u', 'transforms.hash.salt': 'hunter2-new' })
  })

  it.each(secretKeys)('a mask in %s is refused by name where there is no password to keep', async (key) => {
    const masked = { ...stored, [key]: mask }
    const message = expect.stringMatching(
      new RegExp(`^Configuration "${key}" is the mask "\\*{8}".*rest\\.mask\\.passwords.*no stored password for it`),
    )
    const refusal = { status: 400, json: { error_code: 400, message } }
    const config = { ...masked, name: 'new' }
    expect(await client.post('/connectors', { name: 'new', config })).toMatchObject(refusal)
    expect(await client.put('/connectors/new/config', config)).toMatchObject(refusal)
    await herder.createConnector('c', { ...without(stored, key), name: 'c' }, null, new AbortController().signal)
    expect(await client.put('/connectors/c/config', { ...masked, name: 'c' })).toMatchObject(refusal)
    expect(await client.send('PATCH', '/connectors/c/config', { [key]: mask })).toMatchObject(refusal)
    expect(await herder.connectors()).toEqual(['a', 'c'])
  })

  it('a mask beside another reference than the stored one is refused', async () => {
    const config = { ...shown, 'value.converter.pin': '${file:/other:key}********' }
    expect(await client.put('/connectors/a/config', config)).toMatchObject({ status: 400 })
    expect(await herder.connectorConfig('a')).toEqual(stored)
  })

  it('asterisks in other values, and within a password, are values', async () => {
    const config = { ...stored, topics: mask, 's3.bucket.name': mask, 'aws.secret.access.key': `x${mask}` }
    expect(await client.put('/connectors/a/config', config)).toMatchObject({ status: 200 })
    expect(await herder.connectorConfig('a')).toEqual(config)
  })

  it('a null beside a mask is still a null of the config', async () => {
    let submitted: SubmittedConfig = {}
    herder.putConnectorConfig = async (_connector, config) => {
      submitted = config
      throw new TypeError('seen')
    }
    await client.put('/connectors/a/config', { ...shown, topics: null })
    expect(submitted).toEqual({ ...stored, topics: null })
  })

  it('a validation uses the stored passwords of the connector that it names, and reports other masks', async () => {
    const validate = '/connector-plugins/S3SinkConnector/config/validate'
    const known = await client.put(validate, shown)
    expect(known.json).toMatchObject({ error_count: 0 })
    expect(validated).toEqual(stored)
    const unknown = await client.put(validate, { ...shown, name: 'other', 's3.sse.customer.key': reference })
    expect(unknown.json).toMatchObject({ error_count: 5 })
    expect(unknown.body).toContain('no stored password for it')
    expect(unknown.body).not.toContain('hunter2-s3')
    expect(validated['aws.secret.access.key']).toBe(mask)
  })

  it('all values but those of the framework are hidden when the plugin does not tell its keys in time', async () => {
    delay = new Promise(() => undefined)
    const response = client.get('/connectors/a/config')
    let isReceived = false
    void response.then(() => (isReceived = true))
    await untilPasses(() => {
      clock.advance(1000)
      expect(isReceived).toBe(true)
    })
    const { 'connector.class': connector, topics, name, ...rest } = (await response).json as RawConfig
    expect({ connector, topics, name }).toEqual({ connector: stored['connector.class'], topics: 't', name: 'a' })
    expect(rest).toMatchObject({ 's3.bucket.name': mask, 'aws.access.key.id': mask, 's3.sse.customer.key': reference })
    delay = Promise.resolve()
    expect((await client.get('/connectors/a/config')).json).toEqual(shown)
  })
})

describe('without rest.mask.passwords', () => {
  it('configs are shown and stored as they are, as in Kafka Connect', async () => {
    const bare = await start({})
    const rest = new RestClient(bare.url)
    expect((await rest.get('/connectors/a/config')).json).toEqual(stored)
    const masked = { ...stored, name: 'b', 'aws.secret.access.key': mask }
    expect(await rest.post('/connectors', { name: 'b', config: masked })).toMatchObject({ status: 201 })
    expect(await herder.connectorConfig('b')).toEqual(masked)
    await bare.close()
  })
})

function without(config: RawConfig, key: string): RawConfig {
  return Object.fromEntries(Object.entries(config).filter(([each]) => each !== key))
}

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createTlsServer, type Server } from 'node:https'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ConfigError, DataError, RetriableError, type RawConfig } from 'penstock/api'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { RegistryClient } from '../../../../plugins/converters/registry/registry-client.ts'
import { registryConfigDef } from '../../../../plugins/converters/registry/registry-config-def.ts'
import { registrySettings } from '../../../../plugins/converters/registry/http/registry-settings.ts'
import { checkConfig, parseConfig } from '../../../../src/config/definition/parse-config.ts'
import { BrokerHarness } from '../../../support/broker/broker-harness.ts'
import { HastyClock } from '../../../support/hasty-clock.ts'
import { HttpFaults } from '../../../support/http-faults.ts'
import { recordOf, TestRegistry } from '../../../support/registry/test-registry.ts'
import { CertificateAuthority } from '../../../support/tls/certificate-authority.ts'

const { signal } = new AbortController()

function clientOf(url: string, config: RawConfig = {}): RegistryClient {
  const raw = { 'schema.registry.url': url, ...config }
  return new RegistryClient(registrySettings(parseConfig(registryConfigDef, raw)), new HastyClock())
}

function avro(schema: unknown) {
  return { type: 'AVRO', text: JSON.stringify(schema), normalize: false }
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  return await promise.then(
    () => new RangeError('it succeeded'),
    (error: unknown) => error as Error,
  )
}

describe('the client of schema registries', () => {
  let broker: BrokerHarness
  let registry: TestRegistry
  let faults: HttpFaults

  beforeAll(async () => {
    broker = await BrokerHarness.start()
    registry = await TestRegistry.start(broker.bootstrap)
  })
  beforeEach(async () => {
    faults = await HttpFaults.before(registry.url)
  })
  afterEach(async () => await faults.close())
  afterAll(async () => {
    await registry.close()
    await broker.close()
  })
  /** The URL of the registry behind the faults. */
  const faulty = (): string => `${faults.url}${new URL(registry.url).pathname}`

  it('registers a schema, and finds it by id, in its subject and as the latest', async () => {
    const client = clientOf(registry.url)
    const schema = avro(recordOf('Order', 'id:long'))
    const { id, guid } = await client.register('orders/é-value', schema, signal)
    for (const ref of [id, guid ?? ''])
      expect(await client.schemaOf(ref, signal)).toEqual({ type: 'AVRO', text: schema.text, references: [] })
    expect(await client.lookUp('orders/é-value', schema, signal)).toEqual({ id, guid, version: 1 })
    expect(await client.latest('orders/é-value', signal)).toMatchObject({ identity: { id, guid }, text: schema.text })
    for (const ref of [id, guid ?? '']) expect(await client.versionOf(ref, 'orders/é-value', signal)).toBe(1)
    expect(await client.versionOf(id, 'another', signal)).toBeNull()
    expect(await client.lookUp('orders/é-value', avro('int'), signal)).toBeNull()
    expect(await client.lookUp('none', schema, signal)).toBeNull()
  })

  it('returns what a schema refers to, each after its own references', async () => {
    await registry.register('money', recordOf('Money', 'cents:long'))
    await registry.register('price', recordOf('Price', 'amount:Money'), {
      references: [{ name: 'Money', subject: 'money', version: 1 }],
    })
    const id = await registry.register('offer', recordOf('Offer', 'price:Price', 'was:Money'), {
      references: [
        { name: 'Price', subject: 'price', version: 1 },
        { name: 'Money', subject: 'money', version: 1 },
      ],
    })
    const { references } = await clientOf(registry.url).schemaOf(id, signal)
    expect(references.map(({ name }) => name)).toEqual(['Money', 'Price'])
    expect(JSON.parse(references[0]?.text ?? '')).toEqual(recordOf('Money', 'cents:long'))
  })

  it('says which id, subject or reference a registry does not have, and where', async () => {
    const client = clientOf(registry.url)
    const unknown = await failure(client.schemaOf(4_000_000, signal))
    expect(unknown).toBeInstanceOf(DataError)
    expect(unknown.message).toMatch(/^SCHEMA_ID_UNKNOWN: .*has no schema with the id 4000000 \(40403/)
    expect(unknown.message).toContain(registry.url)
    const none = await failure(client.latest('none', signal))
    expect(none.message).toMatch(/^SUBJECT_UNKNOWN: .*no schema of subject "none".*auto\.register\.schemas=true/)
  })

  it('shows the reasons of a registry that refuses a schema', async () => {
    const client = clientOf(registry.url)
    await client.register('strict', avro(recordOf('Strict', 'a:int')), signal)
    const incompatible = await failure(client.register('strict', avro(recordOf('Strict', 'a:int', 'b:string')), signal))
    expect(incompatible).toBeInstanceOf(DataError)
    expect(incompatible.message).toMatch(/^SCHEMA_INCOMPATIBLE: .*subject "strict".*READER_FIELD_MISSING_DEFAULT_VALUE/)
    const invalid = await failure(client.register('strict', avro({ type: 'nothing' }), signal))
    expect(invalid.message).toMatch(/^SCHEMA_REFUSED: .*42201/)
  })

  it('retries what a later attempt may do, and gives up with a retriable error', async () => {
    const client = clientOf(faulty(), { 'max.retries': '3' })
    const troubles = [{ kind: 'answer', status: 503 }, { kind: 'answer', status: 429 }, { kind: 'drop' }] as const
    faults.decide = () => troubles[faults.seen.length - 1] ?? { kind: 'pass' }
    await client.register('retried', avro('int'), signal)
    expect(faults.seen).toHaveLength(4)
    faults.decide = () => ({ kind: 'answer', status: 500, body: '{"error_code":50001,"message":"no disk"}' })
    const error = await failure(client.latest('retried', signal))
    expect(error).toBeInstanceOf(RetriableError)
    expect(error.message).toContain('responds with 500: no disk')
    expect(faults.seen).toHaveLength(8)
  })

  it('gives up a request that takes longer than http.read.timeout.ms', async () => {
    faults.decide = () => ({ kind: 'hang' })
    const client = clientOf(faulty(), { 'http.read.timeout.ms': '20', 'max.retries': '0' })
    const error = await failure(client.latest('any', signal))
    expect(error).toBeInstanceOf(RetriableError)
    expect(error.message).toContain('does not respond')
  })

  it('ends with its signal', async () => {
    faults.decide = () => ({ kind: 'hang' })
    const stop = new AbortController()
    const pending = failure(clientOf(faulty()).latest('any', stop.signal))
    stop.abort(new RangeError('stopped'))
    expect((await pending).message).toBe('stopped')
  })

  it('uses the next URL when one does not respond, and stays with it', async () => {
    const gone = await HttpFaults.before(registry.url)
    const urls = `${gone.url},${faulty()}`
    await gone.close()
    const client = clientOf(urls, { 'max.retries': '0' })
    await client.register('several', avro('int'), signal)
    await client.register('several', avro('int'), signal)
    expect(faults.seen).toHaveLength(2)
  })

  it.each([
    {
      status: 401,
      body: '{"error_code":401,"message":"Unauthorized"}',
      says: /401: Unauthorized.*basic\.auth\.user\.info/,
    },
    { status: 403, body: '', says: /responds with 403/ },
    { status: 404, body: '<html>', says: /responds with 404.*Is schema\.registry\.url the URL/ },
    { status: 302, body: '', says: /responds with 302/ },
    { status: 200, body: '[]', says: /not as a schema registry does/ },
    { status: 200, body: 'hello', says: /responds with 200: hello/ },
  ])('keeps records in place when the server responds with $status and "$body"', async ({ status, body, says }) => {
    faults.decide = () => ({ kind: 'answer', status, body })
    const error = await failure(clientOf(faulty()).latest('any', signal))
    expect(error).toBeInstanceOf(RetriableError)
    expect(error.message).toMatch(says)
    expect(faults.seen).toHaveLength(1)
  })
})

describe('the credentials for a schema registry', () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-registry-'))
  const servers: { close(): unknown }[] = []
  afterAll(() => {
    for (const server of servers) server.close()
    rmSync(directory, { recursive: true, force: true })
  })

  async function listening(server: Server | ReturnType<typeof createServer>): Promise<string> {
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it.each<{ what: string; user: string; config: RawConfig; header: string | undefined }>([
    { what: 'no credentials', user: '', config: {}, header: undefined },
    { what: 'the URL', user: 'al%40ice:se%2Fcret@', config: {}, header: `Basic ${btoa('al@ice:se/cret')}` },
    {
      what: 'USER_INFO',
      user: 'ignored:ignored@',
      config: { 'basic.auth.credentials.source': 'USER_INFO', 'basic.auth.user.info': 'alice:secret' },
      header: `Basic ${btoa('alice:secret')}`,
    },
    { what: 'a token', user: 'alice:secret@', config: { 'bearer.auth.token': 'abc' }, header: 'Bearer abc' },
  ])('are sent as $what says', async ({ user, config, header }) => {
    const seen: IncomingHttpHeaders[] = []
    const address = await listening(
      createServer((request, response) => {
        seen.push(request.headers)
        response.end('{"id":1}')
      }),
    )
    await clientOf(`http://${user}${address}/`, config).register('any', avro('int'), signal)
    expect(seen.map(({ authorization }) => authorization)).toEqual([header])
  })

  it('are a certificate, for a server that asks for one', async () => {
    const authority = new CertificateAuthority(directory, 'authority')
    const [server, client] = [authority.sign('server'), authority.sign('client', { password: 'secret' })]
    const tls = { cert: readFileSync(server.certificate), key: readFileSync(server.key), ca: authority.pem }
    const address = await listening(
      createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: true }, (_request, response) => {
        response.end('{"id":1}')
      }),
    )
    const url = `https://${address}`
    const prefix = 'schema.registry.ssl'
    const trust = { [`${prefix}.truststore.location`]: authority.certificate }
    const own = { [`${prefix}.keystore.location`]: client.both, [`${prefix}.key.password`]: 'secret' }
    expect(await clientOf(url, { ...trust, ...own }).register('any', avro('int'), signal)).toEqual({
      id: 1,
      guid: null,
    })
    const texts = {
      [`${prefix}.truststore.certificates`]: authority.pem,
      [`${prefix}.keystore.certificate.chain`]: readFileSync(client.certificate, 'utf8'),
      [`${prefix}.keystore.key`]: readFileSync(client.key, 'utf8'),
    }
    expect(
      await clientOf(url, { ...texts, [`${prefix}.key.password`]: 'secret' }).register('a', avro('int'), signal),
    ).toEqual({ id: 1, guid: null })
    const untrusted = await failure(clientOf(url, own).register('any', avro('int'), signal))
    expect(untrusted).toBeInstanceOf(RetriableError)
    expect(untrusted.message).toMatch(/certificate is not trusted.*schema\.registry\.ssl\.truststore\.location/)
    expect(
      await failure(clientOf(url, { ...trust, 'max.retries': '0' }).register('any', avro('int'), signal)),
    ).toBeInstanceOf(RetriableError)
  })

  it('are refused by name when they cannot be used', () => {
    const store = join(directory, 'store.jks')
    writeFileSync(store, Buffer.from([0xfe, 0xed, 0xfe, 0xed]))
    const refused = (config: RawConfig): string => {
      try {
        clientOf('http://localhost', config)
        return ''
      } catch (error) {
        return error instanceof ConfigError ? error.message : String(error)
      }
    }
    expect(refused({ 'basic.auth.credentials.source': 'USER_INFO' })).toContain('set basic.auth.user.info')
    expect(refused({ 'schema.registry.ssl.truststore.location': store })).toContain('is not PEM')
    expect(refused({ 'schema.registry.ssl.keystore.location': '/none' })).toContain('cannot be read: /none')
    const wrong = refused({ 'schema.registry.url': 'http://host, user:pass@host' })
    expect(wrong).toContain('which is not an http or https URL')
    expect(refused({ 'schema.registry.url': 'ftp://user:pass@host' })).not.toContain('pass')
  })
})

it('refuses options of Confluent that it does not have', () => {
  const refusals = {
    'basic.auth.credentials.source': 'SASL_INHERIT',
    'bearer.auth.credentials.source': 'OAUTHBEARER',
    'schema.registry.ssl.truststore.type': 'JKS',
    'schema.registry.ssl.keystore.type': 'PKCS12',
    'proxy.host': 'proxy',
    'use.latest.with.metadata': 'no property',
    'use.schema.id': '7',
    'value.subject.name.strategy': 'com.example.Strategy',
    'value.schema.id.serializer': 'com.example.Serializer',
    'value.schema.id.deserializer': 'io.confluent.kafka.serializers.schema.id.ConfigSchemaIdDeserializer',
  }
  const { problems } = checkConfig(registryConfigDef, { 'schema.registry.url': 'http://localhost', ...refusals })
  expect(problems.map(({ key }) => key).toSorted()).toEqual(Object.keys(refusals).toSorted())
})

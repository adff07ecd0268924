import { afterEach, describe, expect, it } from 'vitest'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { systemClock } from 'penstock/api'

import { configDef } from '../../../../connectors/s3-sink/config/config.ts'
import { storeSettings, type StoreSettings } from '../../../../connectors/s3-store/config/store-settings.ts'
import { credentialInput } from '../../../../connectors/s3-store/client/credentials/credentials.ts'
import { RequestBody } from '../../../../connectors/s3-store/client/request-body.ts'
import { StoreClient } from '../../../../connectors/s3-store/client/store-client.ts'
import { parseConfig } from '../../../../src/config/definition/parse-config.ts'

const required = {
  'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
  'flush.size': '1',
  's3.bucket.name': 'bucket',
}
const keys = { 'aws.access.key.id': 'key', 'aws.secret.access.key': 'secret' }
const settings = (raw: Readonly<Record<string, string>> = {}): StoreSettings =>
  storeSettings(parseConfig(configDef, { ...required, ...raw }))

let opened: StoreClient[] = []
afterEach(() => {
  for (const client of opened) client.close()
  opened = []
})

interface Request {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly query: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
}

/** The request that the client would send, signed. */
async function requestOf(client: StoreClient, command: GetObjectCommand | PutObjectCommand): Promise<Request> {
  opened.push(client)
  let request: unknown = null
  client.s3.middlewareStack.add(
    () => async (args) => {
      request = args.request
      throw new RangeError('not sent')
    },
    { step: 'deserialize', priority: 'high', name: 'notSent', override: true },
  )
  const sent = command instanceof PutObjectCommand ? client.s3.send(command) : client.s3.send(command)
  await expect(sent).rejects.toThrow('not sent')
  return request as Request
}

const get = (key: string): GetObjectCommand => new GetObjectCommand({ Bucket: 'bucket', Key: key })

describe('the address of an object', () => {
  it.each([
    [{}, 'https://s3.us-west-2.amazonaws.com', '/bucket/a%2Bb/c%20d'],
    [{ 's3.region': 'cn-north-1' }, 'https://s3.cn-north-1.amazonaws.com.cn', '/bucket/a%2Bb/c%20d'],
    [{ 's3.path.style.access.enabled': 'false' }, 'https://bucket.s3.us-west-2.amazonaws.com', '/a%2Bb/c%20d'],
    [
      { 's3.path.style.access.enabled': 'false', 's3.wan.mode': 'true' },
      'https://bucket.s3-accelerate.amazonaws.com',
      '/a%2Bb/c%20d',
    ],
    [{ 'store.url': 'http://127.0.0.1:9000' }, 'http://127.0.0.1:9000', '/bucket/a%2Bb/c%20d'],
    [{ 'store.url': 'minio.example' }, 'https://minio.example', '/bucket/a%2Bb/c%20d'],
    [
      { 'store.url': 'http://minio:9000', 's3.path.style.access.enabled': 'false' },
      'http://bucket.minio:9000',
      '/a%2Bb/c%20d',
    ],
  ])('%j', async (raw, origin, path) => {
    const client = new StoreClient(settings({ ...keys, ...raw }), systemClock)
    const request = await requestOf(client, get('a+b/c d'))
    const port = request.port === undefined ? '' : `:${request.port}`
    expect(`${request.protocol}//${request.hostname}${port}`).toBe(origin)
    expect(request.headers['host']).toBe(new URL(origin).host)
    expect(request.path).toBe(path)
  })
})

describe('a request', () => {
  const at = Date.parse('2013-05-24T00:00:00Z')
  const clock = { ...systemClock, now: () => at }

  it('is signed by the clock of the task, and later by the clock of the store', async () => {
    const client = new StoreClient(settings(keys), clock)
    const request = await requestOf(client, get('k'))
    expect(request.headers['x-amz-date']).toMatch(/^20130524T00000[01]Z$/)
    expect(request.headers['authorization']).toMatch(/^AWS4-HMAC-SHA256 Credential=key\/20130524\/us-west-2\/s3\//)
    client.adoptClock({ $response: { headers: { date: 'Fri, 24 May 2013 01:00:00 GMT' } } })
    expect((await requestOf(client, get('k'))).headers['x-amz-date']).toMatch(/^20130524T01000[01]Z$/)
  })

  it('is signed by the clock of the task although a response with another date arrives before its signature', async () => {
    const client = new StoreClient(settings(keys), clock)
    opened.push(client)
    const dates: unknown[] = []
    const response = { statusCode: 200, headers: { date: 'Fri, 24 May 2013 03:00:00 GMT' } }
    client.s3.middlewareStack.add(
      () =>
        async ({ request }) => {
          dates.push((request as Request).headers['x-amz-date'])
          return { response, output: { $metadata: {} } }
        },
      { step: 'deserialize', priority: 'high', name: 'responds' },
    )
    let others = 0
    const sendsAnother =
      <Input, Output>(next: (args: Input) => Promise<Output>) =>
      async (args: Input): Promise<Output> => {
        others += 1
        if (others === 1) await client.s3.send(get('other'))
        return await next(args)
      }
    client.s3.middlewareStack.addRelativeTo(sendsAnother, {
      relation: 'before',
      toMiddleware: 'httpSigningMiddleware',
      name: 'sendsAnother',
    })
    await client.s3.send(get('k'))
    const own: unknown = expect.stringMatching(/^20130524T00000[01]Z$/)
    expect(dates).toEqual([own, own])
  })

  it('has a signature that covers the bytes of its body, and no checksum or Expect header that no one asked for', async () => {
    const body = new RequestBody([Buffer.from('Welcome to '), Buffer.from('Amazon S3.')])
    const put = new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: body.stream(), ContentLength: body.bytes })
    const { headers } = await requestOf(new StoreClient(settings(keys), clock), put)
    expect(headers['content-length']).toBe('21')
    expect(headers['x-amz-content-sha256']).toBe('44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072')
    expect(headers['authorization']).toContain('x-amz-content-sha256')
    expect(Object.keys(headers).filter((name) => /checksum|expect|trailer/i.test(name))).toEqual([])
  })

  it('carries the token of temporary credentials', async () => {
    const client = new StoreClient(settings(keys), clock)
    client.s3.config.credentials = async () => ({ accessKeyId: 'a', secretAccessKey: 's', sessionToken: 'token' })
    expect((await requestOf(client, get('k'))).headers['x-amz-security-token']).toBe('token')
  })
})

describe('credentials', () => {
  const environment = { AWS_ACCESS_KEY_ID: 'env', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'token' }
  const onlyEnvironment = {
    's3.credentials.provider.class': 'software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider',
  }

  it('come from the config before the environment', async () => {
    const given = credentialInput(settings({ ...keys, ...onlyEnvironment }), environment)
    expect(given).toEqual({ credentials: { accessKeyId: 'key', secretAccessKey: 'secret' } })
  })

  it('come from the environment where it has them', () => {
    const credentials = { accessKeyId: 'env', secretAccessKey: 'secret', sessionToken: 'token' }
    expect(credentialInput(settings(), environment)).toEqual({ credentials })
    expect(credentialInput(settings(onlyEnvironment), environment)).toEqual({ credentials })
  })

  it('are left to the default chain of the SDK otherwise', () => {
    expect(credentialInput(settings(), {})).toEqual({})
  })

  it('are missed by name', async () => {
    const { credentials } = credentialInput(settings(onlyEnvironment), {})
    const found = async () => (typeof credentials === 'function' ? await credentials() : credentials)
    await expect(found()).rejects.toThrow('S3_CREDENTIALS: no credentials for the store: the environment has none')
  })
})

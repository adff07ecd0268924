import { describe, expect, it } from 'vitest'

import { credentialSource } from '../../../connectors/s3-sink/s3-client/credentials.ts'
import { endpointOf, pathOf } from '../../../connectors/s3-sink/s3-client/endpoint.ts'
import { storeSettings, type StoreSettings } from '../../../connectors/s3-sink/config/settings.ts'
import { awsEncode, sha256Hex, signatureHeaders } from '../../../connectors/s3-sink/s3-client/sign-request.ts'
import { configDef } from '../../../connectors/s3-sink/config/config.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'

const required = {
  'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
  'flush.size': '1',
  's3.bucket.name': 'b',
}
const settings = (raw: Readonly<Record<string, string>> = {}): StoreSettings =>
  storeSettings(parseConfig(configDef, { ...required, ...raw }))

describe('signatures', () => {
  const keys = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    sessionToken: null,
  }
  const at = Date.parse('2013-05-24T00:00:00Z')
  const host = 'examplebucket.s3.amazonaws.com'

  // The examples of Amazon's documentation of Signature Version 4.
  it.each([
    [
      'GET',
      '/test.txt',
      {},
      { host, range: 'bytes=0-9' },
      '',
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ],
    [
      'PUT',
      `/${awsEncode('test$file.text')}`,
      {},
      { host, date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
      'Welcome to Amazon S3.',
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ],
    ['GET', '/', { lifecycle: '' }, { host }, '', 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    [
      'GET',
      '/',
      { 'max-keys': '2', prefix: 'J' },
      { host },
      '',
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ],
  ])('%s %s %j', (method, path, query, headers, body, signature) => {
    const request = { method, path, query, headers, bodySha256: sha256Hex(body === '' ? [] : [Buffer.from(body)]) }
    const added = signatureHeaders(request, keys, 'us-east-1', at)
    expect(added['authorization']).toMatch(new RegExp(`Signature=${signature}$`))
    expect(added['x-amz-date']).toBe('20130524T000000Z')
  })

  it('carry the token of temporary credentials', () => {
    const request = { method: 'GET', path: '/', query: {}, headers: { host }, bodySha256: sha256Hex([]) }
    const added = signatureHeaders(request, { ...keys, sessionToken: 'token' }, 'us-east-1', at)
    expect(added['x-amz-security-token']).toBe('token')
    expect(added['authorization']).toContain('SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,')
  })
})

describe('the address of a bucket', () => {
  it.each([
    [{}, 'https://s3.us-west-2.amazonaws.com', '/b/a%2Bb/c%20d'],
    [{ 's3.region': 'cn-north-1' }, 'https://s3.cn-north-1.amazonaws.com.cn', '/b/a%2Bb/c%20d'],
    [{ 's3.path.style.access.enabled': 'false' }, 'https://b.s3.us-west-2.amazonaws.com', '/a%2Bb/c%20d'],
    [
      { 's3.path.style.access.enabled': 'false', 's3.wan.mode': 'true' },
      'https://b.s3-accelerate.amazonaws.com',
      '/a%2Bb/c%20d',
    ],
    [{ 'store.url': 'http://127.0.0.1:9000' }, 'http://127.0.0.1:9000', '/b/a%2Bb/c%20d'],
    [{ 'store.url': 'minio.example' }, 'https://minio.example', '/b/a%2Bb/c%20d'],
    [
      { 'store.url': 'http://minio:9000', 's3.path.style.access.enabled': 'false' },
      'http://b.minio:9000',
      '/a%2Bb/c%20d',
    ],
  ])('%j', (raw, origin, path) => {
    const endpoint = endpointOf(settings(raw))
    expect(endpoint.origin.origin).toBe(origin)
    expect(endpoint.host).toBe(new URL(origin).host)
    expect(pathOf(endpoint, 'a+b/c d')).toBe(path)
  })
})

describe('credentials', () => {
  const environment = { AWS_ACCESS_KEY_ID: 'env', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'token' }

  it('come from the config before the environment', async () => {
    const own = credentialSource(settings({ 'aws.access.key.id': 'a', 'aws.secret.access.key': 's' }), environment)
    expect(await own(false)).toEqual({ accessKeyId: 'a', secretAccessKey: 's', sessionToken: null })
    const found = credentialSource(settings(), environment)
    expect(await found(false)).toEqual({ accessKeyId: 'env', secretAccessKey: 'secret', sessionToken: 'token' })
  })

  it('are missed by name', async () => {
    const provider = 'software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider'
    const none = credentialSource(settings({ 's3.credentials.provider.class': provider }), {})
    await expect(none(false)).rejects.toThrow('S3_CREDENTIALS: no credentials for the store: the environment has none')
  })
})

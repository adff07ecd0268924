import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { systemClock, type RawConfig } from 'penstock/api'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { S3Store } from '../../../../connectors/s3-store/client/s3-store.ts'
import { S3RefusedError, S3UnavailableError } from '../../../../connectors/s3-store/client/s3-error.ts'
import { storeSettingsOf } from '../../../support/s3/s3-config.ts'

const java = 'software.amazon.awssdk.auth.credentials'
const role = {
  's3.credentials.provider.class': 'io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider',
  's3.credentials.provider.sts.role.arn': 'arn:aws:iam::123456789012:role/archive',
}
const never = new AbortController().signal
const expiry = (): string => new Date(systemClock.now() + 3_600_000).toISOString()

/** A store, and the services that give credentials for it. */
let server: Server
let url: string
let directory: string
let requests: { readonly request: string; readonly body: string; readonly headers: IncomingMessage['headers'] }[]
let respond: (request: string, outgoing: ServerResponse, body: string) => void
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-credentials-'))
  requests = []
  server = createServer((incoming, outgoing) => {
    let body = ''
    incoming.on('data', (piece: Buffer) => (body += piece.toString()))
    incoming.on('end', () => {
      const request = `${incoming.method} ${incoming.url}`
      requests.push({ request, body, headers: incoming.headers })
      respond(request, outgoing, body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE'])
    vi.stubEnv(name, undefined)
  for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) vi.stubEnv(name, join(directory, name))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** Asks the store for the bucket. Returns the access key and the session token of the request. */
async function askStore(settings: RawConfig, times = 1): Promise<(readonly [key: string, token: unknown])[]> {
  const keys = { 'aws.access.key.id': '', 'aws.secret.access.key': '' }
  const store = new S3Store(storeSettingsOf({ ...keys, 'store.url': url, ...settings }), systemClock)
  try {
    for (let i = 0; i < times; i += 1) await store.headObject('k', never)
  } finally {
    store.close()
  }
  return requests
    .filter(({ request }) => request.startsWith('HEAD /bucket/k'))
    .map(({ headers }) => {
      const [, key = ''] = /Credential=([^/]+)\//.exec(headers.authorization ?? '') ?? []
      return [key, headers['x-amz-security-token']]
    })
}

const stored = (outgoing: ServerResponse): void => void outgoing.writeHead(200, { etag: '"t"' }).end()

/** What STS responds to an action. */
function assumed(action: string, key: string): string {
  const credentials = `<AccessKeyId>${key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>of ${key}</SessionToken><Expiration>${expiry()}</Expiration>`
  return `<${action}Response><${action}Result><Credentials>${credentials}</Credentials></${action}Result></${action}Response>`
}

describe('a role', () => {
  it('is assumed with the keys of the config, once for all requests', async () => {
    respond = (request, outgoing) =>
      request === 'POST /' ? outgoing.writeHead(200).end(assumed('AssumeRole', 'TEMPORARY')) : stored(outgoing)
    const settings = {
      ...role,
      'aws.access.key.id': 'LASTING',
      'aws.secret.access.key': 'secret',
      's3.credentials.provider.sts.role.session.name': 'nightly',
      's3.credentials.provider.sts.role.external.id': 'of the bank',
      's3.credentials.provider.sts.region': 'eu-central-1',
      's3.credentials.provider.sts.endpoint': url,
    }
    const temporary = ['TEMPORARY', 'of TEMPORARY']
    expect(await askStore(settings, 3)).toEqual([temporary, temporary, temporary])
    const [asked, ...others] = requests.filter(({ request }) => request === 'POST /')
    expect(others).toEqual([])
    expect(Object.fromEntries(new URLSearchParams(asked?.body))).toMatchObject({
      Action: 'AssumeRole',
      RoleArn: 'arn:aws:iam::123456789012:role/archive',
      RoleSessionName: 'nightly',
      ExternalId: 'of the bank',
    })
    expect(asked?.headers.authorization).toMatch(/Credential=LASTING\/\d+\/eu-central-1\/sts\//)
  })

  it('is assumed again when the store says that its token has expired', async () => {
    let sessions = 0
    respond = (request, outgoing) => {
      if (request === 'POST /') outgoing.writeHead(200).end(assumed('AssumeRole', `TEMPORARY${(sessions += 1)}`))
      else if (sessions === 1) outgoing.writeHead(400).end('<Error><Code>ExpiredToken</Code></Error>')
      else stored(outgoing)
    }
    const store = new S3Store(
      storeSettingsOf({
        ...role,
        'store.url': url,
        's3.credentials.provider.sts.endpoint': url,
        's3.retry.backoff.ms': '1',
      }),
      systemClock,
    )
    const object = { key: 'k', body: [], condition: { kind: 'any' }, contentType: 'text/plain' } as const
    const mark = { writer: 'w', topicId: null, clusterId: null, first: null }
    await store.putObject({ ...object, mark }, never)
    store.close()
    expect(sessions).toBe(2)
  })

  it('is assumed with the default chain of the SDK where the config has no keys', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'OF-THE-ENVIRONMENT')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    respond = (request, outgoing) =>
      request === 'POST /' ? outgoing.writeHead(200).end(assumed('AssumeRole', 'TEMPORARY')) : stored(outgoing)
    await askStore({ ...role, 's3.credentials.provider.sts.endpoint': url })
    // The region is that of the bucket.
    expect(requests[0]?.headers.authorization).toMatch(/Credential=OF-THE-ENVIRONMENT\/\d+\/us-east-1\/sts\//)
  })

  it.each<[string, number, string, typeof S3RefusedError | typeof S3UnavailableError]>([
    ['that may not be assumed is refused', 403, 'AccessDenied', S3RefusedError],
    ['whose service is overloaded may be assumed later', 503, 'ServiceUnavailable', S3UnavailableError],
  ])('%s', { timeout: 60_000 }, async (_title, status, code, type) => {
    respond = (_request, outgoing) =>
      outgoing
        .writeHead(status)
        .end(`<ErrorResponse><Error><Code>${code}</Code><Message>Not now</Message></Error></ErrorResponse>`)
    const settings = storeSettingsOf({ ...role, 'store.url': url, 's3.credentials.provider.sts.endpoint': url })
    const store = new S3Store(settings, systemClock)
    await expect(store.checkBucket(never)).rejects.toThrow(type)
    await expect(store.checkBucket(never)).rejects.toThrow('Not now')
    store.close()
  })
})

describe('the credentials of one place', () => {
  it('are those of a profile', async () => {
    writeFileSync(
      join(directory, 'AWS_SHARED_CREDENTIALS_FILE'),
      '[archive]\naws_access_key_id = OF-THE-PROFILE\naws_secret_access_key = secret\n',
    )
    vi.stubEnv('AWS_PROFILE', 'archive')
    respond = (_request, outgoing) => stored(outgoing)
    const settings = { 's3.credentials.provider.class': `${java}.ProfileCredentialsProvider` }
    expect(await askStore(settings)).toEqual([['OF-THE-PROFILE', undefined]])
  })

  it('are those that STS gives for the token in a file', async () => {
    writeFileSync(join(directory, 'token'), 'a-token')
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(directory, 'token'))
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/pod')
    vi.stubEnv('AWS_ENDPOINT_URL_STS', url)
    respond = (request, outgoing) =>
      request === 'POST /'
        ? outgoing.writeHead(200).end(assumed('AssumeRoleWithWebIdentity', 'OF-THE-POD'))
        : stored(outgoing)
    const settings = { 's3.credentials.provider.class': `${java}.WebIdentityTokenFileCredentialsProvider` }
    expect(await askStore(settings)).toEqual([['OF-THE-POD', 'of OF-THE-POD']])
    expect(Object.fromEntries(new URLSearchParams(requests[0]?.body))).toMatchObject({
      WebIdentityToken: 'a-token',
      RoleArn: 'arn:aws:iam::123456789012:role/pod',
    })
  })

  const given = (key: string): string =>
    JSON.stringify({
      Code: 'Success',
      AccessKeyId: key,
      SecretAccessKey: 's',
      Token: `of ${key}`,
      Expiration: expiry(),
    })

  it('are those of a container', async () => {
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${url}/role`)
    respond = (request, outgoing) =>
      request === 'GET /role' ? outgoing.writeHead(200).end(given('OF-THE-CONTAINER')) : stored(outgoing)
    const settings = { 's3.credentials.provider.class': 'com.amazonaws.auth.EC2ContainerCredentialsProviderWrapper' }
    expect(await askStore(settings)).toEqual([['OF-THE-CONTAINER', 'of OF-THE-CONTAINER']])
  })

  it('are those of an instance', async () => {
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', url)
    respond = (request, outgoing) => {
      if (request === 'PUT /latest/api/token') outgoing.writeHead(200).end('a-token')
      else if (request.endsWith('/security-credentials/')) outgoing.writeHead(200).end('a-role')
      else if (request.endsWith('/a-role')) outgoing.writeHead(200).end(given('OF-THE-INSTANCE'))
      else stored(outgoing)
    }
    const settings = { 's3.credentials.provider.class': `${java}.InstanceProfileCredentialsProvider` }
    expect(await askStore(settings)).toEqual([['OF-THE-INSTANCE', 'of OF-THE-INSTANCE']])
  })

  it('are not asked for where the config has keys', async () => {
    respond = (_request, outgoing) => stored(outgoing)
    const settings = { 's3.credentials.provider.class': `${java}.InstanceProfileCredentialsProvider` }
    const keys = { 'aws.access.key.id': 'OF-THE-CONFIG', 'aws.secret.access.key': 'secret' }
    expect(await askStore({ ...settings, ...keys })).toEqual([['OF-THE-CONFIG', undefined]])
    expect(requests.length).toBe(1)
  })

  it('that are missing are named', async () => {
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', undefined)
    const settings = { 's3.credentials.provider.class': `${java}.WebIdentityTokenFileCredentialsProvider` }
    await expect(askStore(settings)).rejects.toThrow(/no credentials for the store: Web identity configuration/)
  })
})

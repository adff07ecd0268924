import { execFileSync } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pathToFileURL } from 'node:url'

import { ConfigError, RetriableError, type RawConfig } from 'penstock/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { plugin } from '../../../plugins/config-providers/aws-secret-provider.ts'
import { openProvider } from '../../support/secrets/open-provider.ts'

const secretKey = 'wJalrXUtnFEMI/K7MDENG'
const keys = { 'aws.region': 'eu-west-3', 'aws.access.key': 'AKIDEXAMPLE', 'aws.secret.key': secretKey }

describe('the settings of the provider of AWS Secrets Manager', () => {
  it.each<[RawConfig, RegExp]>([
    [{}, /Missing required configuration "aws.region"/],
    [{ 'aws.region': '' }, /^aws.region must be set$/],
    [{ 'aws.region': 'x' }, /^set aws.access.key and aws.secret.key, or aws.auth.method to "default"$/],
    [{ 'aws.region': 'x', 'aws.auth.method': 'role' }, /aws.auth.method: String must be one of/],
    [{ ...keys, 'aws.endpoint.override': 'host:80' }, /aws.endpoint.override: it is not a URL such as/],
    [{ ...keys, 'secret.type': 'STRING' }, /secret.type: Not supported: an empty key stands for the whole text/],
    [{ ...keys, 'file.dir': '/tmp' }, /"file.dir" is not supported: secrets are not written to disk/],
  ])('%j are refused by name', (settings, message) => {
    const opening = (): unknown => openProvider(plugin, settings)
    expect(opening).toThrow(ConfigError)
    expect(opening).toThrow(message)
  })

  it('are checked without the SDK, which only a reference loads', () => {
    const module = pathToFileURL('plugins/config-providers/aws-secret-provider.ts').href
    const script = `
      import { registerHooks } from 'node:module'
      registerHooks({ resolve(name, context, next) { if (name.startsWith('@aws-sdk/')) console.log(name); return next(name, context) } })
      const { plugin } = await import(${JSON.stringify(module)})
      const provider = plugin.create({ 'aws.region': 'x', 'aws.auth.method': 'default' }, {})
      console.log('created')
      await provider.get('a', ['b'], AbortSignal.abort()).catch(() => undefined)`
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    expect(said).toMatch(/^created\n@aws-sdk\/client-secrets-manager\n/)
  })
})

describe('the provider of AWS Secrets Manager', () => {
  let server: Server
  let response: { readonly status: number; readonly body: Readonly<Record<string, string>> }
  let isSigned: boolean
  beforeEach(async () => {
    server = createServer((request, reply) => {
      void (async () => {
        isSigned = await hasSignature(request)
        reply.writeHead(response.status, { 'content-type': 'application/x-amz-json-1.1' })
        reply.end(JSON.stringify(response.body))
      })()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(() => {
    server.close().closeAllConnections()
  })
  const read = async (): Promise<unknown> =>
    await openProvider(plugin, {
      ...keys,
      'aws.endpoint.override': `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    }).get('shop', ['p'], AbortSignal.timeout(120_000))

  it('signs its request with the keys of its settings', async () => {
    response = { status: 200, body: { Name: 'shop', SecretString: '{"p":"S3cret"}' } }
    expect(await read()).toEqual({ p: 'S3cret' })
    expect(isSigned).toBe(true)
  })

  it.each<[string, number, boolean, RegExp]>([
    ['AccessDeniedException', 400, false, /must allow secretsmanager:GetSecretValue on it$/],
    ['DecryptionFailure', 400, false, /must be allowed to use its KMS key \(kms:Decrypt\)$/],
    ['UnrecognizedClientException', 400, false, /AWS does not accept the access key \(Unrec.*\); check the key/],
    ['InvalidSignatureException', 400, false, /AWS does not accept the access key \(InvalidSig.*\); check the key/],
    ['ExpiredTokenException', 400, false, /the credentials have expired; renew them$/],
    ['InvalidParameterException', 400, false, /: InvalidParameterException: because$/],
    ['ThrottlingException', 400, true, /in eu-west-3 at http.* \(ThrottlingException\)$/],
    ['InternalServiceError', 500, true, /\(InternalServiceError\)$/],
  ])('says what %s means, and whether it may pass', async (type, status, mayPass, message) => {
    response = { status, body: { __type: type, Message: 'because', message: 'because' } }
    const failed = await read().then(
      () => new TypeError('it did not fail'),
      (error: unknown) => error as Error,
    )
    expect(failed).toBeInstanceOf(mayPass ? RetriableError : ConfigError)
    expect(failed.message).toMatch(/^the secret shop cannot be read from Secrets Manager/)
    expect(failed.message).toMatch(message)
    expect(failed.message).not.toContain(secretKey)
  })
})

/** Checks a signature of version 4, by Amazon's description of it. */
async function hasSignature(request: IncomingMessage): Promise<boolean> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  const body = Buffer.concat(parts)
  const header = request.headers.authorization ?? ''
  const [, scope = '', names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/(\S+), SignedHeaders=(\S+), Signature=(\w+)$/.exec(header) ?? []
  const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')
  const canonical = [
    request.method,
    '/',
    '',
    ...names.split(';').map((name) => `${name}:${String(request.headers[name])}`),
    '',
    names,
    sha256(body),
  ].join('\n')
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(canonical)].join('\n')
  const key = scope
    .split('/')
    .reduce<Buffer | string>((by, part) => createHmac('sha256', by).update(part).digest(), `AWS4${secretKey}`)
  const isFor = scope.endsWith('/eu-west-3/secretsmanager/aws4_request')
  return isFor && createHmac('sha256', key).update(text).digest('hex') === signature
}

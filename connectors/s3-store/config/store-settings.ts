import type { ParsedConfig } from 'penstock/api'

import { providerKind } from './credential-options.ts'
import type { StoreOption } from './store-options.ts'

/** A checksum that the store verifies and stores. */
export type ChecksumAlgorithm = 'crc32' | 'crc32c' | 'sha256'

/** How to reach the store. */
export interface StoreSettings {
  readonly bucket: string
  readonly region: string
  /** Null: Amazon S3. */
  readonly storeUrl: string | null
  readonly pathStyle: boolean
  readonly accelerate: boolean
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly credentials: CredentialSource
  /** With user and password; null: none. */
  readonly proxyUrl: string | null
  readonly expectContinue: boolean
  readonly requestTimeoutMs: number
  readonly quietAttempts: number
  readonly initialBackoffMs: number
  readonly maxBackoffMs: number
  readonly md5: boolean
  readonly checksum: ChecksumAlgorithm | null
  readonly encryption: Encryption | null
  readonly acl: string | null
  /** Null: that of the bucket. */
  readonly storageClass: string | null
}

/** Where credentials come from: the default chain of the SDK, one place of it, or a role of AWS STS. */
export type CredentialSource =
  | { readonly kind: 'chain' | 'environment' | 'profile' | 'web-identity' | 'container' | 'instance' }
  | {
      readonly kind: 'role'
      readonly arn: string
      readonly sessionName: string
      readonly externalId: string | null
      readonly region: string | null
      readonly endpoint: string | null
    }

/** How the store encrypts objects. */
export type Encryption =
  | { readonly kind: 'AES256' }
  | { readonly kind: 'kms'; readonly keyId: string | null }
  | { readonly kind: 'customer'; readonly key: Buffer }

/** The options of a connection; the latter ones are those of a sink. */
type StoreKey =
  | StoreOption
  | 'retry.backoff.ms'
  | 's3.send.digest'
  | 's3.checksum.algorithm'
  | 's3.ssea.name'
  | 's3.sse.kms.key.id'
  | 's3.acl.canned'
  | 's3.storage.class'
  | 's3.http.send.expect.continue'

/** The part of the settings that a connection to the store needs. */
export function storeSettings(config: ParsedConfig): StoreSettings {
  const text = (key: StoreKey): string => String(config[key] ?? '').trim()
  const orNull = (key: StoreKey): string | null => (text(key) === '' ? null : text(key))
  const number = (key: StoreKey): number => Number(config[key])
  const checksum = text('s3.checksum.algorithm').toLowerCase()
  return {
    bucket: text('s3.bucket.name'),
    // The SDK needs one; stores other than Amazon's take any.
    region: text('s3.region') === '' ? 'us-east-1' : text('s3.region'),
    storeUrl: orNull('store.url'),
    pathStyle: config['s3.path.style.access.enabled'] !== false && config['s3.wan.mode'] !== true,
    accelerate: config['s3.wan.mode'] === true,
    accessKeyId: text('aws.access.key.id'),
    secretAccessKey: text('aws.secret.access.key'),
    credentials: credentialSource(config),
    proxyUrl: proxyUrl(text('s3.proxy.url'), text('s3.proxy.user'), text('s3.proxy.password')),
    expectContinue: config['s3.http.send.expect.continue'] === true,
    requestTimeoutMs: number('s3.request.timeout.ms'),
    quietAttempts: number('s3.part.retries'),
    initialBackoffMs: number('s3.retry.backoff.ms'),
    maxBackoffMs: Math.max(number('s3.retry.backoff.ms'), number('retry.backoff.ms')),
    md5: config['s3.send.digest'] === true,
    checksum: checksum === 'crc32' || checksum === 'crc32c' || checksum === 'sha256' ? checksum : null,
    encryption: encryptionOf(text('s3.ssea.name'), text('s3.sse.kms.key.id'), text('s3.sse.customer.key')),
    acl: orNull('s3.acl.canned'),
    storageClass: orNull('s3.storage.class'),
  }
}

function encryptionOf(name: string, kmsKeyId: string, customerKey: string): Encryption | null {
  if (name === 'AES256') {
    return customerKey === '' ? { kind: 'AES256' } : { kind: 'customer', key: Buffer.from(customerKey, 'base64') }
  }
  return name === 'aws:kms' || name === 'aws:kms:dsse'
    ? { kind: 'kms', keyId: kmsKeyId === '' ? null : kmsKeyId }
    : null
}

function credentialSource(config: ParsedConfig): CredentialSource {
  const text = (key: StoreOption): string => String(config[key] ?? '').trim()
  const orNull = (key: StoreOption): string | null => (text(key) === '' ? null : text(key))
  const kind = providerKind(text('s3.credentials.provider.class'))
  if (kind !== 'role') return { kind }
  return {
    kind,
    arn: text('s3.credentials.provider.sts.role.arn'),
    sessionName: text('s3.credentials.provider.sts.role.session.name'),
    externalId: orNull('s3.credentials.provider.sts.role.external.id'),
    region: orNull('s3.credentials.provider.sts.region'),
    endpoint: orNull('s3.credentials.provider.sts.endpoint'),
  }
}

/** As in Confluent's sink: without a user in its own option, the URL may have one, and schemes other than http are https. */
function proxyUrl(address: string, user: string, password: string): string | null {
  if (address === '') return null
  const url = new URL(address)
  const scheme = url.protocol === 'http:' ? 'http:' : 'https:'
  const name = user === '' ? url.username : encodeURIComponent(user)
  const secret = password === '' ? url.password : encodeURIComponent(password)
  const login = name === '' ? '' : `${name}${secret === '' ? '' : `:${secret}`}@`
  return `${scheme}//${login}${url.host}`
}

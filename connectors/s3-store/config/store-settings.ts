import type { ParsedConfig } from 'penstock/api'

import { credentialProviders, type StoreOption } from './store-options.ts'

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
  readonly onlyEnvironment: boolean
  readonly requestTimeoutMs: number
  readonly quietAttempts: number
  readonly initialBackoffMs: number
  readonly maxBackoffMs: number
  readonly md5: boolean
  readonly checksum: ChecksumAlgorithm | null
  readonly encryption: Encryption | null
  readonly acl: string | null
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

/** The part of the settings that a connection to the store needs. */
export function storeSettings(config: ParsedConfig): StoreSettings {
  const text = (key: StoreKey): string => String(config[key] ?? '').trim()
  const number = (key: StoreKey): number => Number(config[key])
  const checksum = text('s3.checksum.algorithm').toLowerCase()
  return {
    bucket: text('s3.bucket.name'),
    // The SDK needs one; stores other than Amazon's take any.
    region: text('s3.region') === '' ? 'us-east-1' : text('s3.region'),
    storeUrl: text('store.url') === '' ? null : text('store.url'),
    pathStyle: config['s3.path.style.access.enabled'] !== false && config['s3.wan.mode'] !== true,
    accelerate: config['s3.wan.mode'] === true,
    accessKeyId: text('aws.access.key.id'),
    secretAccessKey: text('aws.secret.access.key'),
    onlyEnvironment: isOneOf(credentialProviders.environment, text('s3.credentials.provider.class')),
    requestTimeoutMs: number('s3.request.timeout.ms'),
    quietAttempts: number('s3.part.retries'),
    initialBackoffMs: number('s3.retry.backoff.ms'),
    maxBackoffMs: Math.max(number('s3.retry.backoff.ms'), number('retry.backoff.ms')),
    md5: config['s3.send.digest'] === true,
    checksum: checksum === 'crc32' || checksum === 'crc32c' || checksum === 'sha256' ? checksum : null,
    encryption: encryptionOf(text('s3.ssea.name'), text('s3.sse.kms.key.id'), text('s3.sse.customer.key')),
    acl: text('s3.acl.canned') === '' ? null : text('s3.acl.canned'),
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

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name)
}

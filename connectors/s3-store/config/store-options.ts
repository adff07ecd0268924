import { atLeast, type ConfigDef, type ConfigValue } from 'penstock/api'

import { credentialOptions } from './credential-options.ts'
import { s3, storage } from './grouped-key.ts'

const storeUrl = Object.assign(
  (_key: string, value: ConfigValue): string | null => {
    if (value === null || value === '') return null
    const text = String(value)
    if (text.includes('@'))
      return "A URL with a user is not supported; set 'aws.access.key.id' and 'aws.secret.access.key'."
    return /^(?:https?:\/\/)?[^/?#]+\/?$/.test(text) && URL.canParse(text.includes('://') ? text : `https://${text}`)
      ? null
      : 'It must be a URL of scheme, host and port, such as http://127.0.0.1:9000'
  },
  { describe: 'a URL' },
)

const proxyUrl = Object.assign(
  (_key: string, value: ConfigValue): string | null => {
    const text = String(value ?? '').trim()
    if (text === '') return null
    return /^[a-z]+:\/\/[^/?#]+\/?$/i.test(text) && URL.canParse(text)
      ? null
      : 'It must be a URL of scheme, host and port, such as http://proxy:3128'
  },
  { describe: 'a URL' },
)

/** The options that say where objects are, how they are named, and how to reach them. Both connectors have them. */
export const storeOptions = {
  's3.bucket.name': s3('STRING', 'The bucket.', {
    importance: 'HIGH',
    validator: (_key, value) => (value === '' ? 'String must be non-empty' : null),
  }),
  's3.region': s3('STRING', 'The region of the bucket.', { importance: 'MEDIUM', defaultValue: 'us-west-2' }),
  'store.url': s3(
    'STRING',
    'The URL of an S3 store other than Amazon S3, such as http://127.0.0.1:9000; https when it has no scheme.',
    { importance: 'MEDIUM', defaultValue: null, validator: storeUrl },
  ),
  's3.path.style.access.enabled': s3(
    'BOOLEAN',
    'Whether the bucket is in the path of the URL instead of the host name.',
    { importance: 'MEDIUM', defaultValue: true },
  ),
  's3.wan.mode': s3('BOOLEAN', 'Whether to use Amazon S3 Transfer Acceleration.', {
    importance: 'MEDIUM',
    defaultValue: false,
  }),
  ...credentialOptions,
  's3.proxy.url': s3(
    'STRING',
    'The URL of an HTTP proxy for requests to the store, such as http://proxy:3128; empty: none.',
    { importance: 'LOW', defaultValue: '', validator: proxyUrl },
  ),
  's3.proxy.user': s3('STRING', 'The user of the proxy. Without it, the one in s3.proxy.url.', {
    importance: 'LOW',
    defaultValue: null,
  }),
  's3.proxy.password': s3('PASSWORD', 'The password of s3.proxy.user.', { importance: 'LOW', defaultValue: '' }),
  's3.part.retries': s3(
    'INT',
    'The number of failed attempts after which a request raises the condition S3_UNAVAILABLE. It is retried indefinitely.',
    { importance: 'MEDIUM', defaultValue: 3, validator: atLeast(0) },
  ),
  's3.retry.backoff.ms': s3(
    'LONG',
    'The wait before the first retry; it doubles up to retry.backoff.ms, with jitter.',
    { importance: 'LOW', defaultValue: 200, validator: atLeast(1) },
  ),
  's3.sse.customer.key': s3('PASSWORD', 'Your own key for AES256, 32 bytes in base64.', {
    importance: 'LOW',
    defaultValue: null,
    validator: (_key, value) =>
      value === null || Buffer.from(String(value), 'base64').length === 32 ? null : 'It must be 32 bytes in base64',
  }),
  's3.request.timeout.ms': s3(
    'INT',
    'The timeout of a connection attempt, and of a request on which no byte is transferred.',
    { importance: 'LOW', defaultValue: 60_000, validator: atLeast(100) },
  ),
  'topics.dir': storage('STRING', 'The first level of object names; empty: none.', {
    importance: 'HIGH',
    defaultValue: 'topics',
  }),
  'directory.delim': storage('STRING', 'The separator between the levels of object names.', {
    importance: 'MEDIUM',
    defaultValue: '/',
  }),
  'file.delim': storage('STRING', 'The separator between topic, partition and offset.', {
    importance: 'MEDIUM',
    defaultValue: '+',
  }),
} as const satisfies ConfigDef

export type StoreOption = keyof typeof storeOptions

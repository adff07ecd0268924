import { between, type ConfigDef, type ConfigValue, type Validator } from 'penstock/api'
import { Key } from '../key.ts'
import { key } from './option.ts'

/** Every client of the REST API can read the URL of a connector. */
const inPlaceOfCredentials = `A url with a user is not supported; set '${Key.username}' and '${Key.password}'.`

function addressProblem(text: string): string | null {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`)
  if (url === null) return 'is not a valid url'
  const { protocol, host, pathname, search, hash } = url
  if (protocol !== 'http:' && protocol !== 'https:') return 'is not supported: it must begin with http:// or https://'
  return `${pathname}${search}${hash}` === '/' ? null : `is not supported: set the address alone, ${protocol}//${host}`
}

const urls: Validator = Object.assign(
  (_key: string, value: ConfigValue): string | null => {
    const list = Array.isArray(value) ? value : []
    if (list.length === 0) return 'Must contain at least one URL'
    for (const url of list) {
      const text = String(url)
      if (text.includes('@')) return inPlaceOfCredentials
      const problem = addressProblem(text)
      if (problem !== null) return `The provided url '${text}' ${problem}.`
    }
    return null
  },
  { describe: 'List of valid URIs.' },
)

const week = 604_800_000
const connector = 'Connector'

/** The address, the credentials, and how requests are sent. */
export const connectionOptions: ConfigDef = {
  [Key.connectionUrl]: key(
    'LIST',
    connector,
    'URLs of Elasticsearch or OpenSearch nodes. Requests are distributed over them.',
    { importance: 'HIGH', validator: urls },
  ),
  [Key.username]: key('STRING', connector, 'User name for basic authentication. Requires connection.password.', {
    importance: 'MEDIUM',
    defaultValue: null,
  }),
  [Key.password]: key('PASSWORD', connector, 'Password for basic authentication.', {
    importance: 'MEDIUM',
    defaultValue: null,
  }),
  [Key.apiKey]: key(
    'PASSWORD',
    connector,
    'Encoded API key (base64 of id:key). Cannot be used with connection.username.',
    { importance: 'MEDIUM', defaultValue: null },
  ),
  [Key.batchSize]: key('INT', connector, 'Maximum number of operations in a bulk request.', {
    importance: 'MEDIUM',
    defaultValue: 2000,
    validator: between(1, 1_000_000),
  }),
  [Key.bulkSizeBytes]: key(
    'LONG',
    connector,
    'Maximum size of a bulk request in bytes; -1 sets no limit. A single larger document is sent alone.',
    { importance: 'LOW', defaultValue: 5 * 1024 * 1024, validator: between(-1, 2_147_483_647) },
  ),
  [Key.maxInFlight]: key(
    'INT',
    connector,
    'Maximum number of bulk requests in flight. Two operations on one document are never in flight together.',
    { importance: 'MEDIUM', defaultValue: 5, validator: between(1, 1000) },
  ),
  [Key.maxBuffered]: key(
    'INT',
    connector,
    'Maximum number of operations in the memory of a task. At the limit the task stops reading, as it does when they take more bytes than all requests in flight and one more.',
    { importance: 'LOW', defaultValue: 20_000, validator: between(1, 2_147_483_647) },
  ),
  [Key.lingerMs]: key(
    'LONG',
    connector,
    'Maximum time that an operation waits for others while requests are in flight. Without a request in flight it is sent immediately.',
    { importance: 'LOW', defaultValue: 1, validator: between(0, week) },
  ),
  [Key.flushTimeoutMs]: key('LONG', connector, 'Timeout of a flush at revocation or shutdown.', {
    importance: 'LOW',
    defaultValue: 180_000,
    validator: between(1000, week),
  }),
  [Key.maxRetries]: key(
    'INT',
    connector,
    'Number of retries of a request while Elasticsearch is not available, before the task fails; -1 retries indefinitely.',
    { importance: 'LOW', defaultValue: -1, validator: between(-1, 2_147_483_647) },
  ),
  [Key.retryBackoffMs]: key(
    'LONG',
    connector,
    'Backoff before the first retry. It doubles with each retry up to 10 seconds, with jitter.',
    { importance: 'LOW', defaultValue: 100, validator: between(0, 86_400_000) },
  ),
  [Key.compression]: key(
    'BOOLEAN',
    connector,
    'Compress the bodies of requests with gzip, and ask for compressed responses.',
    { importance: 'LOW', defaultValue: false },
  ),
  [Key.connectionTimeoutMs]: key(
    'INT',
    connector,
    'Added to read.timeout.ms: the sum is the timeout of a request, connecting included.',
    { importance: 'LOW', defaultValue: 1000, validator: between(0, 43_200_000) },
  ),
  [Key.readTimeoutMs]: key(
    'INT',
    connector,
    'How long Elasticsearch may take to respond before the request fails and is retried.',
    { importance: 'LOW', defaultValue: 30_000, validator: between(0, week) },
  ),
  [Key.idleTimeMs]: key('INT', connector, 'How long an idle connection is kept open; -1 keeps it open indefinitely.', {
    importance: 'LOW',
    defaultValue: 60_000,
    validator: between(-1, 86_400_000),
  }),
  'flush.synchronously': key(
    'BOOLEAN',
    connector,
    'Accepted without effect: offsets belong to the topic that a record was read from, so transforms may rename topics.',
    { importance: 'LOW', defaultValue: false },
  ),
}

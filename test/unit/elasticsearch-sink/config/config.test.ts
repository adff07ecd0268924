import { fileURLToPath } from 'node:url'
import { systemClock } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import { crossFieldProblems } from '../../../../connectors/elasticsearch-sink/config/check-config.ts'
import { configDef } from '../../../../connectors/elasticsearch-sink/config/config.ts'
import { settingsOf } from '../../../../connectors/elasticsearch-sink/config/settings.ts'
import { streamName } from '../../../../connectors/elasticsearch-sink/indices/stream-name.ts'
import { openCluster } from '../../../../connectors/elasticsearch-sink/client/cluster.ts'
import { parseConfig } from '../../../../src/config/definition/parse-config.ts'

const base = { topics: 'orders', 'connection.url': 'http://127.0.0.1:9200' }
const stream = { 'data.stream.type': 'logs', 'data.stream.dataset': 'd' }
const problems = (more: Record<string, string>): readonly string[] => {
  const raw = { ...base, ...more }
  return crossFieldProblems(parseConfig(configDef, raw), raw).map((problem) => `${problem.key}: ${problem.message}`)
}

describe('the config of the Elasticsearch sink', () => {
  it.each(['http://elastic:secret@es:9200', 'elastic:secret@es', 'http://es1:9200,http://elastic:secret@es2'])(
    'takes no credentials in the address, and does not tell them: %s',
    (url) => {
      const read = (): unknown => parseConfig(configDef, { ...base, 'connection.url': url })
      expect(read).toThrow("set 'connection.username' and 'connection.password'")
      expect(read).not.toThrow('secret')
    },
  )

  it.each([
    ['es', null],
    ['https://[::1]:9200/', null],
    ['foo://es:9200', 'it must begin with http:// or https://'],
    ['ftp://es', 'it must begin with http:// or https://'],
    ['http://es:9200/logs', 'set the address alone, http://es:9200'],
    ['https://es?pretty', 'set the address alone, https://es'],
    ['http://es:x', 'is not a valid url'],
  ])('takes http and https addresses without a path: %s', (url, problem) => {
    const read = (): unknown => parseConfig(configDef, { ...base, 'connection.url': url })
    if (problem === null) expect(read).not.toThrow()
    else expect(read).toThrow(problem)
  })

  it('needs nothing but an address', () => {
    expect(problems({})).toEqual([])
    expect(problems({ 'elastic.https.ssl.truststore.certificates': '' })).toEqual([])
    const settings = settingsOf(parseConfig(configDef, base))
    expect(settings).toMatchObject({
      batchSize: 2000,
      maxInFlight: 5,
      nullValues: 'delete',
      documentVersion: 'auto',
      values: 'exact',
      unwrap: true,
      maxRetries: -1,
    })
  })

  it('reads addresses as Confluent does: http where no scheme is given', () => {
    const settings = settingsOf(parseConfig(configDef, { 'connection.url': 'es1:9200,https://es2' }))
    expect(settings.urls.map(String)).toEqual(['http://es1:9200/', 'https://es2/'])
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['a user name without a password', { 'connection.username': 'a' }, /connection.password: Both/],
    [
      'an API key beside a user name',
      { 'connection.api.key': 'k', 'connection.username': 'a', 'connection.password': 'b' },
      /not both/,
    ],
    ['an API key with a line break', { 'connection.api.key': 'first\nsecond' }, /^connection.api.key: (?!.*second)/],
    ['an API key with a character outside Latin-1', { 'connection.api.key': 'kéy→' }, /^connection.api.key: (?!.*kéy)/],
    [
      'a certificate that is no PEM',
      { 'elastic.https.ssl.truststore.certificates': 'c' },
      /truststore.certificates: .*holds no certificates/,
    ],
    [
      'a certificate that cannot be read',
      {
        'elastic.https.ssl.truststore.certificates': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
      },
      /truststore.certificates: .*holds no certificates/,
    ],
    [
      'two topics of one index name',
      { topics: 'Orders,orders' },
      /topics: topics 'Orders' and 'orders' would both be written to index 'orders'/,
    ],
    ['a topic with no legal index name', { topics: '__orders' }, /topics: topic '__orders' has no legal index name/],
    [
      'a buffer smaller than what may be in flight',
      { 'max.buffered.records': '10' },
      /max.buffered.records.*must be larger/,
    ],
    [
      'an upsert with a version',
      { 'write.method': 'upsert', 'document.version': 'header' },
      /an upsert cannot carry a version/,
    ],
    [
      'topics beside key.ignore',
      { 'key.ignore': 'true', 'topic.key.ignore': 'orders' },
      /can not be set if 'key.ignore' is 'true'/,
    ],
    ['http where SSL is insisted on', { 'elastic.security.protocol': 'SSL' }, /must begin with https/],
    [
      'more mappings than the limit',
      {
        topics: 'a,b',
        'external.resource.usage': 'index',
        'topic.to.external.resource.mapping': 'a:x,b:y',
        'max.external.resource.mappings': '1',
      },
      /more than 1 mappings/,
    ],
    ['a mapping without its usage', { 'topic.to.external.resource.mapping': 'orders:o' }, /must be set together/],
    [
      'a mapping that leaves a topic out',
      { topics: 'a,b', 'external.resource.usage': 'index', 'topic.to.external.resource.mapping': 'a:x' },
      /no resource is given for: b/,
    ],
    [
      'two topics mapped to one resource',
      { topics: 'a,b', 'external.resource.usage': 'index', 'topic.to.external.resource.mapping': 'a:x,b:x' },
      /names a topic or a resource a second time/,
    ],
    ['an id template beside ignored keys', { 'document.id': '{topic}', 'key.ignore': 'true' }, /can not be set with/],
    [
      'deletions of documents whose index depends on the time',
      { 'index.name': '{topic}-{timestamp:yyyy}' },
      /index.name: a deletion does not say what 'index.name' uses/,
    ],
    ['deletions with a routing by value', { 'document.routing': '{value.a}' }, /document.routing: a deletion does not/],
    [
      'one index for several topics with equal keys',
      { topics: 'a,b', 'index.name': 'all' },
      /documents of equal keys replace each other/,
    ],
    ['an index name beside a data stream', { ...stream, 'index.name': 'x' }, /'index.name' is for indices/],
    ['a routing beside a data stream', { ...stream, 'document.routing': '{key}' }, /'document.routing' is for indices/],
    [
      'a definition of an index that exists',
      {
        'index.definition': '{}',
        'external.resource.usage': 'index',
        'topic.to.external.resource.mapping': 'orders:o',
      },
      /'index.definition' can not be set with/,
    ],
    ['the type of a data stream without its dataset', { 'data.stream.type': 'logs' }, /must be set together/],
    [
      'the parts of a data stream beside a mapping',
      { ...stream, 'external.resource.usage': 'datastream', 'topic.to.external.resource.mapping': 'orders:x' },
      /can not be set with 'data.stream.type'/,
    ],
    ['fields for the time of an index', { 'data.stream.timestamp.field': 'at' }, /is for data streams/],
    ['an upsert into a data stream', { ...stream, 'write.method': 'upsert' }, /replace no document/],
    [
      'deletions from a data stream',
      { ...stream, 'behavior.on.null.values': 'DELETE' },
      /behavior.on.null.values: .*keep their documents/,
    ],
    [
      'reports without a dead letter queue',
      { 'behavior.on.malformed.documents': 'report' },
      /needs a dead letter queue/,
    ],
    ['the password of a proxy without its user', { 'proxy.host': 'p', 'proxy.password': 's' }, /proxy.username: Both/],
    [
      'credentials for a proxy that is not named',
      { 'proxy.username': 'u', 'proxy.password': 's' },
      /proxy.host: 'proxy.host' must be set/,
    ],
    [
      'a private key without certificates',
      { 'elastic.https.ssl.keystore.key': 'k' },
      /keystore.certificate.chain: Both/,
    ],
    [
      'the certificate of the sink as text and as file',
      {
        'elastic.https.ssl.keystore.key': 'k',
        'elastic.https.ssl.keystore.certificate.chain': 'c',
        'elastic.https.ssl.keystore.location': 'f',
      },
      /not both/,
    ],
    [
      'versions of TLS that exclude each other',
      { 'elastic.https.ssl.protocol': 'TLSv1.2', 'elastic.https.ssl.enabled.protocols': 'TLSv1.3' },
      /has no version up to/,
    ],
  ])('refuses %s', (_name, more, message) => {
    expect(problems(more).join('\n')).toMatch(message)
  })

  it.each([
    ['elastic.https.ssl.cipher.suites', 'TLS_AES_128_GCM_SHA256'],
    ['elastic.https.ssl.truststore.password', 's'],
    ['kerberos.user.principal', 'me'],
    ['kerberos.keytab.path', '/etc/me.keytab'],
  ])('refuses %s by name', (key, value) => {
    expect(configDef[key]?.unsupported).toMatch(/not supported|no password|do not apply/)
    expect(() => parseConfig(configDef, { ...base, [key]: value })).toThrow(key)
  })

  it.each([
    ['document.id', '{topic', /brace without its other one/],
    ['document.routing', '{nothing}', /placeholder \{nothing\} is not known/],
    ['index.name', '{timestamp:YYYY}', /is not a pattern of yyyy, MM, dd and HH/],
    ['index.definition', '[]', /is not a JSON object/],
    ['index.definition', '{', /is not JSON/],
    ['index.definition', '{"aliases":{}}', /neither 'settings' nor 'mappings'/],
    ['index.definition', '{"mappings":{"properties":[]}}', /'mappings.properties' is not/],
    ['data.stream.dataset', 'Upper', /is lower case/],
    ['data.stream.dataset', 'a-b', /cannot contain '-'/],
    ['data.stream.namespace', 'x'.repeat(101), /at most 100 characters/],
    ['elastic.https.ssl.enabled.protocols', 'TLSv1.1', /'TLSv1.1' is not supported/],
    ['elastic.https.ssl.keystore.type', 'JKS', /Java key stores cannot be read/],
    ['elastic.https.ssl.truststore.type', 'PKCS12', /Java key stores cannot be read/],
  ])('refuses %s=%s', (key, value, message) => {
    expect(() => parseConfig(configDef, { ...base, [key]: value })).toThrow(message)
  })

  it('allows several topics in one index where their documents differ', () => {
    const one = { topics: 'a,b', 'index.name': 'all' }
    expect(problems({ ...one, 'document.id': '{topic}-{key}' })).toEqual([])
    expect(problems({ ...one, 'key.ignore': 'true' })).toEqual([])
    expect(problems({ ...one, topics: 'a' })).toEqual([])
    expect(problems({ 'index.name': '{topic}-{timestamp:yyyy}', 'behavior.on.null.values': 'ignore' })).toEqual([])
  })

  it('names data streams as Confluent does, and takes deletions there as failures', () => {
    const named = { type: 'logs', dataset: 'd', namespace: 'x_${topic}' }
    expect(streamName(named, 'Shop.Orders')).toBe('logs-d-x_shop.orders')
    expect(streamName(named, 'a'.repeat(200))).toBe(`logs-d-x_${'a'.repeat(98)}`)
    expect(problems(stream)).toEqual([])
    const settings = settingsOf(parseConfig(configDef, { ...base, ...stream }))
    expect(settings).toMatchObject({ appendOnly: true, nullValues: 'fail', documentVersion: 'none' })
  })

  it('rejects a key store where PEM is required, and says how to export it', async () => {
    const settings = settingsOf(
      parseConfig(configDef, { ...base, 'elastic.https.ssl.truststore.location': fileURLToPath(import.meta.url) }),
    )
    await expect(openCluster(settings, systemClock)).rejects.toThrow(/holds no PEM certificate.*keytool/)
    const missing = settingsOf(
      parseConfig(configDef, { ...base, 'elastic.https.ssl.truststore.location': 'nowhere.pem' }),
    )
    await expect(openCluster(missing, systemClock)).rejects.toThrow(/'nowhere.pem' cannot be read/)
  })
})

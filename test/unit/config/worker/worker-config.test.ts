import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

import { ConfigError } from '../../../../src/api/errors.ts'
import { advertisedAddress } from '../../../../src/config/worker/rest/advertised.ts'
import { loadWorkerConfig } from '../../../../src/config/worker/worker-config.ts'

const json = 'org.apache.kafka.connect.json.JsonConverter'
const sample = {
  'bootstrap.servers': 'localhost:9092',
  'group.id': 'connect-cluster',
  'key.converter': json,
  'value.converter': json,
  'key.converter.schemas.enable': 'true',
  'value.converter.schemas.enable': 'true',
  'offset.storage.topic': 'connect-offsets',
  'offset.storage.replication.factor': '1',
  'config.storage.topic': 'connect-configs',
  'config.storage.replication.factor': '1',
  'config.storage.min.insync.replicas': '1',
  'status.storage.topic': 'connect-status',
  'status.storage.replication.factor': '1',
  'offset.flush.interval.ms': '10000',
  'producer.compression.type': 'zstd',
}
const load = (raw: Record<string, string>, file = false): ReturnType<typeof loadWorkerConfig> =>
  loadWorkerConfig(raw, { file })

describe("a worker's configuration", () => {
  it('has listeners for /admin: the others, its own, or none', async () => {
    expect((await load({})).adminListeners).toBeNull()
    expect((await load({ 'admin.listeners': '' })).adminListeners).toEqual([])
    expect((await load({ 'admin.listeners': 'http://127.0.0.1:8084' })).adminListeners).toEqual([
      { host: '127.0.0.1', port: 8084 },
    ])
    await expect(load({ 'admin.listeners': 'http://0.0.0.0:8084' })).rejects.toThrow(
      /^LISTENER_UNAUTHENTICATED: "admin.listeners" listens on 0.0.0.0, port 8084/,
    )
    await expect(load({ 'admin.listeners': '127.0.0.1:8084' })).rejects.toThrow('Correct "admin.listeners".')
    await expect(load({ 'response.http.headers.config': 'X: y' })).rejects.toThrow('response.http.headers.config')
  })

  it("takes the settings of the embedded broker by Kafka's names, and rejects unknown ones with the nearest", async () => {
    const given = { 'log.retention.hours': '24', 'message.max.bytes': '1000' }
    const raw = Object.fromEntries(Object.entries(given).map(([name, value]) => [`embedded.broker.${name}`, value]))
    expect((await load(raw)).embedded?.settings).toEqual(given)
    const refused: [string, string, RegExp][] = [
      [
        'log.retention.hour',
        '1',
        /"embedded.broker.log.retention.hour" is not .*"embedded.broker.log.retention.hours"\?/,
      ],
      [
        'rack.awareness',
        '1',
        /"embedded.broker.rack.awareness" is not a setting of the embedded broker; docs\/reference\/worker.md/,
      ],
      ['num.partitions', '0', /embedded.broker.num.partitions: Value must be at least 1/],
      ['log.segment.bytes', '1e9', /embedded.broker.log.segment.bytes: Not a number of type INT/],
      ['default.replication.factor', '3', /embedded.broker.default.replication.factor: Value must be no more than 1/],
    ]
    for (const [name, value, why] of refused)
      await expect(load({ [`embedded.broker.${name}`]: value })).rejects.toThrow(why)
  })

  it('without a file is an embedded broker on loopback with the values of the sample file', async () => {
    const config = await load({ 'value.converter.schemas.enable': 'false' })
    expect(config).toMatchObject({
      embedded: {
        listen: { host: '127.0.0.1', port: 9092 },
        advertisedHost: null,
        dataDir: resolve('./penstock-data'),
        settings: {},
      },
      bootstrapServers: '',
      groupId: 'connect-cluster',
      keyConverter: { className: json, config: {} },
      valueConverter: { className: json, config: { 'schemas.enable': 'false' } },
      configTopic: { name: 'connect-configs', partitions: 1, replicationFactor: -1, configs: {} },
      offsetTopic: { name: 'connect-offsets', partitions: 25, replicationFactor: -1 },
      statusTopic: { name: 'connect-status', partitions: 5, replicationFactor: -1 },
      listeners: [{ host: '127.0.0.1', port: 8083 }],
      offsetFlushIntervalMs: 10_000,
      security: { tls: null, sasl: null },
      warnings: [],
    })
  })

  it("takes the properties file of Connect's distributed worker as it is", async () => {
    const config = await load(sample, true)
    expect(config).toMatchObject({
      embedded: null,
      bootstrapServers: 'localhost:9092',
      configTopic: { replicationFactor: 1, configs: { 'min.insync.replicas': '1' } },
      producer: { 'compression.type': 'zstd' },
      warnings: [],
    })
  })

  it('requires with a cluster what Connect requires, but not without a file', async () => {
    await expect(load({ 'bootstrap.servers': 'k:1' }, true)).rejects.toThrow(
      'Missing required configuration "group.id" which has no default value.',
    )
    expect((await load({ 'bootstrap.servers': 'k:1' })).embedded).toBeNull()
  })

  it('names the nearest known key of an unknown one', async () => {
    const { warnings } = await load({ 'offset.flush.intervall.ms': '1', 'sasl.x': 'y', 'quite.unknown': 'z' })
    expect(warnings).toEqual([
      'Worker configuration "offset.flush.intervall.ms" is not known; did you mean "offset.flush.interval.ms"?',
      'Worker configuration "quite.unknown" is not known',
    ])
  })

  it('warns of client settings without effect', async () => {
    const { warnings } = await load({
      'security.protocol': 'PLAINTEXT',
      'producer.security.protocol': 'PLAINTEXT',
      'consumer.security.protocol': 'SSL',
      'producer.max.block.ms': '1',
      'consumer.max.poll.records': '1',
    })
    expect(warnings).toEqual([
      'Worker configuration "consumer.security.protocol" has no effect: all clients use "security.protocol"',
      'Worker configuration "producer.max.block.ms" has no effect',
    ])
  })

  it('warns of settings of Connect without effect, unless they have their defaults', async () => {
    const { warnings } = await load({ 'request.timeout.ms': '1000', 'connect.protocol': 'sessioned' })
    expect(warnings).toEqual([
      'Worker configuration "request.timeout.ms" has no effect: the client uses its own timeouts',
    ])
  })

  it('reads the origins and methods of other pages, and warns of what is no origin', async () => {
    const key = 'access.control.allow.origin'
    const allowed = await load({
      [key]: ' https://ui.example , http://*.example:80,',
      'access.control.allow.methods': 'PUT',
    })
    expect(allowed.crossOrigin).toEqual({ origins: ['https://ui.example', 'http://*.example:80'], methods: ['PUT'] })
    expect(allowed.warnings).toEqual([])
    const { crossOrigin, warnings } = await load({ [key]: 'ui.example,https://ui.example/,*', 'rest.token.file': '/t' })
    expect(crossOrigin?.methods).toEqual(['GET', 'POST', 'HEAD'])
    expect(warnings).toEqual([
      expect.stringContaining('rest.token.file is set'),
      expect.stringContaining('lists "ui.example", which is no origin. Write it as http://host:port'),
      expect.stringContaining('lists "https://ui.example/", which is no origin'),
    ])
    expect((await load({ [key]: ' ' })).crossOrigin).toBeNull()
  })

  it('passes over a plugin.path directory that is not there, with a warning', async () => {
    const { warnings } = await load({ 'plugin.path': '/no/such/directory' })
    expect(warnings).toEqual([expect.stringMatching(/\/no\/such\/directory cannot be read/)])
  })

  it.each([
    [
      { 'key.converter.plugin.version': '[3.9,)' },
      /"key.converter.plugin.version" is not supported: a worker runs one version/,
    ],
    [{ 'rest.extension.classes': 'com.acme.Ext' }, /"rest.extension.classes" is not supported: extensions are Java/],
    [{ 'topic.creation.enable': 'false' }, /topic.creation.enable: Not supported: source connectors create/],
    [{ 'exactly.once.source.support': 'enabled' }, /exactly-once delivery of sources is not supported/],
    [{ 'value.converter': 'com.acme.Nope' }, /value.converter: Class com.acme.Nope could not be found\./],
    [{ 'offset.flush.interval.ms': 'soon' }, /offset.flush.interval.ms: Not a number of type LONG/],
    [{ 'status.storage.replication.factor': '0' }, /Replication factor must be positive/],
    [{ listeners: 'https://127.0.0.1:8443' }, /A listener with https needs a certificate and its key/],
    [{ listeners: 'localhost' }, /Listener "localhost" is not of the form/],
    [{ listeners: '' }, /names no listener/],
    [{ 'embedded.broker.listener': '9092' }, /embedded.broker.listener: Must be host:port/],
    [{ 'security.protocol': 'SSL', 'ssl.truststore.location': 'a.jks' }, /JAVA_KEYSTORE: .*JKS.*PEM/],
    [{ 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'GSSAPI' }, /GSSAPI .* Not supported: use PLAIN/],
    [{ 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'PLAIN' }, /sasl.jaas.config needs username/],
    [
      { 'security.protocol': 'SSL', 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': '/no/file' },
      /cannot be read: \/no\/file/,
    ],
  ])('refuses %j by name', async (raw, message) => {
    const loading = load(raw)
    await expect(loading).rejects.toThrow(ConfigError)
    await expect(loading).rejects.toThrow(message)
  })

  it('reads SASL and PEM settings', async () => {
    const { security } = await load({
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.jaas.config':
        'org.apache.kafka.common.security.scram.ScramLoginModule required username=me password="a\\"b";',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.certificates': 'PEM TEXT',
      'ssl.endpoint.identification.algorithm': '',
    })
    expect(security).toEqual({
      tls: { ca: 'PEM TEXT', verifyHost: false },
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'me', password: 'a"b' },
    })
  })
})

describe('a listener that other machines can reach', () => {
  const reachable = [{ listeners: 'http://:8083' }, { listeners: 'http://0.0.0.0:8083,http://127.0.0.1:1' }]

  it.each([...reachable, { 'embedded.broker.listener': '0.0.0.0:9092' }])('%j is rejected', async (raw) => {
    await expect(load(raw as Record<string, string>)).rejects.toThrow(
      /^LISTENER_UNAUTHENTICATED: .*allow it with the line listeners\.allow\.unauthenticated=true$/,
    )
  })

  it('is accepted with the line that allows it', async () => {
    const allow = { 'listeners.allow.unauthenticated': 'true' }
    const config = await load({ listeners: 'http://:8083', 'embedded.broker.listener': ':9092', ...allow })
    expect(config.listeners).toEqual([{ host: '', port: 8083 }])
    expect(config.embedded?.listen).toEqual({ host: '', port: 9092 })
  })

  it('is accepted with a token, with a warning that it is not encrypted', async () => {
    const tokens = { 'rest.token.file': '/etc/token', 'embedded.broker.token.file': '/etc/token' }
    const config = await load({ listeners: 'http://:8083', 'embedded.broker.listener': ':9092', ...tokens })
    expect(config).toMatchObject({
      restTokenFile: '/etc/token',
      embedded: { access: { username: 'penstock', tokenFile: '/etc/token' } },
      warnings: [
        expect.stringMatching(/^"listeners" listens on all addresses, port 8083, without TLS/),
        expect.stringMatching(/^"embedded.broker.listener" listens on all addresses, port 9092, without TLS/),
      ],
    })
  })

  it.each([
    [
      { 'rest.token.file': '/etc/token', 'embedded.broker.listener': ':9092' },
      /"embedded.broker.listener".*embedded\.broker\.token\.file/,
    ],
    [{ 'embedded.broker.token.file': '/etc/token', listeners: 'http://:8083' }, /"listeners".*rest\.token\.file/],
  ])('is refused when the token is one of the other listener: %j', async (raw, message) => {
    await expect(load(raw as Record<string, string>)).rejects.toThrow(message)
  })

  it.each([
    [{ 'rest.token.file': 't' }, /^rest.token.file is set, embedded.broker.token.file is not/],
    [{ 'embedded.broker.token.file': 't' }, /^embedded.broker.token.file is set, rest.token.file is not/],
  ])('with %j alone is half a lock: a warning says so', async (raw, warning) => {
    expect((await load(raw as Record<string, string>)).warnings).toEqual([expect.stringMatching(warning)])
  })

  it('with a cluster warns that the token of the embedded broker has no effect', async () => {
    const cluster = { 'bootstrap.servers': 'kafka:9092', 'rest.token.file': 't', 'embedded.broker.token.file': 't' }
    expect((await load(cluster)).warnings).toEqual([
      expect.stringMatching(/token.file" has no effect: bootstrap.servers/),
    ])
  })

  it.each(['http://localhost:1', 'http://127.0.0.1:1', 'http://127.1.2.3:1', 'http://[::1]:1'])(
    'is not %s',
    async (listener) => {
      expect((await load({ listeners: listener })).listeners).toHaveLength(1)
    },
  )
})

describe('the address that others are told', () => {
  it('is the bound one unless the settings say otherwise', async () => {
    const bound = [{ host: '127.0.0.1', port: 8100 }]
    expect(advertisedAddress(await load({ listeners: 'http://127.0.0.1:0' }), bound)).toEqual(bound[0])
    const told = { 'rest.advertised.host.name': 'w1', 'rest.advertised.port': '80' }
    expect(advertisedAddress(await load(told), bound)).toEqual({ host: 'w1', port: 80 })
  })
})

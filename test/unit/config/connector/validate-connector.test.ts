import { describe, expect, it } from 'vitest'

import { ConfigError } from '../../../../src/api/errors.ts'
import type { SubmittedConfig } from '../../../../src/config/definition/config-infos.ts'
import { fileSinkConfig, postgresConfig, validationBy } from '../../../support/config/validation.ts'
import { recordedExchange, recordedExchanges } from '../../../support/rest/rest-recording.ts'

const { validate, errorsOf } = validationBy('connect-cluster')

const stringConverter = 'org.apache.kafka.connect.storage.StringConverter'
const source = { 'connector.class': 'FileStreamSource', name: 'v', topic: 't' }
const masks = 'is not supported: columns cannot be masked, truncated or annotated'

/** Options and classes that are not supported, with a part of the message. */
const unserved: [key: string, value: string, reason: string][] = [
  ['column.mask.hash.v2.SHA-256.with.salt.x', 'a.b.c', masks],
  ['column.mask.with.5.chars', 'a.b.c', masks],
  ['column.truncate.to.5.chars', 'a.b.c', masks],
  ['datatype.propagate.source.type', '.+', masks],
  ['connector.plugin.version', '[3.2,4)', 'is not supported: a worker runs one version of each plugin'],
  ['value.converter.plugin.version', '3.9.1', 'is not supported: a worker runs one version of each plugin'],
  ['driver.options', '-c x=y', 'is not supported: the connector does not use pgjdbc'],
  ['heartbeat.action.query', 'select 1', 'is not supported: no statement is run with a heartbeat'],
  ['plugin.name', 'decoderbufs', 'Not supported: only pgoutput'],
  [
    'snapshot.select.statement.overrides.public.t',
    'select 1',
    'is not supported: custom SELECT statements for the snapshot',
  ],
  [
    'transforms.script.type',
    'io.debezium.transforms.VectorToJsonConverter',
    'VectorToJsonConverter is known but not available: transform the records in the target system, or in a stream processor',
  ],
  [
    'transforms.chosen.type',
    'io.confluent.connect.transforms.Filter$Value',
    'Filter$Value is known but not available: use org.apache.kafka.connect.transforms.Filter with a predicate',
  ],
  [
    'value.converter',
    'io.apicurio.registry.utils.converter.AvroConverter',
    'Class io.apicurio.registry.utils.converter.AvroConverter is known but not available: use io.confluent.connect.avro.AvroConverter',
  ],
]

interface RecordedInfos {
  readonly name: string
  readonly error_count: number
  readonly groups: readonly string[]
  readonly configs: readonly {
    readonly definition: Readonly<Record<string, unknown>> | null
    readonly value: Readonly<Record<string, unknown>>
  }[]
}

describe('a validation', () => {
  const exchanges = recordedExchanges().filter(
    ({ path, status, body }) =>
      path.endsWith('/config/validate') && status === 200 && body.includes('FileStreamSource'),
  )

  it.each(exchanges)('responds as Kafka Connect 3.9.1 did ($index $note)', async ({ request_body, body }) => {
    const recorded = JSON.parse(body) as RecordedInfos
    const { infos } = await validate(JSON.parse(request_body ?? '') as SubmittedConfig)
    expect(infos).toMatchObject({ name: recorded.name, errorCount: recorded.error_count, groups: recorded.groups })
    const ours = infos.configs.map(({ definition, value }) => ({
      name: value.name,
      order: definition?.order,
      value: value.value,
      errors: value.errors,
    }))
    const theirs = recorded.configs.map(({ definition, value }) => ({
      name: value['name'],
      order: definition?.['order'],
      value: value['value'],
      errors: value['errors'],
    }))
    // The converters' own keys are theirs to hold.
    expect(ours.slice(0, 23)).toEqual(theirs.slice(0, 23))
    expect(ours.map(({ name }) => name)).toEqual(theirs.map(({ name }) => name))
  })

  it.each(['transforms', 'predicates'] as const)(
    'takes no more than 100 aliases of %s, and describes no others',
    async (list) => {
      const aliases = Array.from({ length: 50_000 }, (_, i) => `a${i}`)
      const { infos } = await validate({ ...source, [list]: aliases.join(',') })
      const own = infos.configs.filter(({ value }) => value.name.startsWith(`${list}.`))
      expect(own.length).toBe(100)
      const listed = infos.configs.find(({ value }) => value.name === list)
      expect(listed?.value.errors).toEqual([`"${list}" names 50000 aliases; the maximum is 100`])
    },
  )

  it('lists the keys of converters with their groups, and `converter.type` if the class has it', async () => {
    const { infos } = await validate({
      ...source,
      'value.converter': 'JsonConverter',
      'header.converter': 'SimpleHeaderConverter',
    })
    const names = infos.configs.map(({ value }) => value.name)
    expect(names).toContain('value.converter.converter.type')
    expect(names).not.toContain('header.converter.converter.type')
    expect(infos.groups).toEqual(expect.arrayContaining(['Schemas', 'Serialization']))
  })

  it('shows client settings under their own names', async () => {
    const { infos } = await validate({ ...source, 'producer.override.linger.ms': '5' })
    const linger = infos.configs.find(({ value }) => value.name === 'producer.override.linger.ms')
    expect(linger?.definition).toMatchObject({ name: 'producer.override.linger.ms', displayName: 'linger.ms' })
  })

  it('lists a transform and a predicate with their keys, groups and places', async () => {
    const { infos } = await validate({
      ...fileSinkConfig,
      transforms: 't',
      'transforms.t.type': 'RegexRouter',
      predicates: 'p',
      'predicates.p.type': 'org.apache.kafka.connect.transforms.predicates.TopicNameMatches',
    })
    const stages = infos.configs.filter((info) => /^(?:transforms|predicates)\../.test(info.value.name))
    expect(stages.map(({ definition, value }) => [value.name, definition?.group, definition?.order])).toEqual([
      ['transforms.t.type', 'Transforms: t', 0],
      ['transforms.t.regex', 'Transforms: t', 1],
      ['transforms.t.replacement', 'Transforms: t', 2],
      ['transforms.t.negate', 'Transforms: t', 3],
      ['transforms.t.predicate', 'Transforms: t', 4],
      ['predicates.p.type', 'Predicates: p', 0],
      ['predicates.p.pattern', 'Predicates: p', 1],
    ])
    expect(infos.groups).toEqual([
      'Common',
      'Transforms',
      'Predicates',
      'Error Handling',
      'Transforms: t',
      'Predicates: p',
    ])
    expect(stages[0]?.value).toMatchObject({ value: 'org.apache.kafka.connect.transforms.RegexRouter' })
    expect(stages[0]?.value.recommendedValues).toContain('io.debezium.transforms.ExtractNewRecordState')
    expect(stages[1]?.value.errors).toContain(
      'Missing required configuration "transforms.t.regex" which has no default value.',
    )
  })

  it.each<[string, SubmittedConfig, readonly (readonly [string, string])[]]>([
    [
      'an unknown transform',
      { ...source, transforms: 'x', 'transforms.x.type': 'nope' },
      [['transforms.x.type', 'Invalid value nope for configuration transforms.x.type: Class nope could not be found.']],
    ],
    [
      'transforms that refuse their values together, under the key that they name, or under their class',
      {
        ...source,
        transforms: 'script,times,insert',
        'transforms.script.type': 'io.debezium.transforms.Filter',
        'transforms.script.language': 'jsr223.groovy',
        'transforms.script.condition': 'value.op ==',
        'transforms.times.type': 'org.apache.kafka.connect.transforms.TimestampConverter$Value',
        'transforms.times.target.type': 'string',
        'transforms.insert.type': 'org.apache.kafka.connect.transforms.InsertField$Value',
      },
      [
        [
          'transforms.script.condition',
          'Transformation "script" (io.debezium.transforms.Filter) refuses its configuration: condition: Failed to parse the expression, line 1, column 12, at the end: an expression is missing',
        ],
        [
          'transforms.times.format',
          'Transformation "times" (org.apache.kafka.connect.transforms.TimestampConverter$Value) refuses its configuration: TimestampConverter requires format option to be specified when using string timestamps',
        ],
        [
          'transforms.insert.type',
          'Transformation "insert" (org.apache.kafka.connect.transforms.InsertField$Value) refuses its configuration: No field insertion configured: InsertField$Value needs one of the settings *.field',
        ],
      ],
    ],
    [
      'a class that is no converter',
      { ...source, 'key.converter': 'FileStreamSource', 'header.converter': 'FileStreamSink' },
      [
        [
          'key.converter',
          'Class class org.apache.kafka.connect.file.FileStreamSourceConnector does not implement the Converter interface',
        ],
        [
          'header.converter',
          'Class class org.apache.kafka.connect.file.FileStreamSinkConnector does not implement the HeaderConverter interface',
        ],
      ],
    ],
    [
      'a number that is none where only the default is served',
      { ...source, 'errors.retry.timeout': 'x' },
      [['errors.retry.timeout', 'Invalid value x for configuration errors.retry.timeout: Not a number of type LONG']],
    ],
    [
      'an unknown converter',
      { ...source, 'value.converter': 'nope' },
      [['value.converter', 'Invalid value nope for configuration value.converter: Class nope could not be found.']],
    ],
    [
      'a value that is none',
      { ...source, 'tasks.max': null },
      [
        ['tasks.max', 'Invalid value null for configuration tasks.max: Value must be non-null'],
        ['tasks.max', 'Null value can not be supplied as the configuration value.'],
      ],
    ],
    [
      'a null under an unknown key',
      { ...source, other: null },
      [['other', 'Null value can not be supplied as the configuration value.']],
    ],
    [
      'both topics and topics.regex',
      { ...fileSinkConfig, 'topics.regex': 'b' },
      [
        ['topics', 'topics and topics.regex are mutually exclusive options, but both are set.'],
        ['topics.regex', 'topics and topics.regex are mutually exclusive options, but both are set.'],
      ],
    ],
    [
      'a sink without topics',
      { ...fileSinkConfig, topics: ' ' },
      [
        ['topics', 'Must configure one of topics or topics.regex'],
        ['topics.regex', 'Must configure one of topics or topics.regex'],
      ],
    ],
    [
      'a predicate that is not listed',
      {
        ...source,
        transforms: 'x',
        'transforms.x.type': 'RegexRouter',
        'transforms.x.regex': 'a',
        'transforms.x.replacement': 'b',
        'transforms.x.predicate': 'p',
      },
      [
        [
          'transforms.x.predicate',
          'Invalid value p for configuration transforms.x.predicate: The predicate alias is not listed in "predicates"',
        ],
      ],
    ],
    [
      'a negation without predicate',
      {
        ...source,
        transforms: 'x',
        'transforms.x.type': 'RegexRouter',
        'transforms.x.regex': 'a',
        'transforms.x.replacement': 'b',
        'transforms.x.negate': 'true',
      },
      [
        [
          'transforms.x.type',
          "Config 'transforms.x.negate' was provided but there is no config 'transforms.x.predicate' defining a predicate to be negated.",
        ],
      ],
    ],
    [
      'an alias listed twice',
      { ...source, predicates: 'p,p', 'predicates.p.type': 'RecordIsTombstone' },
      [['predicates', 'Invalid value [p, p] for configuration predicates: Duplicate alias provided.']],
    ],
    [
      "a group that is the worker's",
      { ...fileSinkConfig, 'consumer.override.group.id': 'connect-cluster' },
      [
        [
          'consumer.override.group.id',
          'Consumer group connect-cluster conflicts with Connect worker group connect-cluster',
        ],
      ],
    ],
    [
      "a name whose group is the worker's",
      { ...fileSinkConfig, name: 'cluster' },
      [['name', 'Consumer group for sink connector named cluster conflicts with Connect worker group connect-cluster']],
    ],
    [
      'a converter with a wrong setting',
      { ...source, 'value.converter': 'JsonConverter', 'value.converter.schemas.enable': 'x' },
      [
        [
          'value.converter.schemas.enable',
          'Invalid value x for configuration schemas.enable: Expected value to be either true or false',
        ],
      ],
    ],
    [
      'a topic creation without defaults',
      { ...source, 'topic.creation.default.partitions': '0' },
      [
        [
          'topic.creation.default.replication.factor',
          'Missing required configuration "topic.creation.default.replication.factor" which has no default value.',
        ],
        [
          'topic.creation.default.replication.factor',
          "Invalid value null for configuration topic.creation.default.replication.factor: Must be 1 or larger, or -1 to use the broker's default",
        ],
        [
          'topic.creation.default.partitions',
          "Invalid value 0 for configuration topic.creation.default.partitions: Must be 1 or larger, or -1 to use the broker's default",
        ],
      ],
    ],
  ])('reports %s', async (_title, config, errors) => {
    expect(await errorsOf(config)).toEqual(errors)
  })

  it.each([
    { 'tasks.max.enforce': 'false' },
    { 'producer.override.transactional.id': 'x' },
    { 'producer.override.enable.idempotence': 'false' },
    { 'consumer.override.enable.auto.commit': 'true' },
    { 'consumer.override.bootstrap.servers': 'other:9092' },
    { 'admin.override.client.id': 'x' },
  ])('rejects the unsupported setting %j by name', async (setting) => {
    const [error, ...others] = await errorsOf({ ...fileSinkConfig, ...setting })
    expect(others).toEqual([])
    expect(error?.[0]).toBe(Object.keys(setting)[0])
    expect(error?.[1]).toMatch(/not supported/i)
  })

  it.each([
    { 'exactly.once.support': 'required' },
    { 'transaction.boundary': 'interval' },
    {
      'topic.creation.groups': 'g',
      'topic.creation.default.partitions': '1',
      'topic.creation.default.replication.factor': '1',
    },
  ])('rejects the unsupported setting %j of a source by name', async (setting) => {
    const [error, ...others] = await errorsOf({ ...source, ...setting })
    expect(others).toEqual([])
    expect(error?.[1]).toMatch(/not supported/i)
  })

  it('accepts supported values, and explicit defaults', async () => {
    const config = {
      ...fileSinkConfig,
      'errors.tolerance': 'all',
      'errors.retry.timeout': '-1',
      'errors.retry.delay.max.ms': '1000',
      'errors.log.enable': 'true',
      'errors.log.include.messages': 'true',
      'errors.deadletterqueue.topic.name': 'dlq',
      'errors.deadletterqueue.topic.replication.factor': '1',
      'errors.deadletterqueue.context.headers.enable': 'true',
      'producer.override.acks': 'all',
      'consumer.override.max.poll.records': '100',
      'key.converter': stringConverter,
      'any.other.key': 'x',
    }
    expect(await errorsOf(config)).toEqual([])
  })

  it('accepts a dead letter queue of a source, whose keys Kafka Connect does not list', async () => {
    const queue = {
      'errors.deadletterqueue.topic.name': 'dlq',
      'errors.deadletterqueue.context.headers.enable': 'true',
    }
    const { infos } = await validate({ ...source, ...queue })
    expect(infos.errorCount).toBe(0)
    expect(infos.warnings).toEqual([])
    expect(infos.configs.map(({ value }) => value.name)).not.toContain('errors.deadletterqueue.topic.name')
    const bad = { 'errors.deadletterqueue.topic.replication.factor': 'many' }
    expect((await errorsOf({ ...source, ...bad })).map(([key]) => key)).toEqual(Object.keys(bad))
  })

  const parking = {
    'errors.deadletterqueue.park.keys': 'true',
    'errors.deadletterqueue.topic.name': 'dlq',
    'errors.deadletterqueue.context.headers.enable': 'true',
    'errors.tolerance': 'all',
  }

  it('accepts parked keys of a sink, whose settings Kafka Connect does not list', async () => {
    const { infos } = await validate({ ...fileSinkConfig, ...parking })
    expect([infos.errorCount, infos.warnings]).toEqual([0, []])
    expect(infos.configs.map(({ value }) => value.name)).not.toContain('errors.deadletterqueue.park.keys')
    const none = { 'errors.deadletterqueue.park.keys.max': '0' }
    expect((await errorsOf({ ...fileSinkConfig, ...parking, ...none })).map(([key]) => key)).toEqual(Object.keys(none))
  })

  it.each([
    [fileSinkConfig, { 'errors.deadletterqueue.topic.name': ' ' }, 'needs errors.deadletterqueue.topic.name='],
    [fileSinkConfig, { 'errors.deadletterqueue.context.headers.enable': 'false' }, 'context.headers.enable=true'],
    [fileSinkConfig, { 'errors.tolerance': 'none' }, 'needs errors.tolerance=all'],
    [source, {}, 'is for sinks'],
  ])('refuses to park keys of %j with %j', async (config, setting, message) => {
    expect(await errorsOf({ ...config, ...parking, ...setting })).toEqual([
      ['errors.deadletterqueue.park.keys', expect.stringContaining(message)],
    ])
  })

  it('warns of unknown keys with the nearest known one, and never shows values', async () => {
    const config = { ...source, 'batch.sise': 'secret', 'far.from.all.of.them': 'secret', 'value.converter.x': 'y' }
    const { infos } = await validate(config)
    expect(infos.errorCount).toBe(0)
    expect(infos.configs.filter(({ definition }) => definition === null)).toEqual([
      {
        definition: null,
        value: { name: 'batch.sise', value: null, recommendedValues: ['batch.size'], errors: [], visible: true },
      },
    ])
    expect(JSON.stringify(infos)).not.toContain('secret')
    expect(infos.warnings).toEqual([
      'Configuration "batch.sise" is not known; did you mean "batch.size"?',
      'Configuration "far.from.all.of.them" is not known',
    ])
  })

  it('names twenty unknown keys and counts the rest', async () => {
    const many = Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [`unknown.key.of.some.length.${i}`, 'x']))
    const { infos } = await validate({ ...source, ...many })
    expect(infos.warnings).toHaveLength(21)
    expect(infos.warnings.at(-1)).toBe('29980 more keys are not known')
  })

  it('rejects names that are too long for URLs and the group protocol, and quotes their beginning', async () => {
    expect(await errorsOf({ ...source, name: 'ü'.repeat(256) })).toEqual([])
    const shown = `${'ü'.repeat(200)}… (257 characters)`
    expect(await errorsOf({ ...source, name: 'ü'.repeat(257) })).toEqual([
      [
        'name',
        `Invalid value ${shown} for configuration name: String may have at most 512 bytes in UTF-8, but has 514`,
      ],
    ])
    expect(await errorsOf({ ...source, 'tasks.max': '1001' })).toEqual([
      ['tasks.max', 'Invalid value 1001 for configuration tasks.max: Value must be no more than 1000'],
    ])
  })

  it('checks client settings by type and shows their documentation', async () => {
    const { infos } = await validate({ ...fileSinkConfig, 'consumer.override.max.poll.records': 'x' })
    expect(infos.configs.at(-1)).toMatchObject({
      definition: { name: 'consumer.override.max.poll.records', type: 'INT' },
      value: {
        errors: [
          'Invalid value x for configuration consumer.override.max.poll.records: Not a number of type INT',
          'Invalid value null for configuration consumer.override.max.poll.records: Value must be non-null',
        ],
      },
    })
  })

  it('names literal secrets without showing them (I8)', async () => {
    const { infos, literalSecrets } = await validate({
      'connector.class': 'ElasticsearchSink',
      name: 'v',
      topics: 't',
      'connection.url': 'http://127.0.0.1:1',
      'connection.username': 'u',
      'connection.password': 'hunter2',
      'batch.size': 'stops before a server is asked',
    })
    expect(literalSecrets).toEqual(['connection.password'])
    expect(infos.warnings).toEqual([])
  })

  it.each<[key: string, value: string, reason: string]>(unserved)(
    'refuses %s by its name',
    async (key, value, reason) => {
      const transforms = /^transforms\.(\w+)\./.exec(key)?.[1]
      const all = await errorsOf({
        ...postgresConfig,
        ...(transforms === undefined ? {} : { transforms }),
        [key]: value,
      })
      // Only what is wrong with an option of the connector keeps it from asking the server.
      const errors = all.filter(([name]) => name !== 'database.hostname')
      expect(errors).toEqual([[key, expect.stringContaining(reason)]])
      expect(errors[0]?.[1]).toContain(key)
    },
  )

  it('refuses versions of transforms and predicates by their names', async () => {
    const router = { 'transforms.r.type': 'RegexRouter', 'transforms.r.regex': 'a', 'transforms.r.replacement': 'b' }
    const errors = await errorsOf({
      ...source,
      ...router,
      transforms: 'r',
      predicates: 'p',
      'predicates.p.type': 'RecordIsTombstone',
      'transforms.r.plugin.version': '3.9.1',
      'predicates.p.plugin.version': '[3.9,4)',
    })
    const reason = expect.stringContaining('is not supported: a worker runs one version of each plugin')
    expect(errors).toEqual([
      ['transforms.r.plugin.version', reason],
      ['predicates.p.plugin.version', reason],
    ])
  })

  it('reports all unsupported settings together', async () => {
    const all = Object.fromEntries(unserved.map(([key, value]) => [key, value]))
    const errors = await errorsOf({ ...postgresConfig, ...all, transforms: 'script,chosen' })
    expect(errors.map(([key]) => key).toSorted()).toEqual(Object.keys(all).toSorted())
  })

  it('throws without a class, and for an unknown class', async () => {
    await expect(validate({ name: 'v', password: 'secret' })).rejects.toThrow(ConfigError)
    await expect(validate({ name: 'v', password: 'secret' })).rejects.toThrow(
      /^Connector config \{name=v, password=\[hidden\]\} contains no connector type$/,
    )
    await expect(validate({ 'connector.class': 'Nope' })).rejects.toThrow(
      /^Failed to find any class .* Nope, available/,
    )
  })
})

describe('a recorded error on create', () => {
  it('of a missing topic has the same lines', async () => {
    const recorded = JSON.parse(recordedExchange('PUT', '/connectors/src/config', 3).body) as { message: string }
    const { infos } = await validate({ 'connector.class': 'FileStreamSource', name: 'src' })
    for (const info of infos.configs) for (const error of info.value.errors) expect(recorded.message).toContain(error)
    expect(infos.errorCount).toBe(1)
  })
})

import type { RawConfig } from 'penstock/api'
import { describe, expect, it, vi } from 'vitest'

import { crossFieldProblems } from '../../../../connectors/s3-sink/config/check-config.ts'
import { configDef } from '../../../../connectors/s3-sink/config/config.ts'
import { plugin } from '../../../../connectors/s3-sink/index.ts'
import { RecordText } from '../../../../connectors/s3-sink/format/record-text.ts'
import { settingsOf } from '../../../../connectors/s3-sink/config/settings.ts'
import { checkConfig, parseConfig } from '../../../../src/config/definition/parse-config.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'

const minimal = {
  'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
  'flush.size': '1000',
  's3.bucket.name': 'archive',
}
const role = 'io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider'
const problemsOf = (raw: RawConfig): string[] =>
  checkConfig(configDef, { ...minimal, ...raw }).problems.map(({ key, message }) => `${key}: ${message}`)

describe('the configuration', () => {
  it('needs a format, a flush size and a bucket', () => {
    expect([...new Set(checkConfig(configDef, {}).problems.map(({ key }) => key))]).toEqual([
      'format.class',
      'flush.size',
      's3.bucket.name',
    ])
    expect(problemsOf({})).toEqual([])
  })

  it('takes the configuration that tutorials use', () => {
    const tutorial = {
      'storage.class': 'io.confluent.connect.s3.storage.S3Storage',
      'partitioner.class': 'io.confluent.connect.storage.partitioner.DefaultPartitioner',
      'schema.compatibility': 'NONE',
      'schema.generator.class': 'io.confluent.connect.storage.hive.schema.DefaultSchemaGenerator',
      's3.credentials.provider.class': 'com.amazonaws.auth.DefaultAWSCredentialsProviderChain',
      's3.part.size': '5242880',
      'rotate.schedule.interval.ms': '60000',
      timezone: 'UTC',
      locale: 'en-US',
      'timestamp.extractor': 'Record',
      'store.url': 'http://minio:9000',
    }
    expect(problemsOf(tutorial)).toEqual([])
    const settings = settingsOf(parseConfig(configDef, { ...minimal, ...tutorial }), tutorial)
    expect(settings.rotation.nextScheduled?.(0)).toBe(60_000)
    expect([settings.partitioner.path.kind, settings.store.region]).toEqual(['partition', 'us-west-2'])
  })

  it.each<[string, string]>([
    ['avro.codec', 'bzip2'],
    ['parquet.codec', 'lz4'],
    ['parquet.codec', 'lz4_raw'],
    ['parquet.codec', 'brotli'],
    ['parquet.codec', 'lzo'],
  ])('says that %s=%s is not served', (key, value) => {
    const [problem, ...others] = problemsOf({ [key]: value })
    expect(others).toEqual([])
    expect(problem).toMatch(new RegExp(`^${key}: .*[Nn]ot supported`))
  })

  it.each<[string, string]>([
    ['s3.part.size', '100'],
    ['s3.compression.level', '10'],
    ['s3.compression.type', 'zip'],
    ['s3.acl.canned', 'unknown'],
    ['s3.sse.customer.key', 'short'],
    ['store.url', 'ftp://x/y'],
    ['timezone', 'Middle-earth'],
    ['s3.bucket.name', ''],
    ['s3.checksum.algorithm', 'md4'],
    ['s3.storage.class', 'COLD'],
    ['s3.proxy.url', 'proxy'],
    ['s3.credentials.provider.class', 'software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider'],
    ['s3.object.tagging.key.value.pairs', 'team:shop,nothing'],
    ['s3.object.tagging.key.value.pairs', 'team:shop & co'],
    ['s3.object.tagging.key.value.pairs', `k:${'v'.repeat(257)}`],
    ['s3.object.tagging.key.value.pairs', Array.from({ length: 8 }, (_, i) => `k${i}:v`).join()],
    ['s3.object.behavior.on.tagging.error', 'retry'],
    ['avro.codec', 'lz4'],
    ['parquet.codec', 'deflate'],
    ['format.class', 'io.confluent.connect.s3.format.csv.CsvFormat'],
    ['headers.format.class', 'io.confluent.connect.s3.format.bytearray.ByteArrayFormat'],
  ])('refuses %s=%s', (key, value) => {
    expect(problemsOf({ [key]: value }).length).toBe(1)
  })

  it.each<[RawConfig, readonly string[]]>([
    [{ 'aws.access.key.id': 'a' }, ['aws.access.key.id', 'aws.secret.access.key']],
    [{ 's3.wan.mode': 'true' }, ['s3.wan.mode', 's3.path.style.access.enabled']],
    [
      { 's3.wan.mode': 'true', 's3.path.style.access.enabled': 'false', 'store.url': 'http://x' },
      ['s3.wan.mode', 'store.url'],
    ],
    [{ 's3.sse.customer.key': Buffer.alloc(32).toString('base64') }, ['s3.sse.customer.key', 's3.ssea.name']],
    [{ 's3.credentials.provider.class': role }, ['s3.credentials.provider.sts.role.arn']],
    [{ 's3.proxy.user': 'me' }, ['s3.proxy.user']],
    [{ 's3.ssea.name': 'aws:kms:dsse' }, ['s3.ssea.name']],
    [
      { 'format.class': 'io.confluent.connect.s3.format.avro.AvroFormat', 's3.compression.type': 'gzip' },
      ['s3.compression.type', 'format.class'],
    ],
    [
      { 'format.class': 'io.confluent.connect.s3.format.parquet.ParquetFormat', 's3.compression.type': 'zstd' },
      ['s3.compression.type', 'format.class'],
    ],
    [{ 'behavior.on.null.values': 'write' }, ['behavior.on.null.values', 'store.kafka.keys']],
    [
      { 'behavior.on.null.values': 'WRITE', 'store.kafka.keys': 'true', 'tombstone.encoded.partition': ' ' },
      ['tombstone.encoded.partition'],
    ],
    [{ 's3.buffer.bytes': '10000000' }, ['s3.buffer.bytes', 's3.part.size']],
  ])('checks what goes together: %j', (raw, keys) => {
    expect(crossFieldProblems(parseConfig(configDef, { ...minimal, ...raw })).map(({ key }) => key)).toEqual(keys)
  })

  it('without credentials is a problem of the option that takes them', async () => {
    const provider = 'com.amazonaws.auth.EnvironmentVariableCredentialsProvider'
    const raw = { ...minimal, 'store.url': 'http://127.0.0.1:1', 's3.credentials.provider.class': provider }
    vi.stubEnv('AWS_ACCESS_KEY_ID', '')
    const problems = await plugin.check?.(parseConfig(configDef, raw), raw, AbortSignal.timeout(60_000))
    vi.unstubAllEnvs()
    expect(problems).toEqual([{ key: 'aws.access.key.id', message: expect.stringContaining('S3_CREDENTIALS') }])
  })

  it('gives every task the whole config', async () => {
    const connector = plugin.createConnector()
    await connector.start(parseConfig(configDef, minimal), minimal, {
      connector: 'archive',
      logger: quietLogger(),
      requestTaskReconfiguration() {},
      raiseError() {},
    })
    expect(await connector.taskConfigs(2)).toEqual([minimal, minimal])
    await connector.stop()
  })
})

describe('the text of a record', () => {
  it('is JSON on one line, text quoted', () => {
    const text = new RecordText('NUMERIC')
    expect(text.of(null, 'a\nb')).toBe('"a\\nb"')
    expect(text.of(null, { b: 9007199254740993n, a: [1, null] })).toBe('{"b":9007199254740993,"a":[1,null]}')
  })
})

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { apis } from '../support/protocol/apis.ts'
import { BrokerHarness } from '../support/broker/broker-harness.ts'

/*
 * `kafka-configs.sh --describe --all` of Kafka 3.9.1, for a topic made with the two configs below: name, value, synonyms from the
 * strongest to the weakest.
 */
type DescribedConfig = readonly [name: string, value: string, synonyms: readonly string[]]

const recorded = JSON.parse(
  readFileSync(new URL('topic-configs-3.9.1.json', import.meta.url), 'utf8'),
) as readonly DescribedConfig[]
const own = { 'max.message.bytes': '2000000', 'cleanup.policy': 'compact' }

/** Our defaults that differ: larger messages are taken, and a time in the future is refused as by Kafka 4.0 (KIP-1030). */
const ours: readonly DescribedConfig[] = [
  [
    'max.message.bytes',
    '2000000',
    ['DYNAMIC_TOPIC_CONFIG:max.message.bytes=2000000', 'DEFAULT_CONFIG:message.max.bytes=16777216'],
  ],
  [
    'message.timestamp.after.max.ms',
    '3600000',
    ['DEFAULT_CONFIG:log.message.timestamp.after.max.ms=3600000'],
  ],
]

let harness: BrokerHarness

beforeAll(async () => {
  harness = await BrokerHarness.start()
})

afterAll(() => harness.close())

it('describes the configs of a topic as Kafka does, synonyms included', async () => {
  await harness.broker.topics.create('t', 1, own)
  const client = await harness.connect()
  const { results } = await client.call(apis.describeConfigs, 4, {
    resources: [{ resourceType: 2, resourceName: 't', configurationKeys: null }],
    includeSynonyms: true,
  })
  const sources = new Map([
    [1, 'DYNAMIC_TOPIC_CONFIG'],
    [5, 'DEFAULT_CONFIG'],
  ])
  const described = results[0]?.configs.map(({ name, value, synonyms }) => [
    name,
    value,
    synonyms.map((synonym) => `${sources.get(synonym.source)}:${synonym.name}=${synonym.value}`),
  ])
  expect(described).toEqual(recorded.map((config) => ours.find(([name]) => name === config[0]) ?? config))
})

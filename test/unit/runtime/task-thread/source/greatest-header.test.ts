import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RawConfig } from '../../../../../src/api/config-def.ts'
import { KafkaClient } from '../../../../../src/client/kafka-client.ts'
import { BrokerError } from '../../../../../src/client/errors.ts'
import { parseConfig } from '../../../../../src/config/definition/parse-config.ts'
import { systemClock } from '../../../../../src/foundation/clock.ts'
import { greatestHeader, possibleNames } from '../../../../../src/runtime/task-thread/source/greatest-header.ts'
import type { TransformStep } from '../../../../../src/runtime/task-thread/conversion/transform-chain.ts'
import { plugin as extract } from '../../../../../plugins/transforms/debezium/extract-new-record-state.ts'
import { plugin as router } from '../../../../../plugins/transforms/routing/regex-router.ts'
import { Outcomes } from '../../../../contract/client-harness.ts'
import { BrokerHarness } from '../../../../support/broker/broker-harness.ts'
import { ManualClock } from '../../../../support/manual-clock.ts'
import { quietLogger } from '../../../../support/quiet-logger.ts'

const header = '__version'

function routed(regex: string, replacement: string): TransformStep {
  const raw: RawConfig = { regex, replacement }
  const transform = router.create(parseConfig(router.configDef, raw), raw)
  return { alias: 'route', transform, predicate: null, negate: false }
}

describe('the greatest number in a header', () => {
  let harness: BrokerHarness
  let client: KafkaClient

  beforeAll(async () => {
    harness = await BrokerHarness.start()
    client = await KafkaClient.connect({
      bootstrapServers: harness.bootstrap,
      clientId: 'tails',
      clock: systemClock,
      logger: quietLogger(),
    })
  })
  afterAll(async () => {
    await client.close()
    await harness.close()
  })

  /** Writes a record a version; null is a record without the header. */
  async function write(topic: string, versions: readonly (bigint | null)[], partition = 0): Promise<void> {
    const producer = client.producer(new Outcomes())
    for (const version of versions) {
      const headers = version === null ? [] : [{ key: header, value: Buffer.from(String(version)) }]
      producer.append({ topic, partition, key: null, value: Buffer.from('x'), timestamp: null, headers }, 0)
      const room = producer.room()
      if (room !== null) await room
    }
    await producer.flush()
    await producer.close()
  }
  const topic = async (name: string, partitions = 1): Promise<string> => {
    await client.admin.createTopic({ name, partitions, replicationFactor: 1 })
    return name
  }
  const ask = (topics: readonly string[], transforms: readonly TransformStep[] = []): Promise<bigint | null> =>
    greatestHeader(client, transforms, systemClock)(topics, header)

  it('is found in every partition of every topic, exact past 2^53', async () => {
    const [a, b] = [await topic('a', 3), await topic('b')]
    await write(a, [5n, 2n ** 62n + 1n], 2)
    await write(a, [9n], 0)
    await write(b, [7n])
    expect(await ask([a, b])).toBe(2n ** 62n + 1n)
    expect(await ask([b])).toBe(7n)
  })

  it('is null where there is no topic, no record or no header, and makes no topic', async () => {
    await write(await topic('silent'), [null, null])
    expect(await ask(['missing', await topic('empty'), 'silent'])).toBeNull()
    expect(await ask(['missing'])).toBeNull()
    expect((await client.partitionRanges(['missing'], AbortSignal.timeout(60_000))).length).toBe(0)
  })

  it('is found in front of what another producer wrote, as far as 20,000 records', async () => {
    const shared = await topic('shared')
    await write(shared, [4n, ...Array.from({ length: 1_000 }, () => null)])
    expect(await ask([shared])).toBe(4n)
  })

  it('is not taken from text that is no number', async () => {
    const odd = await topic('odd')
    const producer = client.producer(new Outcomes())
    const headers = [
      { key: header, value: Buffer.from('-1') },
      { key: header, value: Buffer.from('x1') },
    ]
    producer.append({ topic: odd, partition: 0, key: null, value: null, timestamp: null, headers }, 0)
    await producer.flush()
    await producer.close()
    expect(await ask([odd])).toBeNull()
  })

  it('is looked for under the names that transforms give', async () => {
    await write(await topic('renamed.t'), [11n])
    expect(await ask(['db.t'], [routed('db\\.(.*)', 'renamed.$1')])).toBe(11n)
  })

  it('says that topics may not be read, and ends in time', async () => {
    const denied = {
      partitionRanges: () => Promise.reject(new BrokerError(29, 'Metadata')),
      readRanges: async () => {},
    }
    await expect(greatestHeader(denied, [], systemClock)(['t'], header)).rejects.toThrow(
      /^TOPIC_READ_DENIED: .* Allow the worker/,
    )
    const clock = new ManualClock()
    const hanging = { partitionRanges: () => new Promise<never>(() => {}), readRanges: async () => {} }
    const asked = greatestHeader(hanging, [], clock)(['t'], header)
    clock.advance(60_000)
    await expect(asked).rejects.toMatchObject({
      name: 'RetriableError',
      message: expect.stringContaining('timed out after 60000 ms'),
    })
  })
})

describe('the names that a topic may have behind transforms', () => {
  it('are those with each step and without it; steps that need content are passed by', () => {
    const raw: RawConfig = {}
    const unwrap: TransformStep = {
      alias: 'unwrap',
      transform: extract.create(parseConfig(extract.configDef, raw), raw),
      predicate: null,
      negate: false,
    }
    expect(possibleNames([unwrap, routed('a', 'b'), routed('b', 'c')], 'a')).toEqual(['a', 'b', 'c'])
  })
})

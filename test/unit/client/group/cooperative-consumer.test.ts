import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { FencedMemberError, InstanceFencedError, NoOffsetError } from '../../../../src/client/errors.ts'
import { encodeSubscription } from '../../../../src/client/group/consumer-protocol.ts'
import type { GroupConsumer } from '../../../../src/client/group/group-consumer.ts'
import type { GroupConsumerOptions } from '../../../../src/client/group/group-consumer-options.ts'
import type { GroupMember } from '../../../../src/client/group/group-member.ts'
import type { KafkaClient } from '../../../../src/client/kafka-client.ts'
import { formatTopicPartition } from '../../../../src/foundation/topic-partition.ts'
import { pollUntil, subscribe, textOf, writeAll } from '../../../contract/client-harness.ts'
import { ProxiedBroker } from '../../../contract/proxied-broker.ts'
import { describeGroup, recreateTopic, removeMembers } from '../../../support/broker/cluster-tools.ts'
import { apis } from '../../../support/protocol/apis.ts'
import { patienceMs, until } from '../../../support/until.ts'

let kafka: ProxiedBroker
let direct: KafkaClient
beforeAll(async () => {
  kafka = await ProxiedBroker.start()
  direct = await kafka.connectDirectly()
})
afterAll(async () => await kafka.close())

async function topicWith(...values: readonly string[]): Promise<string> {
  const topic = kafka.clients.name('kept')
  await direct.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
  await writeAll(direct, topic, values, 0)
  return topic
}

const at = (topic: string) => ({ topic, partition: 0 })

/** Learns of a rebalance only when a test changes its subscription: it sends no heartbeat in the time of a test. */
const quiet = { assignors: ['cooperative-sticky'], heartbeatIntervalMs: 600_000, sessionTimeoutMs: 600_000 } as const

/** Subscribes again and again, and keeps the events of all its subscriptions. */
class Subscriber {
  readonly consumer: GroupConsumer
  readonly events: string[] = []

  constructor(client: KafkaClient, groupId: string, options: Partial<GroupConsumerOptions> = {}) {
    this.consumer = client.consumer({ groupId, ...quiet, ...options })
  }

  subscribe(...topics: readonly string[]): void {
    subscribe(
      this.consumer,
      { topics },
      {
        onAssigned: (offsets) => void this.events.push(...offsets.map((offset) => `+${formatTopicPartition(offset)}`)),
        onRevoked: (partitions, { lost }) =>
          void this.events.push(...partitions.map((partition) => (lost ? '!' : '-') + formatTopicPartition(partition))),
      },
    )
  }

  /** Polls until the last value was read, which has to be the only one. */
  async reads(value: string): Promise<void> {
    const records = await pollUntil(this.consumer, value, (found) => textOf(found).includes(value))
    if (records.length > 1) throw new RangeError(`${textOf(records).join()} instead of ${value}`)
  }
}

/** A member that joins when the test says so, and that the group waits for until then. */
function memberOf(groupId: string, topic: string): GroupMember {
  const metadata = encodeSubscription({ topics: [topic], userData: null, owned: [], generation: -1 })
  return direct.groupMember({
    groupId,
    protocolType: 'consumer',
    sessionTimeoutMs: patienceMs,
    rebalanceTimeoutMs: patienceMs,
    heartbeatIntervalMs: patienceMs,
    protocols: () => [{ name: 'cooperative-sticky', metadata }],
    assign: () => new Map(),
    onRejoinNeeded: () => undefined,
  })
}

/** Polls until something else has happened. */
async function during(
  consumer: GroupConsumer,
  event: Promise<unknown>,
  onReturn: () => void = () => undefined,
): Promise<void> {
  const over = new AbortController()
  const end = (): void => {
    over.abort()
    consumer.wake()
  }
  const ended = event.finally(end)
  while (!over.signal.aborted) {
    await consumer.poll(patienceMs)
    onReturn()
  }
  await ended
}

const isRebalancing = async (groupId: string): Promise<boolean> =>
  (await describeGroup(kafka.broker.bootstrap, groupId)).state === 'PreparingRebalance'

describe('a consumer that keeps its partitions while it joins', () => {
  it('returns no record when its join says that its instance id is that of another member', async () => {
    const topic = await topicWith('a')
    const first = new Subscriber(direct, topic, { instanceId: 'one' })
    first.subscribe(topic)
    await first.reads('a')
    const second = new Subscriber(direct, topic, { instanceId: 'one' })
    second.subscribe(topic)
    await second.reads('a')
    first.subscribe(topic)
    await expect(pollUntil(first.consumer, 'nothing', () => false)).rejects.toThrow(InstanceFencedError)
    await writeAll(direct, topic, ['b'])
    await second.reads('b')
    await expect(pollUntil(first.consumer, 'nothing', (found) => found.length > 0)).rejects.toThrow(InstanceFencedError)
    expect(first.events).toEqual([`+${topic}-0`, `!${topic}-0`])
    await Promise.all([first.consumer.close(), second.consumer.close()])
  })

  it('does not take what a join has started when a commit shows meanwhile that it is no longer a member', async () => {
    const [topic, later] = [await topicWith('a'), await topicWith('later')]
    const only = new Subscriber(direct, topic)
    only.subscribe(topic)
    await only.reads('a')
    only.subscribe(topic, later)
    expect(await only.consumer.poll(0)).toEqual([])
    await until('the join has started the later topic', () => only.consumer.position(at(later)) !== null)
    await removeMembers(kafka.broker.bootstrap, topic)
    await expect(only.consumer.commit([{ ...at(topic), offset: 1 }])).rejects.toThrow(FencedMemberError)
    const records = await pollUntil(only.consumer, 'both again', (found) => found.length >= 2)
    expect(new Set(textOf(records))).toEqual(new Set(['a', 'later']))
    expect(only.events.toSpliced(2).join()).toBe(`+${topic}-0,!${topic}-0`)
    expect(only.events.toSpliced(0, 2).toSorted()).toEqual([`+${later}-0`, `+${topic}-0`].toSorted())
    await only.consumer.close()
  })

  it('returns no record of a partition before it is assigned', async () => {
    const [topic, ready, slow] = [await topicWith('a'), await topicWith('ready'), await topicWith('slow')]
    await direct.admin.alterGroupOffsets(topic, [{ ...at(ready), offset: 0 }])
    const only = new Subscriber(await kafka.clients.connect(), topic)
    only.subscribe(topic)
    await only.reads('a')
    let asked = 0
    kafka.proxy.onAnswer = (apiKey) => {
      if (apiKey !== apis.listOffsets.key) return 'pass'
      asked += 1
      return 'drop'
    }
    only.subscribe(topic, ready, slow)
    // One partition has an offset, and the start of the other is asked for in vain.
    const early = await pollUntil(only.consumer, 'the lookup', () => asked > 2)
    expect([early, only.events]).toEqual([[], [`+${topic}-0`]])
    await writeAll(direct, topic, ['b'])
    await only.reads('b')
    kafka.proxy.onAnswer = () => 'pass'
    const records = await pollUntil(only.consumer, 'both', (found) => found.length >= 2)
    expect(new Set(textOf(records))).toEqual(new Set(['ready', 'slow']))
    expect(only.events.slice(1).toSorted()).toEqual([`+${ready}-0`, `+${slow}-0`].toSorted())
    await only.consumer.close()
  })

  it('gives up topics that it no longer subscribes to before it joins', async () => {
    const [topic, other] = [await topicWith('a'), await topicWith('b')]
    const first = new Subscriber(direct, topic, { heartbeatIntervalMs: 100 })
    first.subscribe(topic, other)
    await pollUntil(first.consumer, 'both', (found) => found.length >= 2)
    const second = memberOf(topic, topic)
    await during(first.consumer, second.join())
    await during(first.consumer, second.join())
    first.events.length = 0
    first.subscribe(topic)
    await pollUntil(first.consumer, 'the revocation', () => first.events.length > 0)
    await until('the group waits for the other member', async () => await isRebalancing(topic))
    expect(first.events).toEqual([`-${other}-0`])
    await second.leave('the test ends')
    await first.consumer.close()
  })

  it('does not return from polls without end when a topic was created again while the group rebalances', async () => {
    const [topic, again] = [await topicWith('a'), await topicWith('old')]
    const first = new Subscriber(direct, topic, { heartbeatIntervalMs: 100, autoOffsetReset: 'earliest' })
    first.subscribe(topic, again)
    await pollUntil(first.consumer, 'both', (found) => found.length >= 2)
    const second = memberOf(topic, topic)
    await during(first.consumer, second.join())
    await pollUntil(first.consumer, 'the revocation', () => first.events.includes(`-${topic}-0`))
    expect(await first.consumer.poll(0)).toEqual([])
    await until('the group waits for the other member', async () => await isRebalancing(topic))
    await recreateTopic(direct, kafka.broker.bootstrap, again)
    await writeAll(direct, again, ['new'])
    let returned = 0
    const joined = Promise.withResolvers<void>()
    const reading = during(first.consumer, joined.promise, () => (returned += 1))
    for (let i = 0; i < 20; i += 1) expect(await isRebalancing(topic)).toBe(true)
    expect(returned).toBeLessThan(10)
    await second.leave('the test ends')
    const assigned = `+${again}-0`
    await until('the new topic is assigned', () => first.events.lastIndexOf(assigned) > first.events.indexOf(assigned))
    joined.resolve()
    first.consumer.wake()
    await reading
    expect(first.events).toContain(`-${again}-0`)
    await first.consumer.close()
  })

  it('forgets what a failed join has started', async () => {
    const topic = await topicWith('a')
    const [begun = '', refused = ''] = [await topicWith('b'), await topicWith('c')].sort()
    await direct.admin.alterGroupOffsets(topic, [
      { ...at(topic), offset: 0 },
      { ...at(begun), offset: 0 },
    ])
    const only = new Subscriber(direct, topic, { autoOffsetReset: 'none' })
    only.subscribe(topic)
    await only.reads('a')
    only.subscribe(topic, begun, refused)
    await expect(pollUntil(only.consumer, 'nothing', () => false)).rejects.toThrow(NoOffsetError)
    expect(only.consumer.position(at(begun))).toBe(0)
    only.subscribe(topic)
    await writeAll(direct, topic, ['b'])
    await only.reads('b')
    expect(only.consumer.position(at(begun))).toBeNull()
    expect(only.events).toEqual([`+${topic}-0`])
    await only.consumer.close()
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GroupConsumer } from '../../src/client/group/group-consumer.ts'
import type { GroupMember } from '../../src/client/group/group-member.ts'
import type { KafkaClient } from '../../src/client/kafka-client.ts'
import type { ProducerListener } from '../../src/client/producer/producer.ts'
import { apis } from '../support/protocol/apis.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { KafkaFaultProxy } from '../support/broker/kafka-fault-proxy.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { SkippingClock } from '../support/skipping-clock.ts'
import { patienceMs, until } from '../support/until.ts'
import {
  ClientHarness,
  Outcomes,
  pollUntil,
  readAll,
  subscribe,
  textOf,
  textRecord,
  writeAll,
  untilAssigned,
} from './client-harness.ts'

const count = 5_000

/** What the client does with a broker whose connections break. */
export function clientFaultContract(open: () => Promise<string> | string): void {
  describe('with broken connections', () => {
    let proxy: KafkaFaultProxy
    let harness: ClientHarness
    let client: KafkaClient
    let direct: KafkaClient

    beforeAll(async () => {
      const bootstrapServers = await open()
      proxy = await KafkaFaultProxy.open(bootstrapServers)
      harness = new ClientHarness(proxy.bootstrapServers)
      client = await harness.connect()
      direct = await harness.connect({ bootstrapServers })
    })

    afterAll(async () => {
      await harness.close()
      await proxy.close()
    })

    async function newTopic(purpose: string, partitions: number): Promise<string> {
      const name = harness.name(purpose)
      await direct.admin.createTopic({ name, partitions, replicationFactor: 1 })
      return name
    }

    /** A consumer that has read one record of the topic and cannot reach the broker now, with the codes that it told. */
    async function troubled(topic: string): Promise<{ consumer: GroupConsumer; told: (string | null)[] }> {
      await writeAll(direct, topic, ['before'])
      const consumer = client.consumer({ groupId: topic, heartbeatIntervalMs: 500 })
      const told: (string | null)[] = []
      subscribe(consumer, { topics: [topic] }, { onTrouble: (trouble) => told.push(trouble?.code ?? null) })
      await pollUntil(consumer, 'the first record', (records) => records.length === 1)
      proxy.down()
      await pollUntil(consumer, 'trouble', () => told.length > 0)
      return { consumer, told }
    }

    it('writes each record once and in order when responses are lost', async () => {
      const seed = Date.now() % 1_000_000
      const random = seededRandom(seed)
      const topic = await newTopic('lost-answers', 3)
      const outcomes = new Outcomes()
      const producer = client.producer(outcomes, { batchSize: 2_000, lingerMs: 0 })
      let lost = 0
      proxy.onAnswer = (apiKey) => {
        if (apiKey !== apis.produce.key || random() > 0.2) return 'pass'
        lost += 1
        return 'drop'
      }
      for (let i = 0; i < count; i += 1) {
        producer.append(textRecord(topic, null, String(i), i % 3), i)
        if (i % 50 === 0) await producer.room()
        if (i % 500 === 0) await producer.flush()
      }
      await producer.close()
      proxy.onAnswer = () => 'pass'
      expect(lost, `seed ${seed}`).toBeGreaterThan(5)
      expect(outcomes.acknowledged, `seed ${seed}`).toHaveLength(count)
      const records = await readAll(direct, topic)
      for (let partition = 0; partition < 3; partition += 1) {
        const values = records.filter((record) => record.partition === partition).map(({ value }) => Number(value))
        const expected = Array.from({ length: count }, (_, i) => i).filter((i) => i % 3 === partition)
        expect(values, `seed ${seed}, partition ${partition}`).toEqual(expected)
      }
    })

    it('keeps records while the broker is down, and writes them when it is back', async () => {
      const topic = await newTopic('away', 1)
      const outcomes = new Outcomes()
      const producer = client.producer(outcomes)
      producer.append(textRecord(topic, null, 'before', 0), 0)
      await producer.flush()
      proxy.down()
      producer.append(textRecord(topic, null, 'meanwhile', 0), 1)
      await expect(producer.flush(AbortSignal.timeout(300))).rejects.toThrow()
      expect(outcomes.acknowledged).toEqual([0])
      proxy.up()
      await producer.flush(AbortSignal.timeout(patienceMs))
      expect(outcomes.acknowledged).toEqual([0, 1])
      await producer.close()
      expect(textOf(await readAll(direct, topic))).toEqual(['before', 'meanwhile'])
    })

    it('reports that a consumer cannot read while the broker is down, and when it can again', async () => {
      const topic = await newTopic('unread', 1)
      const { consumer, told } = await troubled(topic)
      expect(told).toEqual(['LOG_UNREACHABLE'])
      proxy.up()
      await pollUntil(consumer, 'its end', () => told.length > 1)
      expect(told).toEqual(['LOG_UNREACHABLE', null])
      await consumer.close()
    })

    it('reports nothing about a paused partition', async () => {
      const topic = await newTopic('paused', 1)
      const { consumer, told } = await troubled(topic)
      consumer.pause([{ topic, partition: 0 }])
      proxy.up()
      await pollUntil(consumer, 'its end, though nothing is fetched', () => told.length > 1)
      expect(told).toEqual(['LOG_UNREACHABLE', null])
      await consumer.close()
    })

    it('reports each failed attempt for the topic that is kept apart, and not as trouble', async () => {
      const [apart, other] = [await newTopic('apart', 1), await newTopic('other', 1)]
      const outcomes = new Outcomes()
      const told: (string | null)[] = []
      const tries: string[] = []
      const listener: ProducerListener = {
        onAcknowledged: outcomes.onAcknowledged,
        onFailed: outcomes.onFailed,
        onTrouble: (trouble) => void told.push(trouble?.code ?? null),
        onRetried: (topic) => void tries.push(topic),
      }
      const producer = client.producer(listener, { apartTopic: apart })
      for (const [token, topic] of [apart, other].entries())
        producer.append(textRecord(topic, null, 'before', 0), token)
      await producer.flush()
      proxy.down()
      producer.append(textRecord(apart, null, 'meanwhile', 0), 2)
      await until('several tries to fail', () => tries.length > 8)
      expect(told).toEqual([])
      producer.append(textRecord(other, null, 'meanwhile', 0), 3)
      await until('trouble', () => told.length > 0)
      expect(told).toEqual(['LOG_UNREACHABLE'])
      expect(new Set(tries)).toEqual(new Set([apart, other]))
      proxy.up()
      await producer.flush(AbortSignal.timeout(patienceMs))
      expect(told).toEqual(['LOG_UNREACHABLE', null])
      expect(outcomes.acknowledged).toHaveLength(4)
      await producer.close()
    })

    it('gives records up after the delivery timeout, and names their partition', async () => {
      const topic = await newTopic('timeout', 1)
      const clock = new SkippingClock()
      const outcomes = new Outcomes()
      const producer = (await harness.connect({ clock })).producer(outcomes, { deliveryTimeoutMs: 600_000 })
      producer.append(textRecord(topic, null, 'first', 0), 0)
      await producer.flush()
      proxy.down()
      producer.append(textRecord(topic, null, 'late', 0), 1)
      clock.skip(600_000)
      await producer.flush(AbortSignal.timeout(patienceMs))
      expect(outcomes.failed.map(({ token, error }) => [token, error.name])).toEqual([[1, 'DeliveryTimeoutError']])
      expect(outcomes.failed[0]?.error.message).toContain(`${topic}-0`)
      proxy.up()
      producer.append(textRecord(topic, null, 'after', 0), 2)
      await producer.flush(AbortSignal.timeout(patienceMs))
      expect(outcomes.acknowledged).toEqual([0, 2])
      await producer.close()
      expect(textOf(await readAll(direct, topic)).at(-1)).toBe('after')
    })

    it('ends a `close` that cannot flush, and fails every record', async () => {
      const topic = await newTopic('close', 1)
      const outcomes = new Outcomes()
      const producer = client.producer(outcomes)
      producer.append(textRecord(topic, null, 'first', 0), 0)
      await producer.flush()
      proxy.down()
      for (let i = 1; i < 10; i += 1) producer.append(textRecord(topic, null, 'stuck', 0), i)
      await producer.close(AbortSignal.timeout(200))
      proxy.up()
      expect(outcomes.failed.map(({ token }) => token)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
      expect(new Set(outcomes.failed.map(({ error }) => error.name))).toEqual(new Set(['ClientClosedError']))
      expect(() => producer.append(textRecord(topic, null, 'x', 0), 10)).toThrow(/closed/)
    })

    it('fails records in flight before `close` ends, even without responses', async () => {
      const topic = await newTopic('close-in-flight', 1)
      const outcomes = new Outcomes()
      const producer = client.producer(outcomes)
      const { promise: swallowed, resolve } = Promise.withResolvers<void>()
      proxy.onAnswer = (apiKey) => {
        if (apiKey !== apis.produce.key) return 'pass'
        resolve()
        return 'swallow'
      }
      producer.append(textRecord(topic, null, 'stuck', 0), 1)
      await swallowed
      await producer.close(AbortSignal.abort())
      proxy.onAnswer = () => 'pass'
      expect(outcomes.failed.map(({ token, error }) => [token, error.name])).toEqual([[1, 'ClientClosedError']])
    })

    it('reads every record once and in order while connections are cut', async () => {
      const topic = await newTopic('cut-reads', 2)
      const values = Array.from({ length: count }, (_, i) => String(i))
      await writeAll(direct, topic, values, 0)
      await writeAll(direct, topic, values, 1)
      const consumer = client.consumer({
        groupId: harness.name('group'),
        maxPartitionBytes: 2_000,
        maxPollRecords: 100,
      })
      const revocations: unknown[] = []
      subscribe(consumer, { topics: [topic] }, { onRevoked: (partitions) => void revocations.push(partitions) })
      let polls = 0
      const records = await pollUntil(consumer, 'all records', (seen) => {
        polls += 1
        if (polls % 20 === 0) proxy.cut()
        return seen.length >= 2 * count
      })
      for (const partition of [0, 1])
        expect(textOf(records.filter((record) => record.partition === partition))).toEqual(values)
      expect(revocations).toEqual([])
      await consumer.commit([{ topic, partition: 0, offset: count }])
      proxy.cut()
      expect(await consumer.committed([{ topic, partition: 0 }])).toMatchObject([{ offset: count }])
      await consumer.close()
    })

    it('stays a member while the coordinator is down for less than the session timeout', async () => {
      const topic = await newTopic('member', 1)
      const consumer = client.consumer({
        groupId: harness.name('group'),
        sessionTimeoutMs: patienceMs,
        heartbeatIntervalMs: 100,
      })
      let revocations = 0
      await untilAssigned(consumer, { topics: [topic] }, { onRevoked: () => void (revocations += 1) })
      proxy.down()
      expect(await consumer.poll(500)).toEqual([])
      proxy.up()
      await writeAll(direct, topic, ['back'])
      expect(textOf(await pollUntil(consumer, 'a record', (records) => records.length > 0))).toEqual(['back'])
      expect(revocations).toBe(0)
      await consumer.close()
    })

    it('does not count on a longer session while the coordinator has responded to its join and it has not heard so', async () => {
      const groupId = harness.name('workers')
      let alive = 0
      const memberOf = (its: KafkaClient): GroupMember =>
        its.groupMember({
          groupId,
          protocolType: 'connect',
          sessionTimeoutMs: patienceMs,
          rebalanceTimeoutMs: patienceMs,
          heartbeatIntervalMs: 50,
          protocols: () => [{ name: 'sessioned', metadata: Buffer.alloc(0) }],
          assign: async () => new Map(),
          onRejoinNeeded: () => undefined,
          onAlive: () => void (alive += its === client ? 1 : 0),
        })
      const leader = memberOf(client)
      const follower = memberOf(direct)
      await leader.join()
      const isOver = new AbortController()
      const following = follower.join(isOver.signal)
      await until('the leader to be told of the rebalance', () => leader.rejoinReason !== null)
      let heartbeats = -1
      proxy.onAnswer = (apiKey) => {
        if (apiKey === apis.heartbeat.key && heartbeats >= 0) heartbeats += 1
        if (apiKey !== apis.joinGroup.key || heartbeats >= 0) return 'pass'
        heartbeats = 0
        return 'swallow'
      }
      const joining = leader.join(isOver.signal)
      // The first of them may have been sent before.
      await until('heartbeats of the generation before', () => heartbeats > 1)
      const before = alive
      await until('more heartbeats', () => heartbeats > 6)
      expect(alive).toBe(before)
      proxy.onAnswer = () => 'pass'
      isOver.abort()
      await Promise.allSettled([joining, following])
      await leader.leave('test')
      await follower.leave('test')
    })

    for (const name of [
      'KAFKA_STORAGE_ERROR',
      'NOT_LEADER_OR_FOLLOWER',
      'NOT_ENOUGH_REPLICAS',
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      'UNKNOWN_PRODUCER_ID',
    ] as const) {
      it(`writes each record once and in order though the broker sometimes responds ${name}`, async () => {
        const seed = Date.now() % 1_000_000
        const random = seededRandom(seed)
        const topic = await newTopic('refusals', 1)
        const outcomes = new Outcomes()
        const producer = client.producer(outcomes, { batchSize: 1_000, lingerMs: 0 })
        let refusals = 0
        proxy.onRequest = (apiKey) => {
          if (apiKey !== apis.produce.key || (refusals > 0 && random() > 0.3) || refusals >= 20) return null
          refusals += 1
          return errorCodes[name]
        }
        for (let i = 0; i < 1_000; i += 1) producer.append(textRecord(topic, null, String(i), 0), i)
        await producer.close()
        proxy.onRequest = () => null
        expect(refusals, `seed ${seed}`).toBeGreaterThan(0)
        expect(outcomes.failed, `seed ${seed}`).toEqual([])
        const expected = Array.from({ length: 1_000 }, (_, i) => i)
        expect(textOf(await readAll(direct, topic)).map(Number), `seed ${seed}`).toEqual(expected)
        expect(outcomes.acknowledged, `seed ${seed}`).toEqual(expected)
      })
    }

    it('fails records that the broker rejects permanently, and continues with the rest', async () => {
      const topic = await newTopic('refused', 1)
      const outcomes = new Outcomes()
      const producer = client.producer(outcomes, { batchSize: 100, lingerMs: 0 })
      let refusals = 0
      proxy.onRequest = (apiKey) => {
        if (apiKey !== apis.produce.key || refusals > 0) return null
        refusals += 1
        return errorCodes.INVALID_RECORD
      }
      for (let i = 0; i < 50; i += 1) producer.append(textRecord(topic, null, String(i), 0), i)
      await producer.close()
      expect(outcomes.failed.length).toBeGreaterThan(0)
      expect(outcomes.failed[0]?.error).toMatchObject({ codeName: 'INVALID_RECORD' })
      const lost = new Set(outcomes.failed.map(({ token }) => token))
      const kept = Array.from({ length: 50 }, (_, i) => i).filter((i) => !lost.has(i))
      expect(textOf(await readAll(direct, topic)).map(Number)).toEqual(kept)
      expect(outcomes.acknowledged).toEqual(kept)
    })

    it('continues reading after transient errors of a broker, and names the partition of permanent ones', async () => {
      const topic = await newTopic('fetch-errors', 1)
      await writeAll(direct, topic, ['a'])
      const consumer = client.consumer({ groupId: harness.name('group') })
      subscribe(consumer, { topics: [topic] })
      const passing = [errorCodes.NOT_LEADER_OR_FOLLOWER, errorCodes.KAFKA_STORAGE_ERROR, errorCodes.CORRUPT_MESSAGE]
      proxy.onRequest = (apiKey) => (apiKey === apis.fetch.key ? (passing.pop() ?? null) : null)
      expect(textOf(await pollUntil(consumer, 'the record', (records) => records.length > 0))).toEqual(['a'])
      expect(passing).toEqual([])
      proxy.onRequest = (apiKey) => (apiKey === apis.fetch.key ? errorCodes.CORRUPT_MESSAGE : null)
      await expect(pollUntil(consumer, 'an error', () => false)).rejects.toMatchObject({
        name: 'CorruptBatchError',
        topic,
        offset: 1,
      })
      proxy.onRequest = () => null
      await consumer.close()
    })

    it('fails to connect within the given time, naming the address', async () => {
      proxy.down()
      await expect(harness.connect({ withinMs: 300 })).rejects.toThrow(/127\.0\.0\.1/)
      proxy.up()
    })
  })
}

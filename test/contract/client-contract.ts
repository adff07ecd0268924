import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BrokerError, RecordTooLargeError, UnknownPartitionError, UnknownTopicError } from '../../src/client/errors.ts'
import type { KafkaClient } from '../../src/client/kafka-client.ts'
import { partitionForKey } from '../../src/protocol/murmur2.ts'
import { ClientHarness, Outcomes, readAll, textOf, textRecord, writeAll } from './client-harness.ts'
import { cooperativeContract } from './client-cooperative-contract.ts'
import { groupContract } from './client-group-contract.ts'
import { offsetResetContract } from './client-offset-reset-contract.ts'
import { staticMemberContract } from './client-static-member-contract.ts'
import { topicIdentityContract } from './client-topic-identity-contract.ts'
import { deleteRecords } from '../support/broker/cluster-tools.ts'

const oneMegabyte = 1024 * 1024

/** What the client does with any broker. `open` gives the bootstrap servers; called once. */
export function clientContract(open: () => Promise<string> | string): void {
  let harness: ClientHarness
  let client: KafkaClient

  beforeAll(async () => {
    harness = new ClientHarness(await open())
    client = await harness.connect()
  })

  afterAll(async () => {
    await harness.close()
  })

  async function newTopic(purpose: string, partitions = 1, configs: Record<string, string> = {}): Promise<string> {
    const name = harness.name(purpose)
    expect(await client.admin.createTopic({ name, partitions, replicationFactor: 1, configs })).toBe(true)
    return name
  }

  describe('administration', () => {
    it('creates a topic once, with its partitions and settings', async () => {
      const topic = await newTopic('admin', 3, { 'cleanup.policy': 'compact' })
      expect(await client.admin.createTopic({ name: topic, partitions: 3, replicationFactor: 1 })).toBe(false)
      const described = await client.admin.describeTopics([topic, 'no-such-topic'])
      expect([...described.keys()]).toEqual([topic])
      expect(described.get(topic)?.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2])
      const configs = await client.admin.topicConfigs(topic)
      expect(configs.get('cleanup.policy')).toEqual({ value: 'compact', isOverride: true })
      expect(configs.get('retention.ms')?.isOverride).toBe(false)
    })

    it('reports a topic that does not exist', async () => {
      await expect(client.admin.topicConfigs(harness.name('absent'))).rejects.toThrow(UnknownTopicError)
    })

    it('rejects an illegal topic name with the error of the broker', async () => {
      const creating = client.admin.createTopic({ name: 'not/legal', partitions: 1, replicationFactor: 1 })
      await expect(creating).rejects.toMatchObject({ name: 'BrokerError', codeName: 'INVALID_TOPIC_EXCEPTION' })
    })

    it('lists offsets by end and by time', async () => {
      const topic = await newTopic('offsets')
      const producer = client.producer(new Outcomes())
      for (const [index, timestamp] of [1_000, 2_000, 3_000].entries())
        producer.append({ ...textRecord(topic, null, 'v', 0), timestamp }, index)
      await producer.close()
      const query = (timestamp: number) => ({ topic, partition: 0, timestamp })
      const answers = await Promise.all([-1, -2, 1_500, 9_000].map((time) => client.admin.listOffsets([query(time)])))
      expect(answers.map(([answer]) => answer?.offset)).toEqual([3, 0, 1, -1])
    })
  })

  describe('producer', () => {
    it('writes records to the partitions of their keys, in order, and acknowledges each once', async () => {
      const topic = await newTopic('keys', 4)
      const outcomes = new Outcomes()
      const producer = client.producer(outcomes)
      for (let i = 0; i < 2_000; i += 1) producer.append(textRecord(topic, `key-${i % 50}`, String(i)), i)
      await producer.flush()
      expect(outcomes.acknowledged.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2_000 }, (_, i) => i))
      const records = await readAll(client, topic)
      expect(records).toHaveLength(2_000)
      for (const { key, partition } of records) expect(partition).toBe(partitionForKey(key ?? Buffer.alloc(0), 4))
      for (let partition = 0; partition < 4; partition += 1) {
        const values = records.filter((record) => record.partition === partition).map(({ value }) => Number(value))
        expect(values).toEqual(values.toSorted((a, b) => a - b))
      }
      await producer.close()
    })

    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      it(`keeps keys, values, nulls, headers and timestamps with codec ${compression}`, async () => {
        const topic = await newTopic(`codec-${compression}`)
        const producer = client.producer(new Outcomes(), { compression })
        const headers = [
          { key: 'a', value: Buffer.from([0, 255]) },
          { key: 'a', value: null },
        ]
        producer.append({ topic, partition: 0, key: Buffer.from('k'), value: null, headers, timestamp: 123 }, 0)
        producer.append(textRecord(topic, null, 'ü'.repeat(1_000), 0), 1)
        await producer.close()
        const [first, second] = await readAll(client, topic)
        expect(first).toMatchObject({ offset: 0, timestamp: 123, timestampType: 0, value: null, headers })
        expect(first?.key?.toString()).toBe('k')
        expect(second).toMatchObject({ offset: 1, key: null, headers: [] })
        expect(second?.value?.toString()).toBe('ü'.repeat(1_000))
      })
    }

    it('names topic, size and limit of a record above its own limit, before anything is sent', async () => {
      const producer = client.producer(new Outcomes(), { maxRequestSize: 10_000 })
      const append = (): void => producer.append(textRecord('never-made', null, 'x'.repeat(20_000)), 0)
      expect(append).toThrow(RecordTooLargeError)
      expect(append).toThrow(/never-made.*10000.*max\.request\.size/)
      await producer.close()
    })

    it('fails only the record that the topic does not take, and splits a batch that is too large as a whole', async () => {
      const topic = await newTopic('limit', 1, { 'max.message.bytes': '50000' })
      const outcomes = new Outcomes()
      const producer = client.producer(outcomes, { batchSize: oneMegabyte })
      for (let i = 0; i < 20; i += 1)
        producer.append(textRecord(topic, null, `${i}-`.padEnd(i === 7 ? 60_000 : 9_000, 'x'), 0), i)
      await producer.flush()
      expect(outcomes.failed.map(({ token }) => token)).toEqual([7])
      expect(outcomes.failed[0]?.error).toBeInstanceOf(RecordTooLargeError)
      expect(outcomes.failed[0]?.error.message).toContain('max.message.bytes')
      const order = textOf(await readAll(client, topic)).map((value) => Number(value?.split('-')[0]))
      expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i).filter((i) => i !== 7))
      producer.append(textRecord(topic, null, '20-', 0), 20)
      await producer.close()
      expect(outcomes.acknowledged.at(-1)).toBe(20)
    })

    it('waits for a topic that is made later', async () => {
      const topic = harness.name('later')
      const outcomes = new Outcomes()
      const producer = client.producer(outcomes, { allowAutoTopicCreation: false })
      producer.append(textRecord(topic, 'k', 'patient'), 1)
      await client.admin.createTopic({ name: topic, partitions: 2, replicationFactor: 1 })
      await producer.flush(AbortSignal.timeout(60_000))
      expect(outcomes.acknowledged).toEqual([1])
      expect(textOf(await readAll(client, topic))).toEqual(['patient'])
      await producer.close()
    })

    it('rejects a partition that the topic does not have', async () => {
      const topic = await newTopic('two', 2)
      const producer = client.producer(new Outcomes())
      expect(() => producer.append(textRecord(topic, null, 'v', 2), 0)).toThrow(UnknownPartitionError)
      await producer.close()
    })

    it('fails records for a topic with an illegal name', async () => {
      const outcomes = new Outcomes()
      const producer = client.producer(outcomes)
      producer.append(textRecord('not/legal', null, 'v'), 5)
      await producer.flush()
      expect(outcomes.failed.map(({ token }) => token)).toEqual([5])
      expect(outcomes.failed[0]?.error).toBeInstanceOf(BrokerError)
      await producer.close()
    })

    it('makes its caller wait when its memory is full, and stays within it (I10)', async () => {
      const topic = await newTopic('memory')
      const outcomes = new Outcomes()
      const producer = client.producer(outcomes, { bufferMemory: 100_000, batchSize: 20_000 })
      let waits = 0
      for (let i = 0; i < 500; i += 1) {
        const room = producer.room()
        if (room !== null) {
          waits += 1
          await room
        }
        producer.append(textRecord(topic, null, 'x'.repeat(1_000), 0), i)
      }
      expect(waits).toBeGreaterThan(1)
      await producer.close()
      expect(outcomes.acknowledged).toHaveLength(500)
    })
  })

  describe('topic reader', () => {
    it('reads to the end, then follows', async () => {
      const topic = await newTopic('follow', 3)
      const seen: string[] = []
      await writeAll(client, topic, ['a', 'b'], 0)
      await writeAll(client, topic, ['c'], 2)
      const reader = client.topicReader({ topic, onRecord: ({ value }) => seen.push(value?.toString() ?? '') })
      await reader.start()
      expect(reader.partitionCount).toBe(3)
      await reader.readToEnd()
      expect(seen.toSorted()).toEqual(['a', 'b', 'c'])
      await writeAll(client, topic, ['d'], 1)
      await reader.readToEnd()
      expect(seen.at(-1)).toBe('d')
      await reader.close()
      await expect(reader.readToEnd()).rejects.toThrow(/was closed/)
    })

    it('reports a topic that does not exist', async () => {
      const reader = client.topicReader({ topic: 'no-such-topic', onRecord: () => undefined })
      await expect(reader.start()).rejects.toThrow(UnknownTopicError)
      await reader.close()
    })

    it('starts after deleted records', async () => {
      const topic = await newTopic('deleted')
      await writeAll(client, topic, ['a', 'b', 'c'])
      await deleteRecords(harness.bootstrapServers, { topic, partition: 0 }, 2)
      expect(textOf(await readAll(client, topic))).toEqual(['c'])
    })

    it('stops with an error of its listener, which its waiting calls throw too', async () => {
      const topic = await newTopic('thrower')
      await writeAll(client, topic, ['a'])
      const errors: unknown[] = []
      const reader = client.topicReader({
        topic,
        onRecord: () => {
          throw new RangeError('refused')
        },
        onError: (error) => errors.push(error),
      })
      await reader.start()
      await expect(reader.readToEnd()).rejects.toThrow('refused')
      expect(errors).toHaveLength(1)
      await reader.close()
    })
  })

  groupContract(() => ({ harness, client, newTopic }))
  cooperativeContract(() => ({ harness, client, newTopic }))
  staticMemberContract(() => ({ harness, client, newTopic }))
  offsetResetContract(() => ({ harness, client, newTopic }))
  topicIdentityContract(() => ({ harness, client, newTopic }))
}

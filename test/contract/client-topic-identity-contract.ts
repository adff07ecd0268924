import { describe, expect, it } from 'vitest'
import { TopicRecreatedError, UnknownTopicError } from '../../src/client/errors.ts'
import type { FetchedRecord } from '../../src/client/consumer/fetched-record.ts'
import type { GroupConsumer } from '../../src/client/group/group-consumer.ts'
import { untilPasses } from '../support/until.ts'
import { pollUntil, subscribe, textOf, writeAll } from './client-harness.ts'
import type { GroupContractContext } from './client-group-contract.ts'
import { deleteTopic, recreateTopic } from '../support/broker/cluster-tools.ts'

const deadlineMs = 60_000

/** A topic that is deleted and created again is another topic, whatever its name. */
export function topicIdentityContract(context: () => GroupContractContext): void {
  function consumerOf(groupId: string): GroupConsumer {
    const options = { sessionTimeoutMs: 10_000, heartbeatIntervalMs: 200, metadataMaxAgeMs: 60_000 }
    return context().client.consumer({ groupId, ...options })
  }

  const recreate = async (topic: string): Promise<void> => {
    const { client, harness } = context()
    await recreateTopic(client, harness.bootstrapServers, topic)
  }

  async function errorOf(consumer: GroupConsumer, records: unknown[]): Promise<unknown> {
    const deadline = performance.now() + deadlineMs
    while (performance.now() < deadline) {
      try {
        records.push(...textOf(await consumer.poll(200)))
      } catch (error) {
        return error
      }
    }
    return null
  }

  describe('a topic that is deleted and created again', () => {
    it('is not read by the offsets of the old one', async () => {
      const { client, newTopic } = context()
      const topic = await newTopic('ranges')
      await writeAll(client, topic, ['a', 'b'])
      const signal = AbortSignal.timeout(deadlineMs)
      const old = await client.partitionRanges([topic], signal)
      const id = (await client.admin.describeTopics([topic])).get(topic)?.id
      expect(old).toEqual([{ topic, partition: 0, start: 0, end: 2, topicId: id }])
      await recreate(topic)
      await writeAll(client, topic, ['x', 'y'])
      const read: unknown[] = []
      const onRecord = (record: FetchedRecord): void => void read.push(record)
      await expect(client.readRanges(old, onRecord, { signal })).rejects.toThrow(TopicRecreatedError)
      expect(read).toEqual([])
      await client.readRanges(await client.partitionRanges([topic], signal), onRecord, { signal })
      expect(read).toHaveLength(2)
    })

    it('is reported before any of its records is returned, gets no offset of the old one, and is read by a new consumer', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('recreated')
      const groupId = harness.name('group')
      await writeAll(client, topic, ['a', 'b'])
      const consumer = consumerOf(groupId)
      subscribe(consumer, { topics: [topic] })
      await pollUntil(consumer, 'both records', (records) => records.length >= 2)
      const id = (await client.admin.describeTopics([topic])).get(topic)?.id
      expect(consumer.topicId(topic)).toBe(id)
      await recreate(topic)
      await writeAll(client, topic, ['x', 'y', 'z'])
      const records: unknown[] = []
      const error = await errorOf(consumer, records)
      expect(error).toBeInstanceOf(TopicRecreatedError)
      expect(String(error)).toMatch(new RegExp(`TOPIC_RECREATED: topic ${topic} .* id was ${id} and is `, 'u'))
      expect(records).toEqual([])
      await expect(consumer.commit([{ topic, partition: 0, offset: 2 }])).rejects.toThrow(TopicRecreatedError)
      await consumer.close()
      expect(await client.admin.groupOffsets(groupId)).toEqual([])
      const next = consumerOf(groupId)
      subscribe(next, { topics: [topic] })
      expect(textOf(await pollUntil(next, 'the new records', (some) => some.length >= 3))).toEqual(['x', 'y', 'z'])
      expect(next.topicId(topic)).not.toBe(id)
      await next.close()
    }, 180_000)

    it('is reported by a consumer that gave up its partitions while there was no such topic', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('missing')
      await writeAll(client, topic, ['a', 'b'])
      const consumer = context().client.consumer({
        groupId: harness.name('group'),
        sessionTimeoutMs: 10_000,
        heartbeatIntervalMs: 200,
        metadataMaxAgeMs: 200,
      })
      subscribe(consumer, { topics: [topic] })
      await pollUntil(consumer, 'both records', (records) => records.length >= 2)
      await deleteTopic(harness.bootstrapServers, topic)
      await untilPasses(async () => {
        await consumer.poll(50)
        expect(consumer.assignment()).toEqual([])
      }, deadlineMs)
      await untilPasses(
        async () =>
          expect(await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })).toBe(true),
        deadlineMs,
      )
      await writeAll(client, topic, ['x', 'y', 'z'])
      const records: unknown[] = []
      expect(await errorOf(consumer, records)).toBeInstanceOf(TopicRecreatedError)
      expect(records).toEqual([])
      await consumer.close()
    }, 180_000)

    it('is not read from an offset that was committed for the old one', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('foreign')
      const groupId = harness.name('group')
      await writeAll(client, topic, ['a', 'b', 'c'])
      const first = consumerOf(groupId)
      subscribe(first, { topics: [topic] })
      await pollUntil(first, 'three records', (records) => records.length >= 3)
      await first.commit([{ topic, partition: 0, offset: 2 }])
      await first.close()
      const [committed] = await client.admin.groupOffsets(groupId)
      await recreate(topic)
      await writeAll(client, topic, ['x', 'y', 'z'])
      // A coordinator may forget the offset with its topic; one that was committed just then stays.
      await client.admin.alterGroupOffsets(groupId, [
        { topic, partition: 0, offset: 2, metadata: committed?.metadata ?? null },
      ])
      const second = consumerOf(groupId)
      subscribe(second, { topics: [topic] })
      expect(textOf(await pollUntil(second, 'the new records', (some) => some.length >= 3))).toEqual(['x', 'y', 'z'])
      await second.close()
      const messages = harness.logger.lines.map(({ message }) => message)
      expect(messages).toContainEqual(
        expect.stringContaining(`offset 2 of ${topic}-0, which was committed for a deleted topic`),
      )
    }, 180_000)
  })

  it('a commit for a deleted topic is rejected by name, and the others are committed', async () => {
    const { client, newTopic, harness } = context()
    const gone = await newTopic('gone')
    const stays = await newTopic('stays')
    const groupId = harness.name('group')
    await writeAll(client, gone, ['a'])
    await writeAll(client, stays, ['b'])
    const consumer = consumerOf(groupId)
    subscribe(consumer, { topics: [gone, stays] })
    await pollUntil(consumer, 'both records', (records) => records.length >= 2)
    await deleteTopic(harness.bootstrapServers, gone)
    await untilPasses(async () => expect((await client.admin.describeTopics([gone])).size).toBe(0), deadlineMs)
    const offsets = [gone, stays].map((topic) => ({ topic, partition: 0, offset: 1 }))
    const refused = consumer.commit(offsets, AbortSignal.timeout(deadlineMs))
    await expect(refused).rejects.toThrow(UnknownTopicError)
    expect((await client.admin.groupOffsets(groupId)).map(({ topic, offset }) => [topic, offset])).toEqual([[stays, 1]])
    await consumer.close()
  }, 180_000)
}

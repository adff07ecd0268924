import { describe, expect, it } from 'vitest'
import { NoOffsetError, OffsetOutOfRangeError, TopicRecreatedError } from '../../src/client/errors.ts'
import type { PositionReset } from '../../src/client/consumer/position-reset.ts'
import type { GroupConsumer } from '../../src/client/group/group-consumer.ts'
import type { GroupConsumerOptions } from '../../src/client/group/group-consumer-options.ts'
import { deleteRecords, recreateTopic } from '../support/broker/cluster-tools.ts'
import { patienceMs } from '../support/until.ts'
import type { GroupContractContext } from './client-group-contract.ts'
import { pollUntil, subscribe, textOf, untilAssigned, writeAll } from './client-harness.ts'

/** A consumer whose position is not in the log any more continues where an explicit `auto.offset.reset` says, and nowhere else. */
export function offsetResetContract(context: () => GroupContractContext): void {
  type Reset = GroupConsumerOptions['autoOffsetReset']

  function consumerOf(groupId: string, reset: Reset): GroupConsumer {
    const timing = { sessionTimeoutMs: patienceMs, heartbeatIntervalMs: 200, metadataMaxAgeMs: 60_000 }
    return context().client.consumer({ groupId, ...timing, ...(reset === undefined ? {} : { autoOffsetReset: reset }) })
  }

  /** A topic with records, and a group that has read those before `committed`. */
  async function stopped(values: readonly string[], committed: number) {
    const { client, newTopic, harness } = context()
    const topic = await newTopic('reset')
    const groupId = harness.name('group')
    await writeAll(client, topic, values)
    await client.admin.alterGroupOffsets(groupId, [{ topic, partition: 0, offset: committed }])
    const write = (...more: string[]) => writeAll(client, topic, more)
    const removeBefore = (offset: number) => deleteRecords(harness.bootstrapServers, { topic, partition: 0 }, offset)
    return { topic, groupId, write, removeBefore }
  }

  function resetsOf(consumer: GroupConsumer, topic: string): readonly PositionReset[] {
    const resets: PositionReset[] = []
    subscribe(consumer, { topics: [topic] }, { onReset: (reset) => void resets.push(reset) })
    return resets
  }

  describe('a position that is out of range', () => {
    it('moves to the oldest record with earliest, and the move is told before that record is returned', async () => {
      const { topic, groupId, removeBefore } = await stopped(['a', 'b', 'c', 'd'], 1)
      await removeBefore(3)
      const consumer = consumerOf(groupId, 'earliest')
      const resets = resetsOf(consumer, topic)
      expect(textOf(await pollUntil(consumer, 'a record', (records) => records.length > 0))).toEqual(['d'])
      expect(resets).toEqual([
        { topic, partition: 0, reason: 'removed', policy: 'earliest', from: 1, to: 3, logStartOffset: 3 },
      ])
      expect(consumer.position({ topic, partition: 0 })).toBe(4)
      await consumer.close()
    })

    it('moves to the end with latest', async () => {
      const { topic, groupId, removeBefore, write } = await stopped(['a', 'b', 'c', 'd'], 1)
      await removeBefore(3)
      const consumer = consumerOf(groupId, 'latest')
      const resets = resetsOf(consumer, topic)
      await pollUntil(consumer, 'the reset', () => resets.length > 0)
      await write('e')
      expect(textOf(await pollUntil(consumer, 'a record', (records) => records.length > 0))).toEqual(['e'])
      expect(resets).toEqual([
        { topic, partition: 0, reason: 'removed', policy: 'latest', from: 1, to: 4, logStartOffset: 3 },
      ])
      await consumer.close()
    })

    it.each(['none', undefined] as const)('fails every poll with the advice when the policy is %s', async (reset) => {
      const { topic, groupId, removeBefore } = await stopped(['a', 'b', 'c', 'd'], 1)
      await removeBefore(3)
      const consumer = consumerOf(groupId, reset)
      const resets = resetsOf(consumer, topic)
      await expect(pollUntil(consumer, 'an error', () => false)).rejects.toThrow(OffsetOutOfRangeError)
      await expect(consumer.poll(patienceMs)).rejects.toThrow(
        /offsets 1 to 2 were removed.*set consumer\.override\.auto\.offset\.reset in the config of the connector: earliest .* latest /,
      )
      expect(resets).toEqual([])
      await consumer.close()
    })

    it.each([
      ['earliest', 0, ['a', 'b', 'c']],
      ['latest', 2, ['c']],
    ] as const)('moves back with %s when the log ends before it', async (policy, to, expected) => {
      const { topic, groupId, write } = await stopped(['a', 'b'], 100)
      const consumer = consumerOf(groupId, policy)
      const resets = resetsOf(consumer, topic)
      const first = await pollUntil(consumer, 'the reset', () => resets.length > 0)
      await write('c')
      const rest = await pollUntil(consumer, 'the last record', (found) => found.at(-1)?.offset === 2)
      expect(textOf([...first, ...rest])).toEqual(expected)
      expect(resets).toEqual([{ topic, partition: 0, reason: 'truncated', policy, from: 100, to, logStartOffset: 0 }])
      await consumer.close()
    })

    it('moves also where a seek goes, and where records were removed while a partition was paused', async () => {
      const { topic, groupId, removeBefore, write } = await stopped(['a', 'b', 'c', 'd'], 3)
      const consumer = consumerOf(groupId, 'earliest')
      const resets = resetsOf(consumer, topic)
      await pollUntil(consumer, 'the last record', (records) => records.length > 0)
      await removeBefore(2)
      consumer.seek({ topic, partition: 0 }, 1)
      expect(textOf(await pollUntil(consumer, 'two records', (records) => records.length > 1))).toEqual(['c', 'd'])
      consumer.pause([{ topic, partition: 0 }])
      // The response to a fetch that is in flight is dropped.
      consumer.seek({ topic, partition: 0 }, 4)
      await write('e', 'f', 'g')
      await removeBefore(6)
      consumer.resume([{ topic, partition: 0 }])
      expect(textOf(await pollUntil(consumer, 'a record', (records) => records.length > 0))).toEqual(['g'])
      expect(resets.map(({ from, to }) => [from, to])).toEqual([
        [1, 2],
        [4, 6],
      ])
      await consumer.close()
    })

    it('is no reset where nothing is committed and the start moves', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('start')
      await writeAll(client, topic, ['a', 'b'])
      await deleteRecords(harness.bootstrapServers, { topic, partition: 0 }, 1)
      const consumer = consumerOf(harness.name('group'), 'earliest')
      const resets = resetsOf(consumer, topic)
      expect(textOf(await pollUntil(consumer, 'a record', (records) => records.length > 0))).toEqual(['b'])
      expect(resets).toEqual([])
      await consumer.close()
    })
  })

  describe('a topic that is created again while it is read', () => {
    async function reading(reset: Reset) {
      const { client, newTopic, harness } = context()
      const [topic, other] = [await newTopic('again'), await newTopic('other')]
      const groupId = harness.name('group')
      await writeAll(client, topic, ['a', 'b'])
      await writeAll(client, other, ['o'])
      const consumer = consumerOf(groupId, reset)
      const resets: PositionReset[] = []
      const events: string[] = []
      const listener = {
        onReset: (at: PositionReset) => void resets.push(at),
        onAssigned: () => void events.push('assigned'),
        onRevoked: () => void events.push('revoked'),
      }
      if (reset === 'latest') await untilAssigned(consumer, { topics: [topic, other] }, listener)
      else subscribe(consumer, { topics: [topic, other] }, listener)
      if (reset === 'latest')
        for (const [name, ...values] of [
          [topic, 'c', 'd'],
          [other, 'p'],
        ] as const)
          await writeAll(client, name, values)
      await pollUntil(consumer, 'the records', (records) => records.length >= 3)
      const from = consumer.position({ topic, partition: 0 })
      await recreateTopic(client, harness.bootstrapServers, topic)
      await writeAll(client, topic, ['x', 'y', 'z'])
      return { consumer, topic, other, groupId, resets, events, from }
    }

    it('is read from its start with earliest, after its partitions were revoked', async () => {
      const { consumer, topic, resets, events, from } = await reading('earliest')
      const records = await pollUntil(consumer, 'the new records', (some) =>
        ['x', 'y', 'z'].every((value) => textOf(some).includes(value)),
      )
      expect(textOf(records.filter((record) => record.topic === topic))).toEqual(['x', 'y', 'z'])
      expect(resets).toEqual([
        { topic, partition: 0, reason: 'recreated', policy: 'earliest', from, to: null, logStartOffset: null },
      ])
      expect(events.slice(0, 3)).toEqual(['assigned', 'revoked', 'assigned'])
      await consumer.close()
    }, 180_000)

    it('is read from its end with latest', async () => {
      const { client } = context()
      const { consumer, topic, resets, events } = await reading('latest')
      await pollUntil(consumer, 'the second assignment', () => events.length > 2)
      await writeAll(client, topic, ['new'])
      const records = await pollUntil(consumer, 'the new record', (some) => textOf(some).includes('new'))
      expect(textOf(records.filter((record) => record.topic === topic))).toEqual(['new'])
      expect(resets).toMatchObject([{ topic, reason: 'recreated', policy: 'latest' }])
      await consumer.close()
    }, 180_000)

    it('rejects commits of the old one, commits the others, and is read on', async () => {
      const { client } = context()
      const { consumer, topic, other, groupId, resets } = await reading('earliest')
      const commit = async (): Promise<void> => {
        const offsets = [topic, other].map((name) => ({ topic: name, partition: 0, offset: 1 }))
        await consumer.commit(offsets)
      }
      // The metadata may not have the new topic yet. A poll asks for it, and may find it first.
      await expect(commit()).rejects.toThrow(TopicRecreatedError)
      const committed = await client.admin.groupOffsets(groupId)
      expect(committed.map((at) => at.topic)).toEqual([other])
      await pollUntil(consumer, 'the new records', (some) => textOf(some).includes('z'))
      expect(resets.map(({ reason }) => reason)).toEqual(['recreated'])
      await consumer.close()
    }, 180_000)

    it('fails with none, and is not read by the next consumer of the group', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('again')
      const groupId = harness.name('group')
      await writeAll(client, topic, ['a', 'b'])
      await client.admin.alterGroupOffsets(groupId, [{ topic, partition: 0, offset: 0 }])
      const consumer = consumerOf(groupId, 'none')
      subscribe(consumer, { topics: [topic] })
      await pollUntil(consumer, 'the records', (records) => records.length >= 2)
      await consumer.commit([{ topic, partition: 0, offset: 1 }])
      await recreateTopic(client, harness.bootstrapServers, topic)
      await expect(pollUntil(consumer, 'an error', () => false)).rejects.toThrow(TopicRecreatedError)
      await consumer.close()
      const next = consumerOf(groupId, 'none')
      subscribe(next, { topics: [topic] })
      await expect(pollUntil(next, 'an error', () => false)).rejects.toThrow(NoOffsetError)
      await next.close()
    }, 180_000)

    it('is told of when the committed offset is of the old one', async () => {
      const { client, harness } = context()
      const { topic, groupId } = await stopped(['a', 'b', 'c'], 0)
      const first = consumerOf(groupId, undefined)
      subscribe(first, { topics: [topic] })
      await pollUntil(first, 'three records', (records) => records.length >= 3)
      await first.commit([{ topic, partition: 0, offset: 2 }])
      await first.close()
      const [committed] = await client.admin.groupOffsets(groupId)
      await recreateTopic(client, harness.bootstrapServers, topic)
      await writeAll(client, topic, ['x', 'y', 'z'])
      // A coordinator may forget the offset with its topic; one that was committed just then stays.
      const metadata = committed?.metadata ?? null
      await client.admin.alterGroupOffsets(groupId, [{ topic, partition: 0, offset: 2, metadata }])
      const consumer = consumerOf(groupId, 'earliest')
      const resets = resetsOf(consumer, topic)
      expect(textOf(await pollUntil(consumer, 'all records', (some) => some.length >= 3))).toEqual(['x', 'y', 'z'])
      expect(resets).toEqual([
        { topic, partition: 0, reason: 'recreated', policy: 'earliest', from: 2, to: 0, logStartOffset: null },
      ])
      await consumer.close()
    }, 180_000)
  })
}

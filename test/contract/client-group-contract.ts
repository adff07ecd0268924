import { describe, expect, it } from 'vitest'
import {
  FencedMemberError,
  MembershipLostError,
  NoOffsetError,
  OffsetOutOfRangeError,
  UnknownPartitionError,
} from '../../src/client/errors.ts'
import type { ConsumerListener } from '../../src/client/group/consumer-listener.ts'
import type { GroupConsumer } from '../../src/client/group/group-consumer.ts'
import type { GroupConsumerOptions } from '../../src/client/group/group-consumer-options.ts'
import type { GroupMember } from '../../src/client/group/group-member.ts'
import type { GroupMemberOptions } from '../../src/client/group/group-member-options.ts'
import type { KafkaClient } from '../../src/client/kafka-client.ts'
import { SkippingClock } from '../support/skipping-clock.ts'
import { patienceMs, until } from '../support/until.ts'
import { pollUntil, subscribe, textOf, writeAll, type ClientHarness, untilAssigned } from './client-harness.ts'
import { deleteRecords, describeGroup, removeMembers } from '../support/broker/cluster-tools.ts'

/** What the group contract works with. */
export interface GroupContractContext {
  readonly harness: ClientHarness
  readonly client: KafkaClient
  readonly newTopic: (purpose: string, partitions?: number) => Promise<string>
}

/** Groups: consumers, their offsets, and bare members. */
export function groupContract(context: () => GroupContractContext): void {
  function consumerOf(groupId: string, options: Partial<GroupConsumerOptions> = {}): GroupConsumer {
    return context().client.consumer({
      groupId,
      sessionTimeoutMs: patienceMs,
      heartbeatIntervalMs: 200,
      metadataMaxAgeMs: 500,
      ...options,
    })
  }

  describe('consumer group', () => {
    it('starts at the beginning, commits, and resumes where it stopped', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('commit')
      const groupId = harness.name('group')
      await writeAll(client, topic, ['a', 'b', 'c'])
      const first = consumerOf(groupId)
      const assigned: unknown[] = []
      subscribe(first, { topics: [topic] }, { onAssigned: (offsets) => void assigned.push(offsets) })
      expect(textOf(await pollUntil(first, 'three records', (records) => records.length >= 3))).toEqual(['a', 'b', 'c'])
      expect(assigned).toEqual([[{ topic, partition: 0, offset: 0 }]])
      expect(first.position({ topic, partition: 0 })).toBe(3)
      await first.commit([{ topic, partition: 0, offset: 2, metadata: 'm' }])
      expect(await first.committed([{ topic, partition: 0 }])).toEqual([
        { topic, partition: 0, offset: 2, metadata: 'm' },
      ])
      await first.close()
      const second = consumerOf(groupId)
      subscribe(second, { topics: [topic] }, { onAssigned: (offsets) => void assigned.push(offsets) })
      expect(textOf(await pollUntil(second, 'the third record', (records) => records.length >= 1))).toEqual(['c'])
      expect(assigned.at(-1)).toEqual([{ topic, partition: 0, offset: 2, metadata: 'm' }])
      await second.close()
    })

    it('revokes partitions before a second member gets them, and accepts a commit meanwhile', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('share', 2)
      const groupId = harness.name('group')
      await writeAll(client, topic, ['a0', 'b0'], 0)
      await writeAll(client, topic, ['a1', 'b1'], 1)
      const first = consumerOf(groupId)
      const events: string[] = []
      const onRevoked: ConsumerListener['onRevoked'] = async (partitions, { lost }) => {
        await first.commit(partitions.map((partition) => ({ ...partition, offset: first.position(partition) ?? 0 })))
        events.push(`revoked ${partitions.length} lost ${lost}`)
      }
      subscribe(
        first,
        { topics: [topic] },
        { onRevoked, onAssigned: (offsets) => void events.push(`assigned ${offsets.length}`) },
      )
      await pollUntil(first, 'all four', (records) => records.length >= 4)
      const second = consumerOf(groupId)
      subscribe(
        second,
        { topics: [topic] },
        { onAssigned: (offsets) => void events.push(`second ${offsets.map(({ offset }) => offset).join()}`) },
      )
      await Promise.all([
        pollUntil(first, 'one partition', () => first.assignment().length === 1 && events.length >= 3),
        pollUntil(second, 'one partition', () => second.assignment().length === 1),
      ])
      expect(events.filter((event) => !event.startsWith('second')).slice(0, 2)).toEqual([
        'assigned 2',
        'revoked 2 lost false',
      ])
      expect(events).toContain('second 2')
      await second.close()
      await pollUntil(first, 'both partitions again', () => first.assignment().length === 2)
      await first.close()
    })

    it('finds a new matching topic long before its metadata expires', async () => {
      const { client, newTopic, harness } = context()
      const prefix = harness.name('pattern')
      const consumer = consumerOf(harness.name('group'), { metadataMaxAgeMs: 10 * patienceMs })
      subscribe(consumer, { pattern: new RegExp(`${prefix}.*`) })
      expect(await consumer.poll(500)).toEqual([])
      const topic = `${prefix}-late`
      await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
      await newTopic(`not-${prefix}`)
      await writeAll(client, topic, ['found'])
      const records = await pollUntil(consumer, 'the new topic', (found) => found.length > 0)
      expect(textOf(records)).toEqual(['found'])
      expect(consumer.assignment()).toEqual([{ topic, partition: 0 }])
      await consumer.close()
    })

    it('waits for a named topic that does not exist, and warns of it', async () => {
      const { client, harness } = context()
      const topic = harness.name('missing')
      const consumer = consumerOf(harness.name('group'))
      subscribe(consumer, { topics: [topic] })
      await pollUntil(consumer, 'the warning', () =>
        harness.logger.lines.some(({ level, message }) => level === 'warn' && message.includes(topic)),
      )
      await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
      await writeAll(client, topic, ['here'])
      await pollUntil(consumer, 'its record', (records) => records.length === 1)
      await consumer.close()
    })

    it('withholds records of paused partitions, and seeks', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('pause', 2)
      await writeAll(client, topic, ['a0', 'b0'], 0)
      await writeAll(client, topic, ['a1'], 1)
      const consumer = consumerOf(harness.name('group'))
      subscribe(consumer, { topics: [topic] }, { onAssigned: () => consumer.pause([{ topic, partition: 0 }]) })
      expect(textOf(await pollUntil(consumer, 'partition 1', (records) => records.length >= 1))).toEqual(['a1'])
      expect(await consumer.poll(100)).toEqual([])
      consumer.seek({ topic, partition: 0 }, 1)
      consumer.resume([{ topic, partition: 0 }])
      expect(textOf(await pollUntil(consumer, 'partition 0', (records) => records.length >= 1))).toEqual(['b0'])
      await consumer.close()
    })

    it('continues with other partitions while paused ones have filled their buffers, and loses none of their records', async () => {
      const { client, newTopic, harness } = context()
      const [partitions, each] = [5, 30]
      const topic = await newTopic('paused-full', partitions)
      const values = Array.from({ length: each }, (_, i) => `${i}-`.padEnd(10_000, 'x'))
      for (let partition = 0; partition < partitions; partition += 1) await writeAll(client, topic, values, partition)
      const limits = { maxPollRecords: 1, maxBytes: 60_000, maxPartitionBytes: 50_000 }
      const consumer = consumerOf(harness.name('group'), limits)
      subscribe(consumer, { topics: [topic] })
      const offsets = Array.from({ length: partitions }, (): number[] => [])
      const read = async (): Promise<void> => {
        for (const { partition, offset } of await consumer.poll(500)) offsets[partition]?.push(offset)
      }
      while (offsets.every(({ length }) => length === 0)) await read()
      const all = values.map((_, offset) => offset)
      const paused = [0, 1, 2, 3].map((partition) => ({ topic, partition }))
      for (let place = 0; place < paused.length; place += 1) consumer.pause(paused.slice(place, place + 1))
      while ((offsets[4]?.length ?? 0) < each) await read()
      consumer.resume(paused)
      while (offsets.some(({ length }) => length < each)) await read()
      expect(offsets).toEqual(Array(partitions).fill(all))
      await consumer.close()
    })

    it('returns at most as many records as requested', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('max')
      await writeAll(
        client,
        topic,
        Array.from({ length: 100 }, (_, i) => String(i)),
      )
      const consumer = consumerOf(harness.name('group'), { maxPollRecords: 7 })
      subscribe(consumer, { topics: [topic] })
      const sizes = new Set<number>()
      let count = 0
      while (count < 100) {
        const records = await consumer.poll(1_000)
        sizes.add(records.length)
        count += records.length
      }
      expect(Math.max(...sizes)).toBe(7)
      await consumer.close()
    })

    it('throws at every poll for an offset that retention has removed, and never resets it', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('removed')
      const groupId = harness.name('group')
      await writeAll(client, topic, ['a', 'b', 'c', 'd'])
      await client.admin.alterGroupOffsets(groupId, [{ topic, partition: 0, offset: 1 }])
      await deleteRecords(harness.bootstrapServers, { topic, partition: 0 }, 3)
      const consumer = consumerOf(groupId)
      subscribe(consumer, { topics: [topic] })
      const polling = pollUntil(consumer, 'an error', () => false)
      await expect(polling).rejects.toThrow(OffsetOutOfRangeError)
      await expect(consumer.poll(patienceMs)).rejects.toMatchObject({
        offset: 1,
        logStartOffset: 3,
        logEndOffset: 4,
        topic,
      })
      await consumer.close()
    })

    it('starts at the end, or fails, as auto.offset.reset says', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('reset')
      await writeAll(client, topic, ['old'])
      const none = consumerOf(harness.name('group'), { autoOffsetReset: 'none' })
      subscribe(none, { topics: [topic] })
      await expect(pollUntil(none, 'an error', () => false)).rejects.toThrow(NoOffsetError)
      await none.close()
      const latest = consumerOf(harness.name('group'), { autoOffsetReset: 'latest' })
      await untilAssigned(latest, { topics: [topic] })
      await writeAll(client, topic, ['new'])
      expect(textOf(await pollUntil(latest, 'a record', (records) => records.length > 0))).toEqual(['new'])
      await latest.close()
    })

    it('rejects a commit of a member whose session has ended, and revokes its partitions as lost', async () => {
      const { newTopic, harness } = context()
      const topic = await newTopic('fenced')
      const groupId = harness.name('group')
      const consumer = consumerOf(groupId)
      const lost: boolean[] = []
      await untilAssigned(
        consumer,
        { topics: [topic] },
        { onRevoked: (_, revocation) => void lost.push(revocation.lost) },
      )
      // An administrator removes the member, as the coordinator does when a session times out.
      await removeMembers(harness.bootstrapServers, groupId)
      await pollUntil(consumer, 'the loss', () => lost.length > 0)
      expect(lost).toEqual([true])
      await consumer.close()
      await expect(consumer.commit([{ topic, partition: 0, offset: 0 }])).rejects.toThrow(FencedMemberError)
    })

    it('revokes its partitions before the next record when a commit shows that it is no longer a member', async () => {
      const { newTopic, harness, client } = context()
      const topic = await newTopic('fenced-commit')
      const groupId = harness.name('group')
      await writeAll(client, topic, ['a'])
      const consumer = consumerOf(groupId, { heartbeatIntervalMs: 60_000 })
      const seen: string[] = []
      subscribe(
        consumer,
        { topics: [topic] },
        { onRevoked: (_, { lost }) => void seen.push(lost ? 'lost' : 'revoked') },
      )
      await pollUntil(consumer, 'the record', (records) => records.length > 0)
      await removeMembers(harness.bootstrapServers, groupId)
      await writeAll(client, topic, ['b'])
      await expect(consumer.commit([{ topic, partition: 0, offset: 1 }])).rejects.toThrow(FencedMemberError)
      const records = await pollUntil(consumer, 'records of the next generation', (found) => found.length > 1)
      expect(seen).toEqual(['lost'])
      expect(textOf(records)).toEqual(['a', 'b'])
      await consumer.close()
    })

    it('gives its partitions to others when its caller stops polling, and revokes them as lost', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('stuck')
      const groupId = harness.name('group')
      await writeAll(client, topic, ['a'])
      const clock = new SkippingClock()
      const slow = await harness.connect({ clock })
      const stuck = slow.consumer({ groupId, heartbeatIntervalMs: 200, maxPollIntervalMs: 300_000 })
      const lost: boolean[] = []
      await untilAssigned(stuck, { topics: [topic] }, { onRevoked: (_, revocation) => void lost.push(revocation.lost) })
      const other = consumerOf(groupId)
      subscribe(other, { topics: [topic] })
      clock.skip(400_000)
      expect(textOf(await pollUntil(other, 'the record', (records) => records.length > 0))).toEqual(['a'])
      await Promise.all([
        pollUntil(stuck, 'the loss', () => lost.length > 0),
        pollUntil(other, 'the rebalance', () => lost.length > 0),
      ])
      expect(lost).toEqual([true])
      expect(harness.logger.lines.some(({ message }) => message.includes('max.poll.interval.ms is 300000'))).toBe(true)
      await Promise.all([stuck.close(), other.close()])
    })

    it('throws errors of its listener, and rejoins with the next poll', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('thrower')
      await writeAll(client, topic, ['a'])
      const consumer = consumerOf(harness.name('group'))
      let calls = 0
      const onAssigned = (): void => {
        calls += 1
        if (calls === 1) throw new RangeError('not yet')
      }
      subscribe(consumer, { topics: [topic] }, { onAssigned })
      await expect(pollUntil(consumer, 'an error', () => false)).rejects.toThrow('not yet')
      expect(textOf(await pollUntil(consumer, 'the record', (records) => records.length > 0))).toEqual(['a'])
      expect(calls).toBe(2)
      await consumer.close()
    })

    it('ends a poll when its signal fires, and continues with the next one', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('signal')
      const consumer = consumerOf(harness.name('group'))
      await untilAssigned(consumer, { topics: [topic] })
      const stop = new AbortController()
      const polling = consumer.poll(60_000, stop.signal)
      stop.abort(new RangeError('stopped'))
      await expect(polling).rejects.toThrow('stopped')
      await writeAll(client, topic, ['a'])
      expect(textOf(await pollUntil(consumer, 'the record', (records) => records.length > 0))).toEqual(['a'])
      const waiting = consumer.poll(60_000)
      consumer.wake()
      expect(await waiting).toEqual([])
      await consumer.close()
    })

    it('has offsets that an administrator can read, set and delete while it is empty', async () => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('outside', 2)
      const groupId = harness.name('group')
      const offsets = [0, 1].map((partition) => ({ topic, partition, offset: 10 + partition, metadata: '' }))
      await client.admin.alterGroupOffsets(groupId, offsets)
      expect(await client.admin.groupOffsets(groupId)).toEqual(offsets)
      await client.admin.deleteGroupOffsets(groupId, [{ topic, partition: 0 }])
      expect(await client.admin.groupOffsets(groupId)).toEqual(offsets.slice(1))
      expect((await describeGroup(harness.bootstrapServers, groupId)).state).toBe('Empty')
      expect(await client.admin.deleteGroup(groupId)).toBe(true)
      expect(await client.admin.deleteGroup(groupId)).toBe(false)
      expect(await client.admin.groupOffsets(groupId)).toEqual([])
    })

    it.each([-1, 2])('has no offset in partition %i of a topic with two, and says so at once', async (partition) => {
      const { client, newTopic, harness } = context()
      const topic = await newTopic('two', 2)
      const altered = client.admin.alterGroupOffsets(harness.name('group'), [{ topic, partition, offset: 0 }])
      await expect(altered).rejects.toThrow(UnknownPartitionError)
    })
  })

  describe('bare group member', () => {
    function memberOf(
      groupId: string,
      name: string,
      {
        onRejoinNeeded = () => undefined,
        whileAssigning = async () => undefined,
        ...more
      }: Partial<
        Pick<
          GroupMemberOptions,
          'heartbeatIntervalMs' | 'rebalanceTimeoutMs' | 'keepsWork' | 'onRejoinNeeded' | 'onAlive'
        >
      > & { readonly whileAssigning?: () => Promise<void> } = {},
    ): GroupMember {
      return context().client.groupMember({
        groupId,
        protocolType: 'connect',
        sessionTimeoutMs: patienceMs,
        rebalanceTimeoutMs: patienceMs,
        heartbeatIntervalMs: 100,
        onRejoinNeeded,
        ...more,
        protocols: () => [
          { name: 'sessioned', metadata: Buffer.from(name) },
          { name: 'compatible', metadata: Buffer.from(name) },
        ],
        assign: async (protocol, members) => {
          await whileAssigning()
          const names = members.map(({ metadata }) => metadata.toString()).toSorted()
          return new Map(members.map(({ memberId }) => [memberId, Buffer.from(`${protocol}:${names.join('+')}`)]))
        },
      })
    }

    it('assigns opaque work under its own protocol type, and learns of other members', async () => {
      const groupId = context().harness.name('workers')
      const reasons: string[] = []
      const first = memberOf(groupId, 'one', { onRejoinNeeded: (reason) => void reasons.push(reason) })
      const alone = await first.join()
      expect(alone).toMatchObject({ isLeader: true, protocol: 'sessioned' })
      expect(alone.assignment.toString()).toBe('sessioned:one')
      const second = memberOf(groupId, 'two')
      const joining = second.join()
      await until('the first member to be told of the rebalance', () => reasons.length > 0)
      expect(reasons).toEqual(['the group is rebalancing'])
      expect(first.rejoinReason).not.toBeNull()
      const [again, other] = await Promise.all([first.join(), joining])
      expect(again.generationId).toBe(other.generationId)
      expect(again.generationId).toBeGreaterThan(alone.generationId)
      expect(other.leaderId).toBe(again.memberId)
      expect(other.assignment.toString()).toBe('sessioned:one+two')
      const description = await describeGroup(context().harness.bootstrapServers, groupId)
      expect(description).toMatchObject({ state: 'Stable', protocolType: 'connect' })
      await second.leave('test')
      await until('the first member to be told that the second left', () => reasons.length > 1)
      expect((await first.join()).assignment.toString()).toBe('sessioned:one')
      await first.leave('test')
    })

    it('hears that it is alive while its join waits for another member', async () => {
      const groupId = context().harness.name('workers')
      let alive = 0
      const leader = memberOf(groupId, 'one', {
        onAlive: (sessionMs) => {
          if (sessionMs > 0) alive += 1
        },
      })
      const follower = memberOf(groupId, 'two')
      // The first member leads. A follower that joins again with the same metadata would not wait.
      await leader.join()
      const following = follower.join()
      await until('the leader to be told of the rebalance', () => leader.rejoinReason !== null)
      await Promise.all([leader.join(), following])
      await until('a heartbeat', () => alive > 1)
      leader.requestRejoin('the test says so')
      const before = alive
      let isJoined = false
      const joining = leader.join().then(() => (isJoined = true))
      await until('five heartbeats during the join', () => alive > before + 5)
      expect(isJoined).toBe(false)
      await Promise.all([follower.join(), joining])
      await leader.leave('test')
      await follower.leave('test')
    })

    it('that keeps its work, and learns by its join that it was removed, is no member before its owner knows', async () => {
      const groupId = context().harness.name('workers')
      const lost: boolean[] = []
      const member = memberOf(groupId, 'one', {
        heartbeatIntervalMs: patienceMs,
        keepsWork: true,
        onRejoinNeeded: (_, isLost) => void lost.push(isLost),
      })
      await member.join()
      await removeMembers(context().harness.bootstrapServers, groupId)
      await expect(member.join()).rejects.toThrow(MembershipLostError)
      expect(lost).toEqual([true])
      expect(member.generation).toBeNull()
      expect((await describeGroup(context().harness.bootstrapServers, groupId)).memberIds).toEqual([])
      await member.join()
      await member.leave('test')
    })

    it('that keeps its work, and learns by a heartbeat that it was removed while it joins, does not join', async () => {
      const groupId = context().harness.name('workers')
      const lost: boolean[] = []
      const joins: number[] = []
      const member = memberOf(groupId, 'one', {
        keepsWork: true,
        onRejoinNeeded: (_, isLost) => void lost.push(isLost),
        whileAssigning: async () => {
          if (joins.push(joins.length) !== 2) return
          await removeMembers(context().harness.bootstrapServers, groupId)
          await until('a heartbeat to fail', () => lost.includes(true))
        },
      })
      await member.join()
      await expect(member.join()).rejects.toThrow(MembershipLostError)
      await member.join()
      await member.leave('test')
    })

    it('is known no longer than a rebalance would wait for it, although its session lasts longer', async () => {
      const known: number[] = []
      const rebalanceTimeoutMs = 5000
      const onAlive = (ms: number): void => void known.push(ms)
      const member = memberOf(context().harness.name('workers'), 'one', { rebalanceTimeoutMs, onAlive })
      await member.join()
      await until('three heartbeats', () => known.length > 3)
      expect(Math.max(...known)).toBeLessThanOrEqual(rebalanceTimeoutMs)
      await member.leave('test')
    })

    it('requests a rebalance', async () => {
      const member = memberOf(context().harness.name('workers'), 'one')
      const { generationId } = await member.join()
      member.requestRejoin('there is more work')
      expect(member.rejoinReason).toBe('there is more work')
      expect((await member.join()).generationId).toBeGreaterThan(generationId)
      expect(member.rejoinReason).toBeNull()
      await member.leave('test')
      expect(member.generation).toBeNull()
    })
  })
}

import { describe, expect, it } from 'vitest'

import { decodeAssignment, encodeAssignment, encodeSubscription } from '../../src/client/group/consumer-protocol.ts'
import type { GroupConsumerOptions } from '../../src/client/group/group-consumer-options.ts'
import type { GroupMember } from '../../src/client/group/group-member.ts'
import type { GroupMemberOptions } from '../../src/client/group/group-member-options.ts'
import { FencedMemberError, InstanceFencedError } from '../../src/client/errors.ts'
import type { TopicPartition } from '../../src/foundation/topic-partition.ts'
import {
  addPartitions,
  deleteTopic,
  describeGroup,
  recreateTopic,
  removeMembers,
} from '../support/broker/cluster-tools.ts'
import { patienceMs, until } from '../support/until.ts'
import type { GroupContractContext } from './client-group-contract.ts'
import { writeAll } from './client-harness.ts'
import { PolledConsumer } from './polled-consumer.ts'

/** Members that keep their partitions during a rebalance (KIP-429). */
export function cooperativeContract(context: () => GroupContractContext): void {
  async function group(partitions: number) {
    const { client, newTopic, harness } = context()
    const topic = await newTopic('cooperative', partitions)
    const groupId = harness.name('cooperative')
    const consumer = (options: Partial<GroupConsumerOptions> = {}, topics = [topic]): PolledConsumer => {
      const assignors = ['cooperative-sticky'] as const
      const times = { sessionTimeoutMs: patienceMs, heartbeatIntervalMs: 100, metadataMaxAgeMs: 300 }
      return new PolledConsumer(client.consumer({ groupId, assignors, ...times, ...options }), { topics })
    }
    const metadata = encodeSubscription({ topics: [topic], userData: null, owned: [], generation: -1 })
    /** A member that joins when the test says so. The group waits for it in between. */
    const member = (assign: GroupMemberOptions['assign'] = () => new Map()): GroupMember =>
      client.groupMember({
        groupId,
        protocolType: 'consumer',
        sessionTimeoutMs: patienceMs,
        rebalanceTimeoutMs: patienceMs,
        heartbeatIntervalMs: 100,
        protocols: () => [{ name: 'cooperative-sticky', metadata }],
        assign,
        onRejoinNeeded: () => undefined,
      })
    const stateOf = async (): Promise<string> => (await describeGroup(harness.bootstrapServers, groupId)).state
    const at = (partition: number): TopicPartition => ({ topic, partition })
    return { topic, groupId, client, harness, consumer, member, stateOf, at }
  }

  describe('cooperative consumer group', () => {
    it('reads and commits what it keeps while the group waits for a member that does not rejoin', async () => {
      const { topic, client, consumer, member, stateOf } = await group(4)
      const first = consumer()
      await first.untilHas(4)
      for (const partition of [0, 1, 2, 3]) await writeAll(client, topic, [`before ${partition}`], partition)
      for (const partition of [0, 1, 2, 3]) await first.untilRead(`before ${partition}`)
      const second = member()
      await second.join()
      await first.untilHas(2)
      await until('the rebalance waits for the second member', async () => (await stateOf()) === 'PreparingRebalance')
      const kept = first.consumer.assignment()
      for (const { partition } of kept) await writeAll(client, topic, [`during ${partition}`], partition)
      for (const { partition } of kept) await first.untilRead(`during ${partition}`)
      await first.commit()
      expect(await first.consumer.committed(kept)).toMatchObject(kept.map((partition) => ({ ...partition, offset: 2 })))
      expect(await stateOf()).toBe('PreparingRebalance')
      const moved = decodeAssignment((await second.join()).assignment)
      expect(await first.consumer.committed(moved)).toMatchObject(
        moved.map((partition) => ({ ...partition, offset: 1 })),
      )
      expect(new Set([...kept, ...moved].map(({ partition }) => partition))).toEqual(new Set([0, 1, 2, 3]))
      for (const partition of kept) expect(first.eventsOf(partition)).toBe('+')
      for (const partition of moved) expect(first.eventsOf(partition)).toBe('+-')
      await second.leave('the test ends')
      await first.untilHas(4)
      expect(first.values.toSorted()).toEqual(
        [...[0, 1, 2, 3].map((n) => `before ${n}`), ...kept.map(({ partition: n }) => `during ${n}`)].sort(),
      )
      await first.close()
    })

    it('commits in the next generation what the group rejects because it has begun it', async () => {
      const { topic, client, consumer, member, harness, stateOf, at } = await group(2)
      const { promise: released, resolve: release } = Promise.withResolvers<void>()
      // The leader decides that the follower has all, when the test lets it.
      let isHeld = false
      const leader = member(async (_, members, own) => {
        if (isHeld) await released
        const others = members.filter(({ memberId }) => memberId !== own)
        return new Map(others.map(({ memberId }) => [memberId, encodeAssignment([at(0), at(1)])]))
      })
      await leader.join()
      const follower = consumer()
      await until('the follower has joined', async () => (await stateOf()) === 'PreparingRebalance')
      await leader.join()
      await follower.untilHas(2)
      await writeAll(client, topic, ['a'])
      await follower.untilRead('a')
      isHeld = true
      leader.requestRejoin('the test wants a rebalance')
      const joining = leader.join()
      await until('the next generation', async () => (await stateOf()) === 'CompletingRebalance')
      const committing = follower.commit()
      await writeAll(client, topic, ['b'])
      await follower.untilRead('b')
      release()
      await Promise.all([committing, joining])
      expect(await follower.consumer.committed([at(0)])).toMatchObject([{ offset: 1 }])
      expect(follower.events).toEqual([`+${topic}-0@0`, `+${topic}-1@0`])
      expect(harness.logger.lines.filter(({ level }) => level === 'error')).toEqual([])
      await follower.close()
      await leader.leave('the test ends')
    })

    it('gives a member that joins its share, and back when it leaves, without a record read twice or not at all', async () => {
      const { topic, client, consumer } = await group(6)
      const all = [0, 1, 2, 3, 4, 5]
      const write = async (round: string): Promise<string[]> => {
        await Promise.all(all.map(async (n) => await writeAll(client, topic, [`${round}.${n}`], n)))
        return all.map((n) => `${round}.${n}`)
      }
      const expected: string[] = []
      const members = [consumer()]
      const read = (): string[] => members.flatMap(({ values }) => values).sort()
      const untilRead = async (): Promise<void> =>
        await until(
          () => `${expected.length} values, not ${read().length}`,
          () => read().length >= expected.length,
        )
      expected.push(...(await write('one')))
      await untilRead()
      for (const share of [3, 2]) {
        const joining = consumer()
        members.push(joining)
        expected.push(...(await write(`to ${share}`)))
        for (const member of members) await member.untilHas(share)
        await untilRead()
      }
      const [first, second, third] = members
      expect(members.flatMap(({ assignment }) => assignment).sort()).toEqual(all.map((n) => `${topic}-${n}`))
      await third?.close()
      expected.push(...(await write('after')))
      await first?.untilHas(3)
      await second?.untilHas(3)
      await untilRead()
      expect(read()).toEqual(expected.toSorted())
      // Nothing but the shares of the others moved.
      const revoked = [first, second, third].map(
        (member) => member?.events.filter((event) => event.startsWith('-')).length,
      )
      expect(revoked).toEqual([4, 1, 0])
      await first?.close()
      await second?.untilHas(6)
      await second?.close()
    })

    it('gives up its partitions as lost when it is no longer a member, and gets them again', async () => {
      const { topic, client, groupId, harness, consumer, at } = await group(1)
      const only = consumer()
      await only.untilHas(1)
      await writeAll(client, topic, ['a'])
      await only.untilRead('a')
      await removeMembers(harness.bootstrapServers, groupId)
      await until('the loss', () => only.eventsOf(at(0)) === '+!+')
      expect(only.events.at(-1)).toBe(`+${topic}-0@0`)
      await only.close()
      await expect(only.commit([at(0)])).rejects.toThrow(FencedMemberError)
    })

    it('gives up what it keeps as lost when the group ends its membership during a rebalance', async () => {
      const { topic, client, groupId, harness, consumer, member, stateOf, at } = await group(2)
      const first = consumer()
      await first.untilHas(2)
      await writeAll(client, topic, ['a', 'b'], 0)
      await first.untilRead('b')
      const second = member()
      await second.join()
      await first.untilHas(1)
      await until('the rebalance waits', async () => (await stateOf()) === 'PreparingRebalance')
      const [kept] = first.consumer.assignment()
      await removeMembers(harness.bootstrapServers, groupId)
      await first.untilHas(2)
      expect(first.eventsOf(kept ?? at(9))).toBe('+!+')
      await second.leave('the test ends')
      await first.close()
    })

    it('refuses a commit of partitions that it has given up, in the generation of those that it has kept', async () => {
      const { topic, consumer, at } = await group(2)
      const [first, second] = [consumer(), consumer()]
      await first.untilHas(1)
      await second.untilHas(1)
      const [own] = first.assignment
      const other = own === `${topic}-0` ? at(1) : at(0)
      await expect(first.consumer.commit([{ ...other, offset: 0 }])).rejects.toThrow(FencedMemberError)
      await first.commit()
      await first.close()
      await second.close()
    })

    it('shares a group with members of the default assignors: each partition has one reader', async () => {
      const { topic, client, consumer } = await group(6)
      const eager = consumer({ assignors: ['range', 'cooperative-sticky'] })
      await eager.untilHas(6)
      const cooperative = consumer()
      await eager.untilHas(3)
      await cooperative.untilHas(3)
      const before = cooperative.assignment
      expect([...eager.assignment, ...before].sort()).toEqual([0, 1, 2, 3, 4, 5].map((n) => `${topic}-${n}`))
      const third = consumer({ assignors: ['range', 'cooperative-sticky'] })
      for (const one of [eager, cooperative, third]) await one.untilHas(2)
      expect(before).toEqual(expect.arrayContaining(cooperative.assignment))
      for (const n of [0, 1, 2, 3, 4, 5]) await writeAll(client, topic, [`${n}`], n)
      const read = (): string[] => [eager, cooperative, third].flatMap(({ values }) => values).sort()
      await until('all records', () => read().length >= 6)
      expect(read()).toEqual(['0', '1', '2', '3', '4', '5'])
      // Only members that keep their partitions are spared.
      expect(eager.events.filter((event) => event.startsWith('-')).length).toBeGreaterThanOrEqual(9)
      expect(cooperative.events.filter((event) => event.startsWith('-'))).toHaveLength(1)
      for (const one of [third, cooperative, eager]) await one.close()
    })

    it('rejects a member without an assignor in common, by the name of the error', async () => {
      const { consumer } = await group(1)
      const cooperative = consumer()
      await cooperative.untilHas(1)
      const other = consumer({ assignors: ['roundrobin'] })
      await until('the failure', () => other.failure !== null)
      expect(other.failure).toMatchObject({ codeName: 'INCONSISTENT_GROUP_PROTOCOL' })
      await other.close()
      await cooperative.close()
    })

    it('gets partitions that were added while the group rebalanced, and keeps the others', async () => {
      const { topic, client, harness, consumer, member, stateOf, at } = await group(2)
      const first = consumer()
      await first.untilHas(2)
      const second = member()
      await second.join()
      await first.untilHas(1)
      await until('the rebalance waits for the second member', async () => (await stateOf()) === 'PreparingRebalance')
      const [kept] = first.consumer.assignment()
      await addPartitions(harness.bootstrapServers, topic, 4)
      await second.leave('the test ends')
      await first.untilHas(4)
      for (const partition of [0, 1, 2, 3]) await writeAll(client, topic, [`${partition}`], partition)
      for (const partition of [0, 1, 2, 3]) await first.untilRead(`${partition}`)
      expect(first.eventsOf(kept ?? at(9))).toBe('+')
      expect(first.values).toHaveLength(4)
      await first.close()
    })

    it('revokes only the partitions of a topic that is deleted, and reads the others on', async () => {
      const { topic, client, harness, consumer, at } = await group(1)
      const { newTopic } = context()
      const doomed = await newTopic('doomed')
      const only = consumer({}, [topic, doomed])
      await only.untilHas(2)
      await deleteTopic(harness.bootstrapServers, doomed)
      await only.untilHas(1)
      await writeAll(client, topic, ['still read'])
      await only.untilRead('still read')
      expect([only.eventsOf(at(0)), only.eventsOf({ topic: doomed, partition: 0 })]).toEqual(['+', '+-'])
      await only.close()
    })

    it('revokes only the partitions of a topic that is created again, and reads it from its start', async () => {
      const { topic, client, harness, consumer, at } = await group(1)
      const { newTopic } = context()
      const again = await newTopic('again')
      await writeAll(client, again, ['old'])
      const only = consumer({ autoOffsetReset: 'earliest', metadataMaxAgeMs: 60_000 }, [topic, again])
      await only.untilRead('old')
      await recreateTopic(client, harness.bootstrapServers, again)
      await writeAll(client, again, ['new'])
      await only.untilRead('new')
      expect(only.eventsOf(at(0))).toBe('+')
      expect(only.values).toEqual(['old', 'new'])
      await only.close()
    })

    it('takes over from a static member that has not left, and no other member notices', async () => {
      const { topic, client, consumer } = await group(4)
      const [first, second] = [consumer({ instanceId: 'one' }), consumer({ instanceId: 'two' })]
      await first.untilHas(2)
      await second.untilHas(2)
      const [before, others] = [first.assignment, second.events.length]
      for (const n of [0, 1, 2, 3]) await writeAll(client, topic, [`${n}`], n)
      await until('all records', () => first.values.length + second.values.length === 4)
      await first.commit()
      await first.stop()
      const successor = consumer({ instanceId: 'one' })
      await successor.untilHas(2)
      expect(successor.assignment).toEqual(before)
      await expect(first.commit()).rejects.toThrow(FencedMemberError)
      await expect(first.consumer.poll(patienceMs)).rejects.toThrow(InstanceFencedError)
      for (const n of [0, 1, 2, 3]) await writeAll(client, topic, [`again ${n}`], n)
      await until('the later records', () => successor.values.length + second.values.length === 6)
      expect(second.events).toHaveLength(others)
      for (const one of [first, successor, second]) await one.close()
    })
  })
}

import { describe, expect, it } from 'vitest'

import { FencedMemberError, InstanceFencedError } from '../../src/client/errors.ts'
import type { GroupConsumer } from '../../src/client/group/group-consumer.ts'
import type { GroupContractContext } from './client-group-contract.ts'
import { pollUntil, subscribe, textOf, untilAssigned, writeAll } from './client-harness.ts'

/** Members with a `group.instance.id` (KIP-345). */
export function staticMemberContract(context: () => GroupContractContext): void {
  /** A session that no test outlives: what another member takes over, it takes from a member that the group still has. */
  const sessionTimeoutMs = 300_000

  async function group(topics: readonly { readonly partitions: number }[]) {
    const { client, newTopic, harness } = context()
    const groupId = harness.name('static')
    const names = await Promise.all(topics.map(async ({ partitions }) => await newTopic('static', partitions)))
    const consumer = (instanceId: string): GroupConsumer =>
      client.consumer({ groupId, instanceId, sessionTimeoutMs, heartbeatIntervalMs: 100, metadataMaxAgeMs: 500 })
    return { client, names, consumer }
  }

  describe('static member', () => {
    it('takes the place of the one before, which has not left, and continues from its offsets', async () => {
      const { client, names, consumer } = await group([{ partitions: 2 }])
      const [topic = ''] = names
      await writeAll(client, topic, ['a', 'b'], 0)
      const first = consumer('one')
      subscribe(first, { topics: [topic] })
      await pollUntil(first, 'two records', (records) => records.length >= 2)
      await first.commit([{ topic, partition: 0, offset: 1 }])
      const second = consumer('one')
      subscribe(second, { topics: [topic] })
      expect(textOf(await pollUntil(second, 'a record', (records) => records.length >= 1))).toEqual(['b'])
      expect(second.assignment()).toHaveLength(2)
      await expect(first.commit([{ topic, partition: 0, offset: 2 }])).rejects.toThrow(FencedMemberError)
      await expect(pollUntil(first, 'nothing', () => false)).rejects.toThrow(InstanceFencedError)
      // It does not fence its successor in return.
      await expect(pollUntil(first, 'nothing', () => false)).rejects.toThrow(InstanceFencedError)
      await first.close()
      await second.commit([{ topic, partition: 0, offset: 2 }])
      await second.close()
    })

    it('is removed from the group when it leaves, and the others get its partitions', async () => {
      const { names, consumer } = await group([{ partitions: 2 }])
      const [topic = ''] = names
      const [first, second] = [consumer('one'), consumer('two')]
      for (const one of [first, second]) subscribe(one, { topics: [topic] })
      const holds = async (one: GroupConsumer, count: number): Promise<void> =>
        void (await pollUntil(one, `${count} partitions`, () => one.assignment().length === count))
      await Promise.all([holds(first, 1), holds(second, 1)])
      await first.close()
      await holds(second, 2)
      await second.close()
    })

    it('gets the topics that it subscribes to, when the one before had others', async () => {
      const { names, consumer } = await group([{ partitions: 1 }, { partitions: 1 }])
      const [one = '', other = ''] = names
      const first = consumer('one')
      await untilAssigned(first, { topics: [one] })
      const second = consumer('one')
      subscribe(second, { topics: [other] })
      await pollUntil(
        second,
        'the other topic',
        () =>
          second
            .assignment()
            .map(({ topic }) => topic)
            .join() === other,
      )
      await first.close()
      await second.close()
    })
  })
}

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { apis } from '../../support/protocol/apis.ts'
import { BrokerHarness, produceOne, textBatch } from '../../support/broker/broker-harness.ts'
import type { RawKafkaClient } from '../../support/broker/raw-kafka-client.ts'
import { batchHeaderSize, batchSizeAt } from '../../../src/protocol/record-batch/record-batch.ts'
import { untilPasses } from '../../support/until.ts'

let harness: BrokerHarness | null = null

afterEach(async () => {
  await harness?.close()
  harness = null
})

async function createTopic(client: RawKafkaClient): Promise<void> {
  const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
  const answer = await client.call(apis.createTopics, 5, { topics, timeoutMs: 5_000, validateOnly: false })
  expect(answer.topics[0]?.errorCode).toBe(0)
}

async function commit(client: RawKafkaClient, groupId: string, committedOffset: number): Promise<void> {
  const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: '' }]
  const request = { groupId, generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: 't', partitions }] }
  const answer = await client.call(apis.offsetCommit, 8, request)
  expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(0)
}

async function committed(client: RawKafkaClient, groupId: string): Promise<number | undefined> {
  const answer = await client.call(apis.offsetFetch, 5, { groupId, topics: [{ name: 't', partitionIndexes: [0] }] })
  return answer.topics[0]?.partitions[0]?.committedOffset
}

describe('the offsets of a deleted topic', () => {
  const groups = Array.from({ length: 100 }, (_, i) => `g${i}`)

  it('are never given to a topic of the same name, whose own commits stay, also after a restart', async () => {
    harness = await BrokerHarness.start()
    let client = await harness.connect()
    await createTopic(client)
    await Promise.all(groups.map((group) => commit(client, group, 500)))
    await client.call(apis.deleteTopics, 5, { topicNames: ['t'], topics: [], timeoutMs: 5_000 })
    await createTopic(client)
    const found = await Promise.all(groups.map((group) => committed(client, group)))
    expect(new Set(found)).toEqual(new Set([-1]))
    await commit(client, 'g99', 3)
    await harness.restart()
    client = await harness.connect()
    expect(await committed(client, 'g99')).toBe(3)
    expect(await committed(client, 'g1')).toBe(-1)
  })
})

describe('a broker whose stored offsets do not read', () => {
  it('starts, names the record, and keeps the offsets of others', async () => {
    harness = await BrokerHarness.start()
    const admin = await harness.connect('__admin_client')
    await createTopic(admin)
    await commit(admin, 'g', 1)
    expect((await produceOne(admin, '__consumer_offsets', textBatch([['k', 'v']]), { partition: 3 })).errorCode).toBe(0)
    await commit(admin, 'g', 2)
    await harness.restart()
    const client = await harness.connect()
    expect(await committed(client, 'g')).toBe(2)
    const { logger } = harness
    await untilPasses(() =>
      expect(logger.lines.filter(({ level }) => level === 'error')).toMatchObject([
        { fields: { topic: '__consumer_offsets', partition: 3, offset: 1 } },
      ]),
    )
  })

  it('starts, names the batch that the disk damaged, and keeps what is stored after it', async () => {
    harness = await BrokerHarness.start()
    let client = await harness.connect()
    await createTopic(client)
    for (const offset of [1, 2, 3]) await commit(client, 'g', offset)
    const { dataDir, logger } = harness
    await harness.stop()
    const path = join(dataDir, '__consumer_offsets-3', '00000000000000000000.log')
    const bytes = readFileSync(path)
    const [first, second] = [0, batchSizeAt(bytes, 0)]
    for (const at of [first, second]) bytes.writeUInt8(bytes.readUInt8(at + batchHeaderSize) ^ 1, at + batchHeaderSize)
    writeFileSync(path, bytes)
    await harness.restart()
    client = await harness.connect()
    expect(await committed(client, 'g')).toBe(3)
    const place = { topic: '__consumer_offsets', partition: 3 }
    expect(logger.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { fields: { ...place, offset: 0, error: expect.stringContaining('the batch is damaged: BAD_CRC') } },
      { fields: { ...place, offset: 1 } },
    ])
  })
})

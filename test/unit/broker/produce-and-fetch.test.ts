import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apis } from '../../support/protocol/apis.ts'
import { codecs, readBatchHeader, updateCrc } from '../../../src/protocol/record-batch/record-batch.ts'
import { BrokerHarness, fetchValue, produceOne, textBatch } from '../../support/broker/broker-harness.ts'
import type { RawKafkaClient } from '../../support/broker/raw-kafka-client.ts'
import { SkippingClock } from '../../support/skipping-clock.ts'
import { until } from '../../support/until.ts'
import { readRecords } from '../../support/protocol/read-batches.ts'

const clock = new SkippingClock()
let harness: BrokerHarness
let client: RawKafkaClient

beforeAll(async () => {
  harness = await BrokerHarness.start({ clock })
  client = await harness.connect()
})

afterAll(() => harness.close())

async function topic(name: string, partitions = 1, configs: Record<string, string> = {}): Promise<string> {
  await harness.broker.topics.create(name, partitions, configs)
  return name
}

/** How long a fetch may wait; no other timer of the broker is as long. */
const maxWaitMs = 29_989
const parked = (): Promise<void> => until('the fetch to be parked', () => clock.isWaiting(maxWaitMs))

async function fetchOne(value: ReturnType<typeof fetchValue>, version = 12) {
  const answer = await client.call(apis.fetch, version, value)
  const [partition] = answer.responses[0]?.partitions ?? []
  if (partition === undefined) throw new RangeError('the answer names no partition')
  return partition
}

function valuesOf(records: Buffer | null): string[] {
  const values: string[] = []
  const bytes = records ?? Buffer.alloc(0)
  for (let at = 0; at < bytes.length; at += readBatchHeader(bytes, at).sizeInBytes) {
    values.push(...readRecords(bytes, at).map((record) => String(record.value)))
  }
  return values
}

describe('Produce', () => {
  for (const version of [3, 4, 5, 6, 7, 8, 9, 10, 11]) {
    it(`v${version} appends and responds with the offset; Fetch returns the records`, async () => {
      const name = await topic(`produce-v${version}`)
      expect(await produceOne(client, name, textBatch(['a', 'b']), { version })).toMatchObject({
        errorCode: 0,
        baseOffset: 0,
        logAppendTimeMs: -1,
      })
      expect(await produceOne(client, name, textBatch(['c']), { version, acks: 1 })).toMatchObject({
        errorCode: 0,
        baseOffset: 2,
      })
      const fetched = await fetchOne(fetchValue(name, 0))
      expect(fetched).toMatchObject({
        errorCode: 0,
        highWatermark: 3,
        lastStableOffset: 3,
        logStartOffset: 0,
        abortedTransactions: null,
      })
      expect(valuesOf(fetched.records)).toEqual(['a', 'b', 'c'])
    })
  }

  it('does not respond with acks 0 and still stores the records', async () => {
    const name = await topic('acks-0')
    client.send(apis.produce, 7, {
      acks: 0,
      timeoutMs: 1000,
      topicData: [{ name, partitionData: [{ index: 0, records: textBatch(['quiet']) }] }],
    })
    expect(await produceOne(client, name, textBatch(['loud']))).toMatchObject({ baseOffset: 1 })
  })

  it('closes the connection when an append with acks 0 fails: there is no other sign', async () => {
    const other = await harness.connect()
    other.send(apis.produce, 7, {
      acks: 0,
      timeoutMs: 1,
      topicData: [{ name: 'nowhere', partitionData: [{ index: 0, records: textBatch(['x']) }] }],
    })
    await other.closed
  })

  it('refuses what Kafka refuses, with its codes', async () => {
    const name = await topic('refusals', 1, { 'max.message.bytes': '2000' })
    const compacted = await topic('refusals.compacted', 1, { 'cleanup.policy': 'compact' })
    const code = async (to: string, records: Buffer | null, options = {}) =>
      (await produceOne(client, to, records, options)).errorCode
    const damaged = textBatch(['x'])
    damaged[65] = (damaged[65] ?? 0) ^ 1
    const transactional = textBatch(['x'], { isTransactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 })
    const oldMagic = textBatch(['x'])
    oldMagic[16] = 1
    const miscounted = textBatch(['x', 'y'])
    miscounted.writeInt32BE(1, 57)
    updateCrc(miscounted, 0)
    expect(await code('nowhere', textBatch(['x']))).toBe(3)
    expect(await code(name, textBatch(['x']), { partition: 7 })).toBe(3)
    expect(await code(name, textBatch(['x']), { acks: 2 })).toBe(21)
    expect(await code(name, null)).toBe(87)
    expect(await code(name, Buffer.alloc(0))).toBe(87)
    expect(await code(name, Buffer.concat([textBatch(['x']), textBatch(['y'])]))).toBe(87)
    expect(await code(name, oldMagic)).toBe(87)
    expect(await code(name, damaged)).toBe(2)
    expect(await code(name, miscounted)).toBe(87)
    expect(await code(name, textBatch(['x'.repeat(3000)]))).toBe(10)
    expect(await code(name, textBatch(['x'], { codec: 'zstd' }), { version: 6 })).toBe(76)
    expect(await code(name, transactional)).toBe(48)
    expect(await code(name, textBatch(['x'], { timestampMs: Date.now() + 7_200_000 }))).toBe(32)
    expect(await code(compacted, textBatch([[null, 'x']]))).toBe(87)
    expect((await fetchOne(fetchValue(name, 0))).highWatermark).toBe(0)
  })

  it('names the records at fault from version 8 on, so that the others can be sent again', async () => {
    const name = await topic('named', 1, { 'cleanup.policy': 'compact' })
    const batch = textBatch([
      ['k', '1'],
      [null, '2'],
    ])
    const refused = await produceOne(client, name, batch, { version: 8 })
    expect(refused).toMatchObject({ errorCode: 87, baseOffset: -1 })
    expect(refused.recordErrors).toEqual([
      { batchIndex: 1, batchIndexErrorMessage: 'a record of a compacted topic needs a key' },
    ])
    expect((await produceOne(client, name, batch, { version: 7 })).errorCode).toBe(87)
    expect((await fetchOne(fetchValue(name, 0))).highWatermark).toBe(0)
  })

  it('says in words what was wrong, from version 8 on', async () => {
    const answer = await produceOne(client, await topic('words'), Buffer.from('far too short'))
    expect(answer.errorMessage).toBe('the bytes are not one intact record batch: TRUNCATED')
  })

  it('responds to a batch that is sent again with its first offset, and rejects a gap', async () => {
    const name = await topic('idempotent')
    const producer = { producerId: 77, producerEpoch: 0 }
    const first = (): Buffer => textBatch(['a', 'b'], { ...producer, baseSequence: 0 })
    expect(await produceOne(client, name, first())).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(await produceOne(client, name, textBatch(['c'], { ...producer, baseSequence: 2 }))).toMatchObject({
      baseOffset: 2,
    })
    expect(await produceOne(client, name, first())).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(await produceOne(client, name, textBatch(['x'], { ...producer, baseSequence: 9 }))).toMatchObject({
      errorCode: 45,
    })
    const older = { producerId: 77, producerEpoch: 1, baseSequence: 0 }
    expect(await produceOne(client, name, textBatch(['d'], older))).toMatchObject({ errorCode: 0, baseOffset: 3 })
    expect(await produceOne(client, name, textBatch(['e'], { ...producer, baseSequence: 3 }))).toMatchObject({
      errorCode: 47,
    })
  })

  it('keeps the order of requests that were sent without waiting', async () => {
    const name = await topic('pipelined')
    const answers = Array.from({ length: 100 }, (_, i) => produceOne(client, name, textBatch([`${i}`])))
    expect((await Promise.all(answers)).map((answer) => answer.baseOffset)).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    )
    const fetched = await fetchOne(fetchValue(name, 0))
    expect(valuesOf(fetched.records)).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`))
  })

  it('does not let clients write the topics of the broker', async () => {
    await topic('__consumer_offsets')
    expect(await produceOne(client, '__consumer_offsets', textBatch([['k', 'v']]))).toMatchObject({ errorCode: 17 })
  })

  it("stamps the broker's time on topics that ask for it", async () => {
    const name = await topic('log-append-time', 1, { 'message.timestamp.type': 'LogAppendTime' })
    const before = Date.now()
    const answer = await produceOne(client, name, textBatch(['x'], { timestampMs: 5 }))
    expect(answer.logAppendTimeMs).toBeGreaterThanOrEqual(before)
    const { records } = await fetchOne(fetchValue(name, 0))
    expect(readRecords(records ?? Buffer.alloc(0))[0]?.timestamp).toBe(answer.logAppendTimeMs)
  })
})

describe('Fetch', () => {
  for (const version of [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]) {
    it(`v${version} reads by ${version < 13 ? 'name' : 'id'}, from any offset`, async () => {
      const name = await topic(`fetch-v${version}`)
      for (const value of ['a', 'b', 'c']) await produceOne(client, name, textBatch([value]))
      const id = harness.broker.topics.get(name)?.id ?? ''
      const asked = version < 13 ? name : { id }
      expect(valuesOf((await fetchOne(fetchValue(asked, 1), version)).records)).toEqual(['b', 'c'])
      expect(await fetchOne(fetchValue(asked, 3), version)).toMatchObject({ errorCode: 0, highWatermark: 3 })
      expect(await fetchOne(fetchValue(asked, 4), version)).toMatchObject({ errorCode: 1, highWatermark: -1 })
    })
  }

  it('waits for data and responds as soon as it is there', async () => {
    const name = await topic('long-poll')
    const reader = await harness.connect()
    const answer = reader.call(apis.fetch, 11, fetchValue(name, 0, { maxWaitMs }))
    await parked()
    await produceOne(client, name, textBatch(['x']))
    expect(valuesOf((await answer).responses[0]?.partitions[0]?.records ?? null)).toEqual(['x'])
  })

  it('waits until there is as much as was asked for, and gives it once', async () => {
    const name = await topic('min-bytes')
    const reader = await harness.connect()
    const answer = reader.call(apis.fetch, 11, fetchValue(name, 0, { maxWaitMs, minBytes: 250 }))
    for (const value of ['a', 'b', 'c', 'd']) await produceOne(client, name, textBatch([value]))
    const values = valuesOf((await answer).responses[0]?.partitions[0]?.records ?? null)
    expect(values).toEqual(['a', 'b', 'c', 'd'].slice(0, values.length))
    expect(values.length).toBeGreaterThanOrEqual(3)
  })

  it('does not wait longer than clients wait for an answer', async () => {
    const name = await topic('waits-too-long')
    const answer = fetchOne(fetchValue(name, 0, { maxWaitMs: 86_400_000 }))
    await until('the fetch to be parked', () => clock.isWaiting(30_000))
    clock.skip(30_000)
    expect(await answer).toMatchObject({ errorCode: 0, highWatermark: 0 })
  })

  it('says where every partition ends, also of those it has no room for', async () => {
    const name = await topic('no-room', 3)
    for (const partition of [0, 1, 2]) await produceOne(client, name, textBatch(['v'.repeat(500)]), { partition })
    const asked = [0, 1, 2].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 }))
    for (const maxBytes of [10, 569, 600]) {
      const value = { ...fetchValue(name, 0, { maxBytes }), topics: [{ topic: name, partitions: asked }] }
      const [answer] = (await client.call(apis.fetch, 11, value)).responses
      const ends = answer?.partitions.map(({ highWatermark, logStartOffset }) => [logStartOffset, highWatermark])
      expect(ends, `maxBytes ${maxBytes}`).toEqual([
        [0, 1],
        [0, 1],
        [0, 1],
      ])
      expect(answer?.partitions.map(({ records }) => valuesOf(records).length)).toEqual([1, 0, 0])
    }
  })

  it('says that an offset is out of range also where there is no room', async () => {
    const name = await topic('no-room-no-offset', 2)
    await produceOne(client, name, textBatch(['v'.repeat(500)]))
    const asked = [0, 9].map((fetchOffset, partition) => ({ partition, fetchOffset, partitionMaxBytes: 1000 }))
    const value = { ...fetchValue(name, 0, { maxBytes: 10 }), topics: [{ topic: name, partitions: asked }] }
    const [answer] = (await client.call(apis.fetch, 11, value)).responses
    expect(answer?.partitions.map(({ errorCode }) => errorCode)).toEqual([0, 1])
  })

  it('refuses a partition that is named again', async () => {
    const name = await topic('named-twice')
    await produceOne(client, name, textBatch(['v']))
    const asked = [0, 0].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 }))
    const value = { ...fetchValue(name, 0), topics: [{ topic: name, partitions: asked }] }
    const [answer] = (await client.call(apis.fetch, 11, value)).responses
    expect(answer?.partitions.map(({ errorCode }) => errorCode)).toEqual([0, 42])
  })

  it('responds with what there is when the time is up', async () => {
    const name = await topic('wait-over')
    const answer = fetchOne(fetchValue(name, 0, { maxWaitMs }))
    await parked()
    clock.skip(maxWaitMs)
    expect(await answer).toMatchObject({ errorCode: 0, highWatermark: 0 })
  })

  it('ends with an error when the topic is deleted meanwhile', async () => {
    const name = await topic('deleted-meanwhile')
    const reader = await harness.connect()
    const answer = reader.call(apis.fetch, 11, fetchValue(name, 0, { maxWaitMs }))
    await parked()
    await client.call(apis.deleteTopics, 3, { topicNames: [name], timeoutMs: 1000 })
    expect((await answer).responses[0]?.partitions[0]?.errorCode).toBe(3)
  })

  it('gives the first batch whole, however small the limits are, and no second one beyond them', async () => {
    const name = await topic('limits', 2)
    for (const partition of [0, 1]) {
      await produceOne(client, name, textBatch(['x'.repeat(500)]), { partition })
      await produceOne(client, name, textBatch(['y'.repeat(500)]), { partition })
    }
    const small = { fetchOffset: 0, partitionMaxBytes: 10 }
    const partitions = [
      { partition: 0, ...small },
      { partition: 1, ...small },
    ]
    const both = { ...fetchValue(name, 0, { maxBytes: 10 }), topics: [{ topic: name, partitions }] }
    const answer = await client.call(apis.fetch, 11, both)
    expect(answer.responses[0]?.partitions.map((partition) => valuesOf(partition.records).length)).toEqual([1, 0])
    const within = await fetchOne(fetchValue(name, 0, { partitionMaxBytes: 700 }))
    expect(valuesOf(within.records)).toHaveLength(1)
  })

  it('declines sessions: a full fetch gets a response without one, an incremental one a named error', async () => {
    const name = await topic('sessions')
    const full = await client.call(apis.fetch, 11, { ...fetchValue(name, 0), sessionId: 0, sessionEpoch: 0 })
    expect(full).toMatchObject({ errorCode: 0, sessionId: 0 })
    const incremental = await client.call(apis.fetch, 11, { ...fetchValue(name, 0), sessionId: 5, sessionEpoch: 1 })
    expect(incremental).toMatchObject({ errorCode: 70, responses: [] })
    const closing = await client.call(apis.fetch, 11, { ...fetchValue(name, 0), sessionId: 5, sessionEpoch: -1 })
    expect(closing).toMatchObject({ errorCode: 0 })
    expect(closing.responses).toHaveLength(1)
  })

  it('names unknown topics, ids, partitions and epochs', async () => {
    const name = await topic('known')
    expect(await fetchOne(fetchValue('nowhere', 0, { maxWaitMs }))).toMatchObject({
      errorCode: 3,
      highWatermark: -1,
    })
    expect(await fetchOne(fetchValue({ id: 'abcdefghijklmnopqrstug' }, 0), 13)).toMatchObject({ errorCode: 100 })
    expect(await fetchOne(fetchValue(name, 0, { partition: 3 }))).toMatchObject({ errorCode: 3 })
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1, currentLeaderEpoch: 4 }]
    const withEpoch = { ...fetchValue(name, 0), topics: [{ topic: name, partitions }] }
    expect((await client.call(apis.fetch, 11, withEpoch)).responses[0]?.partitions[0]?.errorCode).toBe(75)
  })

  it('gives read_committed readers a list of aborted transactions, even if it is empty', async () => {
    const name = await topic('committed')
    await produceOne(client, name, textBatch(['x']))
    const fetched = await fetchOne(fetchValue(name, 0, { isolationLevel: 1 }))
    expect(fetched).toMatchObject({ abortedTransactions: [], lastStableOffset: 1 })
    expect(valuesOf(fetched.records)).toEqual(['x'])
  })
})

describe('ListOffsets', () => {
  it('finds the ends and times, in every version that knows them', async () => {
    const name = await topic('list-offsets')
    await produceOne(client, name, textBatch(['a', 'b'], { timestampMs: 1000 }))
    await produceOne(client, name, textBatch(['c'], { timestampMs: 3000 }))
    await produceOne(client, name, textBatch(['d'], { timestampMs: 2000 }))
    const ask = async (timestamp: number, version = 10) => {
      const answer = await client.call(apis.listOffsets, version, {
        replicaId: -1,
        topics: [{ name, partitions: [{ partitionIndex: 0, timestamp }] }],
      })
      const found = answer.topics[0]?.partitions[0]
      return [found?.errorCode, found?.offset, found?.timestamp]
    }
    for (let version = 1; version <= 10; version += 1) {
      expect(await ask(-1, version)).toEqual([0, 4, -1])
      expect(await ask(-2, version)).toEqual([0, 0, -1])
      expect(await ask(1001, version)).toEqual([0, 2, 3000])
      expect(await ask(3001, version)).toEqual([0, -1, -1])
      expect(await ask(-3, version)).toEqual(version < 7 ? [35, -1, -1] : [0, 2, 3000])
      expect(await ask(-4, version)).toEqual(version < 8 ? [35, -1, -1] : [0, 0, -1])
      expect(await ask(-5, version)).toEqual(version < 9 ? [35, -1, -1] : [0, -1, -1])
    }
    expect(await ask(-9)).toEqual([35, -1, -1])
  })

  it('refuses a time that lies in a batch that cannot be decoded, and finds the times around it', async () => {
    const name = await topic('list-offsets-undecodable')
    const undecodable = textBatch(['x'.repeat(100)], { timestampMs: 2000 })
    undecodable.writeInt16BE(codecs.gzip, 21)
    updateCrc(undecodable, 0)
    await produceOne(client, name, textBatch(['a'], { timestampMs: 1000 }))
    expect(await produceOne(client, name, undecodable)).toMatchObject({ errorCode: 0 })
    await produceOne(client, name, textBatch(['b'], { timestampMs: 3000 }))
    const found = async (timestamp: number) => {
      const topics = [{ name, partitions: [{ partitionIndex: 0, timestamp }] }]
      const answer = await client.call(apis.listOffsets, 10, { replicaId: -1, topics })
      return answer.topics[0]?.partitions[0]
    }
    expect(await found(1500)).toMatchObject({ errorCode: 2, offset: -1 })
    expect(await found(1000)).toMatchObject({ errorCode: 0, offset: 0 })
    expect(await found(2500)).toMatchObject({ errorCode: 0, offset: 2 })
  })

  it('names unknown partitions, repeated ones and foreign epochs', async () => {
    const name = await topic('list-offsets-errors')
    const other = await topic('list-offsets-epochs')
    const answer = await client.call(apis.listOffsets, 4, {
      replicaId: -1,
      topics: [
        { name: 'nowhere', partitions: [{ partitionIndex: 0, timestamp: -1 }] },
        {
          name,
          partitions: [
            { partitionIndex: 0, timestamp: -1 },
            { partitionIndex: 0, timestamp: -2 },
          ],
        },
        { name: other, partitions: [{ partitionIndex: 0, timestamp: -1, currentLeaderEpoch: 2 }] },
        { name, partitions: [{ partitionIndex: 0, timestamp: -1 }] },
      ],
    })
    expect(answer.topics.map((one) => one.partitions.map((partition) => partition.errorCode))).toEqual([
      [3],
      [42, 42],
      [75],
      [42],
    ])
  })
})

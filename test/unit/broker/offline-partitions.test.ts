import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { apis } from '../../support/protocol/apis.ts'
import { BrokerHarness, fetchValue, produceOne, textBatch } from '../../support/broker/broker-harness.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryFileSystem } from '../../support/log/memory-file-system.ts'
import { untilPasses } from '../../support/until.ts'

const cleanups: (() => Promise<unknown> | void)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** A broker with the topic `orders` (two partitions, a record in each), restarted on a disk that cannot read `fails`. */
async function onFailingDisk(fails: string) {
  const fs = new MemoryFileSystem()
  const clock = new ManualClock(Date.now())
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-offline-'))
  cleanups.push(() => rmSync(dataDir, { recursive: true, force: true }))
  fs.makeDirectory(dataDir)
  const conditions = new Map<string, string>()
  const onCondition = (code: string, message: string | null): void => {
    if (message === null) conditions.delete(code)
    else conditions.set(code, message)
  }
  const harness = await BrokerHarness.start({ fs, dataDir, clock, onCondition })
  cleanups.push(() => harness.close())
  await harness.broker.topics.create('orders', 2, {})
  const client = await harness.connect()
  for (const partition of [0, 1]) await produceOne(client, 'orders', textBatch(['kept']), { partition })
  fs.fault = ({ kind, path }) => ((kind === 'read' || kind === 'open') && path.includes(fails) ? { code: 'EIO' } : null)
  return { fs, clock, conditions, harness }
}

describe('a partition that cannot be opened', () => {
  it('is offline by name and keeps no other from its readers, until its disk works again', async () => {
    const { fs, clock, conditions, harness } = await onFailingDisk('orders-1/')
    await harness.restart()
    expect([...conditions]).toEqual([
      ['BROKER_PARTITION_OFFLINE', expect.stringMatching(/^1 partitions cannot be opened, .*: orders-1 \(.*EIO/)],
    ])
    const client = await harness.connect()
    expect(await produceOne(client, 'orders', textBatch(['next']))).toMatchObject({ errorCode: 0, baseOffset: 1 })
    expect(await produceOne(client, 'orders', textBatch(['no']), { partition: 1 })).toMatchObject({
      errorCode: 56,
      errorMessage: expect.stringMatching(/^BROKER_PARTITION_OFFLINE: orders-1 /),
    })
    const fetched = await client.call(apis.fetch, 11, fetchValue('orders', 0, { partition: 1 }))
    expect(fetched.responses[0]?.partitions[0]).toMatchObject({ errorCode: 56 })
    const metadata = await client.call(apis.metadata, 9, { topics: [{ name: 'orders' }] })
    expect(metadata.topics[0]?.partitions.map(({ errorCode, leaderId }) => [errorCode, leaderId])).toEqual([
      [0, 1],
      [5, -1],
    ])
    const query = { partitionIndex: 1, timestamp: -1, currentLeaderEpoch: -1 }
    const request = { replicaId: -1, isolationLevel: 0, topics: [{ name: 'orders', partitions: [query] }] }
    const offsets = await client.call(apis.listOffsets, 5, request)
    expect(offsets.topics[0]?.partitions[0]).toMatchObject({ errorCode: 56 })
    fs.fault = () => null
    clock.advance(60_000)
    await untilPasses(() => expect(conditions.size).toBe(0))
    expect(await produceOne(client, 'orders', textBatch(['again']), { partition: 1 })).toMatchObject({
      errorCode: 0,
      baseOffset: 1,
    })
  })

  it('is offline too when its partition.metadata is damaged, until a person removes that file', async () => {
    const { fs, clock, conditions, harness } = await onFailingDisk('nothing')
    const { directory = '' } = harness.broker.topics.partition('orders', 1) ?? {}
    const path = `${directory}/partition.metadata`
    const lineStart = 'version: 0\ntopic_id: '.length
    const file = fs.open(path, 'existing')
    file.write(
      Buffer.from(
        fs
          .contentOf(path)
          .subarray(lineStart, lineStart + 1)
          .toString() === 'A'
          ? 'B'
          : 'A',
      ),
      lineStart,
    )
    await file.sync()
    file.close()
    await harness.restart()
    expect([...conditions]).toEqual([
      ['BROKER_PARTITION_OFFLINE', expect.stringMatching(/: orders-1 \(.*orders-1 belongs to the topic with id /)],
    ])
    const client = await harness.connect()
    expect(await produceOne(client, 'orders', textBatch(['next']))).toMatchObject({ errorCode: 0, baseOffset: 1 })
    expect(await produceOne(client, 'orders', textBatch(['no']), { partition: 1 })).toMatchObject({ errorCode: 56 })
    fs.remove(path)
    clock.advance(60_000)
    await untilPasses(() => expect(conditions.size).toBe(0))
    expect(await produceOne(client, 'orders', textBatch(['kept too']), { partition: 1 })).toMatchObject({
      errorCode: 0,
      baseOffset: 1,
    })
  })

  it('concerns no one when its topic is deleted', async () => {
    const { conditions, harness } = await onFailingDisk('orders-1/')
    await harness.restart()
    await harness.broker.topics.delete('orders')
    expect(conditions.size).toBe(0)
  })
})

describe('a partition whose end was cut off behind damage', () => {
  it('is a condition until the file that keeps the end is moved away', async () => {
    const { fs, clock, conditions, harness } = await onFailingDisk('nothing')
    const { directory = '' } = harness.broker.topics.partition('orders', 1) ?? {}
    const client = await harness.connect()
    await produceOne(client, 'orders', textBatch(['second']), { partition: 1 })
    await harness.stop()
    // As a crash leaves it: without a checkpoint.
    for (const name of fs.list(directory)) {
      if (name === 'partition-checkpoint' || name.endsWith('.snapshot')) fs.remove(`${directory}/${name}`)
    }
    fs.corrupt(`${directory}/00000000000000000000.log`, 65)
    await harness.restart()
    const kept = `${directory}/00000000000000000000.log.damaged-0-2`
    expect([...conditions]).toEqual([['BROKER_RECORDS_LOST', expect.stringContaining(kept)]])
    const again = await harness.connect()
    expect(await produceOne(again, 'orders', textBatch(['new']), { partition: 1 })).toMatchObject({ baseOffset: 2 })
    await harness.restart()
    expect([...conditions.keys()]).toEqual(['BROKER_RECORDS_LOST'])
    fs.remove(kept)
    clock.advance(60_000)
    await untilPasses(() => expect(conditions.size).toBe(0))
  })
})

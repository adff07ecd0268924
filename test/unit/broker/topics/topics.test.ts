import { describe, expect, it } from 'vitest'
import { CorruptMetadataError } from '../../../../src/broker/broker-error.ts'
import { readClusterFile, randomUuid } from '../../../../src/broker/topics/cluster-file.ts'
import { Topics } from '../../../../src/broker/topics/topics.ts'
import { collisionKey, topicNameFault } from '../../../../src/broker/topics/topic-name.ts'
import { replaceFile } from '../../../../src/log/disk/file-system.ts'
import { defaultLogConfig } from '../../../../src/log/log-config.ts'
import { textBatch } from '../../../support/broker/broker-harness.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { MemoryFileSystem } from '../../../support/log/memory-file-system.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'
import type { VerifiedBatch } from '../../../../src/protocol/record-batch/verified-batch.ts'
import { verifiedBatch } from '../../../../src/log/batch-check.ts'

const dataDirectory = '/data'

function disk(): MemoryFileSystem {
  const fs = new MemoryFileSystem()
  fs.makeDirectory(dataDirectory)
  return fs
}

/** What a failing disk throws. */
class SystemError extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

function open(fs: MemoryFileSystem, logger = quietLogger()): Promise<Topics> {
  return Topics.open({
    fs,
    dataDirectory,
    clock: new ManualClock(),
    logger,
    logDefaults: defaultLogConfig,
  })
}

const namesIn = (topics: Topics): string[] => Array.from(topics.all(), ({ name }) => name)
const batch = (text: string): VerifiedBatch => verifiedBatch(textBatch([text], { timestampMs: 1_700_000_000_000 }))

describe('topics on disk', () => {
  it('survive a loss of power from the moment their creation is acknowledged (I1)', async () => {
    const fs = disk()
    const topics = await open(fs)
    const created = await topics.create('orders', 2, { 'retention.ms': '5' })
    const after = await open(fs.crash({ unsynced: 'forget' }))
    expect(after.clusterId).toBe(topics.clusterId)
    expect(after.get('orders')).toMatchObject({ id: created.id, configs: { 'retention.ms': '5' }, isInternal: false })
    expect(after.get('orders')?.partitions).toHaveLength(2)
  })

  it('are reported when the directory of a partition was emptied while the broker was stopped', async () => {
    const fs = disk()
    const topics = await open(fs)
    await topics.create('orders', 2, {})
    await topics.partition('orders', 0)?.append(batch('kept'))
    await topics.close()
    const quiet = quietLogger()
    await (await open(fs, quiet)).close()
    expect(quiet.lines).toEqual([])
    for (const name of fs.list('/data/orders-0')) fs.remove(`/data/orders-0/${name}`)
    const logger = quietLogger()
    await open(fs, logger)
    expect(logger.lines).toMatchObject([
      { level: 'warn', message: expect.stringMatching(/holds no log/) as string, fields: { path: '/data/orders-0' } },
    ])
  })

  it('are gone permanently once their deletion is acknowledged, whatever the crash leaves of their directories', async () => {
    for (let operations = 1; operations < 40; operations += 1) {
      const fs = disk()
      const topics = await open(fs)
      await topics.create('orders', 1, {})
      await topics.partition('orders', 0)?.append(batch('secret'))
      let left = operations
      fs.onOperation = () => {
        left -= 1
        if (left < 0) throw new RangeError('the power is gone')
      }
      const outcome = await topics.delete('orders').then(
        () => 'deleted',
        () => 'failed',
      )
      const after = await open(fs.crash({ unsynced: 'some', random: () => 0.5 }))
      if (outcome === 'deleted') expect(namesIn(after)).toEqual([])
      const again = after.get('orders') ?? (await after.create('orders', 1, {}))
      // Either the deletion never happened, or nothing of the old topic is left.
      const isOld = again.partitions[0]?.highWatermark === 1
      if (!isOld) expect(again.partitions[0]?.highWatermark).toBe(0)
      if (outcome === 'deleted') expect(isOld).toBe(false)
    }
  })

  it('come back whole or not at all when a creation is cut short', async () => {
    for (let operations = 1; operations < 40; operations += 1) {
      const fs = disk()
      const topics = await open(fs)
      let left = operations
      fs.onOperation = () => {
        left -= 1
        if (left < 0) throw new RangeError('the power is gone')
      }
      const created = await topics.create('orders', 2, {}).catch(() => null)
      const after = await open(fs.crash({ unsynced: 'some', random: () => 0.3 }))
      if (created !== null) expect(namesIn(after)).toEqual(['orders'])
      const orders = await after.ensure('orders', 2)
      expect(orders.partitions.map((log) => log?.highWatermark)).toEqual([0, 0])
    }
  })

  it('answer KAFKA_STORAGE_ERROR when the disk is full, and work again when there is room', async () => {
    const fs = disk()
    const topics = await open(fs)
    await topics.create('orders', 1, {})
    fs.capacity = fs.usedBytes
    await expect(topics.create('more', 1, {})).rejects.toMatchObject({ errorCode: 56 })
    await expect(topics.addPartitions('orders', 2)).rejects.toMatchObject({ errorCode: 56 })
    expect(namesIn(topics)).toEqual(['orders'])
    fs.capacity = Number.POSITIVE_INFINITY
    await topics.create('more', 1, {})
    expect(namesIn(topics)).toEqual(['orders', 'more'])
  })

  it('are created once, however many clients ask, and changed one change at a time', async () => {
    const topics = await open(disk())
    const [first, second] = await Promise.all([topics.ensure('a', 1), topics.ensure('a', 1)])
    expect(first).toBe(second)
    await expect(topics.create('a', 1, {})).rejects.toMatchObject({ errorCode: 36 })
    await Promise.all([
      topics.addPartitions('a', 3),
      topics.setConfigs('a', (current) => ({ ...current, 'retention.ms': '1' })),
    ])
    expect(topics.get('a')?.partitions.map((log) => log?.config.retentionMs)).toEqual([1, 1, 1])
  })

  it('tell of their deletion', async () => {
    const topics = await open(disk())
    const deleted: string[] = []
    const stop = topics.onDeleted((name) => {
      deleted.push(name)
      return null
    })
    await topics.create('a', 1, {})
    await topics.delete('a')
    stop()
    await topics.create('b', 1, {})
    await topics.delete('b')
    expect(deleted).toEqual(['a'])
    await expect(topics.delete('a')).rejects.toMatchObject({ errorCode: 3 })
  })
})

describe('a topic that is deleted and created again', () => {
  it('holds nothing of the old one though the deletion failed half-way, also after a restart', async () => {
    const fs = disk()
    const topics = await open(fs)
    await topics.create('orders', 2, {})
    await topics.partition('orders', 0)?.append(batch('old'))
    let removals = 0
    fs.onOperation = (operation) => {
      if (operation !== 'remove') return
      removals += 1
      if (removals > 1 && removals < 6) throw new SystemError('EIO')
    }
    await topics.delete('orders')
    await expect(topics.create('orders', 2, {})).rejects.toMatchObject({ errorCode: 56 })
    fs.onOperation = () => undefined
    await topics.create('orders', 2, {})
    await topics.partition('orders', 0)?.append(batch('new'))
    expect(topics.partition('orders', 0)?.highWatermark).toBe(1)
    const after = await open(fs.crash({ unsynced: 'keep' }))
    expect(after.partition('orders', 0)?.highWatermark).toBe(1)
  })

  it('keeps its records when the first one is still listed as being deleted, as an earlier version left it', async () => {
    const fs = disk()
    const topics = await open(fs)
    const { id } = await topics.create('orders', 1, {})
    await topics.partition('orders', 0)?.append(batch('new'))
    await topics.close()
    fs.remove('/data/orders-0/partition.metadata')
    const record = { name: 'orders', id, partitionCount: 1, configs: {} }
    const text = { version: 1, clusterId: 'c', topics: [record], deleting: [{ ...record, id: randomUuid() }] }
    await replaceFile(fs, '/data/__cluster', 'metadata.json', Buffer.from(JSON.stringify(text)))
    const after = await open(fs)
    expect(after.partition('orders', 0)?.highWatermark).toBe(1)
    expect(fs.contentOf('/data/orders-0/partition.metadata').toString()).toBe(`version: 0\ntopic_id: ${id}\n`)
  })

  it('is not there after a restart when its creation was refused, and is when its deletion was', async () => {
    const fs = disk()
    const topics = await open(fs)
    await topics.create('kept', 1, {})
    await topics.partition('kept', 0)?.append(batch('record'))
    // The file is in place when making its name durable fails.
    fs.onOperation = (operation) => {
      if (operation !== 'syncDirectory') return
      fs.onOperation = () => undefined
      throw new SystemError('EIO')
    }
    await expect(topics.delete('kept')).rejects.toMatchObject({ errorCode: 56 })
    await topics.partition('kept', 0)?.append(batch('another'))
    const after = await open(fs.crash({ unsynced: 'keep' }))
    expect(namesIn(after)).toEqual(['kept'])
    expect(after.partition('kept', 0)?.highWatermark).toBe(2)
  })
})

describe('offsets that were stored for a deleted topic', () => {
  it('are obsolete after a crash until they are said to be forgotten; those of the next topic are not', async () => {
    const fs = disk()
    const topics = await open(fs)
    const offsets = await topics.create('__consumer_offsets', 1, {})
    await topics.create('orders', 1, {})
    await offsets.partitions[0]?.append(batch('committed for the old topic'), 'broker')
    // Their tombstones are never written.
    topics.onDeleted(() => new Promise<boolean>(() => undefined))
    await topics.delete('orders')
    await topics.create('orders', 1, {})
    const after = await open(fs.crash({ unsynced: 'forget' }))
    const isObsolete = (topic: string, offset: number): boolean => after.isObsolete(topic, 0, offset)
    expect([isObsolete('orders', 0), isObsolete('orders', 1), isObsolete('others', 0)]).toEqual([true, false, false])
    await after.offsetsForgotten()
    expect(isObsolete('orders', 0)).toBe(false)
  })

  it('are obsolete after a crash in the middle of the deletion', async () => {
    const fs = disk()
    const topics = await open(fs)
    await topics.create('__consumer_offsets', 1, {})
    await topics.create('orders', 1, {})
    fs.onOperation = (operation) => {
      if (operation === 'remove') throw new SystemError('EIO')
    }
    await topics.delete('orders')
    expect(topics.isObsolete('orders', 0, 0)).toBe(true)
    const after = await open(fs.crash({ unsynced: 'forget' }))
    expect([after.get('orders'), after.isObsolete('orders', 0, -1)]).toEqual([undefined, true])
  })
})

describe('the directory of a partition', () => {
  it('is offline when it belongs to another topic than metadata.json says; of an internal topic it is refused', async () => {
    const fs = disk()
    const topics = await open(fs)
    await topics.create('orders', 2, {})
    await topics.create('__consumer_offsets', 1, {})
    await topics.close()
    const other = randomUuid()
    const claim = (directory: string): Promise<void> =>
      replaceFile(fs, `/data/${directory}`, 'partition.metadata', Buffer.from(`version: 0\ntopic_id: ${other}\n`))
    await claim('orders-0')
    const again = await open(fs)
    expect([again.partition('orders', 0), again.partition('orders', 1)]).toEqual([null, expect.anything()])
    await again.close()
    await claim('__consumer_offsets-0')
    await expect(open(fs)).rejects.toThrow(CorruptMetadataError)
    await expect(open(fs)).rejects.toThrow(
      new RegExp(`__consumer_offsets-0 belongs to the topic with id ${other}.*Restore`),
    )
  })

  it('is refused when it holds records of a partition that metadata.json does not name', async () => {
    const fs = disk()
    const topics = await open(fs)
    await topics.create('orders', 1, {})
    fs.makeDirectory('/data/lost-0')
    await replaceFile(fs, '/data/lost-0', '00000000000000000000.log', batch('record').bytes)
    await expect(topics.create('lost', 1, {})).rejects.toThrow(/lost-0 holds records.*Restore/)
    // The directory has a name in its parent, as on a real disk.
    await replaceFile(fs, '/data', 'lost-0', Buffer.alloc(0))
    await topics.close()
    await expect(open(fs)).rejects.toThrow(/lost-0 holds records.*move the directory out of/)
  })

  it('is missed by name when it is gone', async () => {
    const fs = disk()
    const topics = await open(fs)
    const { id } = await topics.create('orders', 1, {})
    await topics.close()
    const record = { name: 'gone', id, partitionCount: 1, configs: {} }
    const text = { version: 1, clusterId: 'c', topics: [record], deleting: [] }
    await replaceFile(fs, '/data/__cluster', 'metadata.json', Buffer.from(JSON.stringify(text)))
    const logger = quietLogger()
    await open(fs, logger)
    expect(logger.lines).toMatchObject([{ level: 'error', fields: { path: '/data/gone-0' } }])
  })
})

describe('the metadata file', () => {
  async function write(fs: MemoryFileSystem, content: Buffer): Promise<void> {
    fs.makeDirectory('/data/__cluster')
    await replaceFile(fs, '/data/__cluster', 'metadata.json', content)
  }

  it('is refused by name when it does not read as one', async () => {
    for (const text of [
      '',
      '{',
      '{}',
      '{"version":2}',
      '{"version":1,"clusterId":"x","topics":[{}],"deleting":[]}',
      '{"version":1,"clusterId":"x","topics":{}}',
    ]) {
      const fs = disk()
      await write(fs, Buffer.from(text))
      expect(() => readClusterFile(fs, dataDirectory)).toThrow(CorruptMetadataError)
      expect(() => readClusterFile(fs, dataDirectory)).toThrow(/metadata\.json.*Restore it/)
    }
  })

  it('is refused when any bit of it has changed its meaning', async () => {
    const fs = disk()
    const topics = await open(fs)
    await topics.create('orders', 1, { 'retention.ms': '5' })
    const meaning = JSON.stringify(readClusterFile(fs, dataDirectory))
    const bytes = Buffer.from(fs.contentOf('/data/__cluster/metadata.json'))
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const damaged = Buffer.from(bytes)
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      await write(fs, damaged)
      let read: string | null = null
      try {
        read = JSON.stringify(readClusterFile(fs, dataDirectory))
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptMetadataError)
      }
      if (read !== null) expect(read, `bit ${bit}`).toBe(meaning)
    }
  })

  it('is missed when there are partitions without it: an empty start would hide them', async () => {
    const fs = disk()
    await replaceFile(fs, dataDirectory, 'orders-0', Buffer.from('a directory in the world outside this disk'))
    await expect(open(fs)).rejects.toThrow(/holds the partition orders-0/)
  })

  it('gives ids that no tool takes for an option', () => {
    for (let i = 0; i < 1000; i += 1) expect(randomUuid()).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
  })
})

describe('topic names', () => {
  it('are what Kafka allows', () => {
    expect(topicNameFault('Orders.v1_new-2')).toBeNull()
    for (const name of ['', '.', '..', 'a/b', 'a b', 'é', 'x'.repeat(250)])
      expect(topicNameFault(name)).toMatch(/Topic name is invalid/)
  })

  it('collide when only dots and underscores tell them apart', () => {
    expect(collisionKey('a.b')).toBe(collisionKey('a_b'))
    expect(collisionKey('ab')).not.toBe(collisionKey('a_b'))
  })
})

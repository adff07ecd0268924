import { describe, expect, it } from 'vitest'
import { StorageError } from '../../../src/log/log-error.ts'
import { batchOf, logDirectory, LogHarness, valuesOf } from '../../support/log/log-harness.ts'
import type { VerifiedBatch } from '../../../src/protocol/record-batch/verified-batch.ts'

const one = (value: string): VerifiedBatch => batchOf([['k', value]])
const firstLog = `${logDirectory}/00000000000000000000.log`

describe('a full disk', () => {
  it('refuses writes by name, continues reading, and takes writes again when there is room', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(one('1'))
    harness.fs.capacity = harness.fs.usedBytes + 20
    await expect(log.append(one('2'))).rejects.toMatchObject({ errorCode: 56, code: 'ENOSPC' })
    await expect(log.append(one('2'))).rejects.toThrow(StorageError)
    expect([log.logEndOffset, log.highWatermark, valuesOf(log)]).toEqual([1, 1, ['1']])
    harness.fs.capacity = Number.POSITIVE_INFINITY
    await expect(log.append(one('2'))).resolves.toMatchObject({ baseOffset: 1 })
    expect(valuesOf(log)).toEqual(['1', '2'])
    harness.crash('keep')
    expect(valuesOf(await harness.open())).toEqual(['1', '2'])
  })

  it('leaves the sequence of an idempotent producer as it was', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    const batch = (): VerifiedBatch => batchOf([['k', 'v']], { producerId: 7, producerEpoch: 0, baseSequence: 0 })
    harness.fs.failWrites = { code: 'ENOSPC', afterBytes: 30 }
    await expect(log.append(batch())).rejects.toThrow(StorageError)
    harness.fs.failWrites = null
    await expect(log.append(batch())).resolves.toMatchObject({ baseOffset: 0, isDuplicate: false })
    await expect(log.append(batch())).resolves.toMatchObject({ baseOffset: 0, isDuplicate: true })
  })

  it('cuts a torn write immediately, and at the next start when that fails', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(one('1'))
    const size = harness.fs.sizeOf(firstLog)
    harness.fs.failWrites = { code: 'ENOSPC', afterBytes: 30 }
    await expect(log.append(one('2'))).rejects.toThrow('ENOSPC')
    expect(harness.fs.sizeOf(firstLog)).toBe(size)
    harness.fs.fault = ({ kind }) => (kind === 'truncate' ? { code: 'EIO' } : null)
    harness.fs.failWrites = { code: 'ENOSPC', afterBytes: 30 }
    await expect(log.append(one('2'))).rejects.toThrow('ENOSPC')
    expect(harness.fs.sizeOf(firstLog)).toBe(size + 30)
    harness.crash('keep')
    const again = await harness.open()
    expect([again.logEndOffset, valuesOf(again), harness.fs.sizeOf(firstLog)]).toEqual([1, ['1'], size])
    expect(harness.logger.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        fields: expect.objectContaining({ cutBytes: 30, nextOffset: 1, reason: 'TRUNCATED' }) as unknown,
      }),
    )
  })

  it('refuses a roll and rolls once there is room', async () => {
    const harness = new LogHarness({ segmentBytes: 100 })
    const log = await harness.open()
    await log.append(one('1'))
    harness.fs.capacity = harness.fs.usedBytes
    await expect(log.append(one('2'))).rejects.toThrow(StorageError)
    harness.fs.capacity = Number.POSITIVE_INFINITY
    await log.append(one('2'))
    expect(valuesOf(log)).toEqual(['1', '2'])
    await log.close()
  })
})

describe('an index that cannot be written', () => {
  it('refuses the batch before it is written, so that it is not there twice', async () => {
    const harness = new LogHarness({ indexIntervalBytes: 0 })
    const log = await harness.open()
    const batch = (i: number): VerifiedBatch =>
      batchOf([['k', 'v']], { producerId: 7, producerEpoch: 0, baseSequence: i })
    let sequence = 0
    for (; sequence < 8192; sequence += 1) await log.append(batch(sequence))
    harness.fs.failWrites = { code: 'EIO', afterBytes: 0 }
    await expect(log.append(batch(sequence))).rejects.toMatchObject({ code: 'EIO' })
    harness.fs.failWrites = null
    await expect(log.append(batch(sequence))).resolves.toMatchObject({ baseOffset: 8192, isDuplicate: false })
    expect(log.logEndOffset).toBe(8193)
  })
})

describe('a failed sync', () => {
  it('fails all who wait, cuts back, and refuses writes until the partition has recovered (I5)', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(one('1'))
    const size = harness.fs.sizeOf(firstLog)
    harness.fs.failSyncs = ['EIO']
    const waiting = [log.append(one('2')), log.append(one('3'))]
    for (const append of waiting) await expect(append).rejects.toMatchObject({ errorCode: 56 })
    expect(log.failure).toBeInstanceOf(StorageError)
    expect(harness.fs.sizeOf(firstLog)).toBe(size)
    await expect(log.append(one('4'))).rejects.toThrow('rejected until the partition has recovered')
    expect([log.logEndOffset, log.highWatermark, valuesOf(log)]).toEqual([1, 1, ['1']])
    harness.clock.advance(1000)
    await expect(log.append(one('4'))).resolves.toMatchObject({ baseOffset: 1 })
    expect(log.failure).toBeNull()
    harness.crash('forget')
    expect(valuesOf(await harness.open())).toEqual(['1', '4'])
  })

  it('forgets the sequences of what was cut', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    const batch = (baseSequence: number): VerifiedBatch =>
      batchOf([['k', 'v']], { producerId: 7, producerEpoch: 0, baseSequence })
    await log.append(batch(0))
    harness.fs.failSyncs = ['EIO']
    await expect(log.append(batch(1))).rejects.toThrow(StorageError)
    harness.clock.advance(1000)
    await expect(log.append(batch(1))).resolves.toMatchObject({ baseOffset: 1, isDuplicate: false })
    await expect(log.append(batch(0))).resolves.toMatchObject({ baseOffset: 0, isDuplicate: true })
  })

  it('forgets the index entries of what was cut, so that no read takes the index for damaged', async () => {
    const harness = new LogHarness({ indexIntervalBytes: 0 })
    const log = await harness.open()
    for (const value of ['1', '2', '3']) await log.append(one(value))
    harness.fs.failSyncs = ['EIO']
    await expect(log.append(one('4'))).rejects.toThrow(StorageError)
    harness.clock.advance(1000)
    await log.append(
      batchOf([
        ['k', '4'],
        ['k', '5'],
      ]),
    )
    for (const offset of [0, 2, 3, 4]) expect(valuesOf(log, offset)[0]).toBe(String(offset + 1))
    expect(harness.logger.lines.filter(({ message }) => message.includes('an index'))).toEqual([])
  })

  it('stays refused while recovery fails', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    harness.fs.failSyncs = ['EIO', 'EIO']
    await expect(log.append(one('1'))).rejects.toThrow(StorageError)
    harness.clock.advance(1000)
    await expect(log.append(one('1'))).rejects.toThrow('recovery failed')
    harness.clock.advance(1000)
    await expect(log.append(one('1'))).resolves.toMatchObject({ baseOffset: 0 })
  })

  it('gives up segments that were begun behind the durable end', async () => {
    const harness = new LogHarness({ segmentBytes: 100 })
    const log = await harness.open()
    harness.fs.failSyncs = ['EIO']
    for (const append of [log.append(one('1')), log.append(one('2'))])
      await expect(append).rejects.toThrow(StorageError)
    expect(harness.fs.list(logDirectory).filter((name) => name.endsWith('.log'))).toHaveLength(1)
    expect(log.logEndOffset).toBe(0)
    harness.clock.advance(1000)
    await log.append(one('1'))
    await log.append(one('2'))
    await log.close()
    expect(valuesOf(await harness.open())).toEqual(['1', '2'])
  })
})

describe('damage', () => {
  const damagedNames = (harness: LogHarness): string[] =>
    harness.fs
      .list(logDirectory)
      .filter((name) => name.includes('damaged'))
      .sort()

  it.each(['flipped', 'zeroed', 'missing'])(
    'before whole batches is no torn end: a %s byte is an error, what is cut is kept, and no offset is given out again',
    async (how) => {
      const harness = new LogHarness()
      const log = await harness.open()
      for (const value of ['1', '2', '3', '4']) await log.append(one(value))
      harness.crash('keep')
      const content = Buffer.from(harness.fs.contentOf(firstLog))
      const size = content.length / 4
      const file = harness.fs.open(firstLog, 'existing')
      if (how === 'flipped') file.write(Buffer.from([(content[size + 65] ?? 0) ^ 1]), size + 65)
      if (how === 'zeroed') file.write(Buffer.alloc(30), size)
      if (how === 'missing') {
        file.write(content.subarray(size + 31), size + 30)
        file.truncate(content.length - 1)
      }
      const damaged = Buffer.from(harness.fs.contentOf(firstLog))
      let again = await harness.open()
      const name = `00000000000000000000.log.damaged-${size}-4`
      expect([valuesOf(again), again.logEndOffset, damagedNames(harness)]).toEqual([['1'], 4, [name]])
      expect(harness.fs.contentOf(`${logDirectory}/${name}`)).toEqual(damaged.subarray(size))
      expect(harness.logger.lines.find(({ level }) => level === 'error')).toMatchObject({
        message: expect.stringContaining('LOG_RECORDS_LOST'),
        fields: { firstOffset: 1, lastOffset: 3, keptIn: `${logDirectory}/${name}` },
      })
      await expect(again.append(one('5'))).resolves.toMatchObject({ baseOffset: 4 })
      for (const unsynced of ['forget', 'keep'] as const) {
        harness.crash(unsynced)
        again = await harness.open()
        expect([valuesOf(again), again.logEndOffset, damagedNames(harness)]).toEqual([['1', '5'], 5, [name]])
      }
    },
  )

  it('before later segments keeps those as well', async () => {
    const harness = new LogHarness({ segmentBytes: 100 })
    const log = await harness.open()
    for (const value of ['1', '2', '3']) await log.append(one(value))
    harness.crash('keep')
    harness.fs.corrupt(`${logDirectory}/00000000000000000001.log`, 65)
    const again = await harness.open()
    expect([valuesOf(again), again.logEndOffset]).toEqual([['1'], 3])
    expect(damagedNames(harness)).toEqual(['00000000000000000002.log.damaged-0-3'])
    expect(harness.logger.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { fields: { firstOffset: 2, lastOffset: 2 } },
    ])
  })

  it('whose cut-off end cannot be kept keeps the partition from opening, and cuts nothing', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    for (const value of ['1', '2', '3']) await log.append(one(value))
    harness.crash('keep')
    harness.fs.corrupt(firstLog, 65)
    const size = harness.fs.sizeOf(firstLog)
    harness.fs.fault = ({ kind, path }) => (kind === 'write' && path.includes('damaged') ? { code: 'ENOSPC' } : null)
    await expect(harness.open()).rejects.toThrow('ENOSPC')
    expect(harness.fs.sizeOf(firstLog)).toBe(size)
    harness.fs.fault = () => null
    expect((await harness.open()).logEndOffset).toBe(3)
  })

  it('of indexes costs a scan, not records', async () => {
    const harness = new LogHarness({ segmentBytes: 400, indexIntervalBytes: 50 })
    const log = await harness.open()
    for (let i = 0; i < 20; i += 1) await log.append(one(`${i}`))
    await log.close()
    for (const name of harness.fs.list(logDirectory)) {
      if (name.endsWith('index')) harness.fs.remove(`${logDirectory}/${name}`)
    }
    const again = await harness.open()
    expect(valuesOf(again, 13)).toEqual(['13', '14', '15', '16', '17', '18', '19'])
    expect(again.offsetForTimestamp(0)).toMatchObject({ offset: 0 })
    await again.close()
  })

  it('of a batch below the recovery point is reported when it is read', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(one('1'))
    await log.append(one('2'))
    await log.close()
    harness.fs.corrupt(firstLog, 8)
    const again = await harness.open()
    expect(() => valuesOf(again)).toThrow('is damaged at byte 0')
  })

  it('of a producer snapshot falls back to the batches', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(batchOf([['k', 'v']], { producerId: 7, producerEpoch: 0, baseSequence: 0 }))
    await log.close()
    for (const name of harness.fs.list(logDirectory)) {
      if (name.endsWith('.snapshot')) harness.fs.corrupt(`${logDirectory}/${name}`, 7)
    }
    const again = await harness.open()
    expect(again.producers.entries.get(7)?.batches).toHaveLength(1)
    await again.close()
  })
})

describe('a start', () => {
  it('makes the directory of a new partition durable, also when it is there already', async () => {
    const harness = new LogHarness()
    harness.fs.makeDirectory(logDirectory)
    await harness.open()
    expect(harness.fs.syncs).toContain('/data')
  })

  it('after a clean stop scans nothing', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    for (let i = 0; i < 10; i += 1) await log.append(one(`${i}`))
    await log.close()
    const syncs = harness.fs.syncs.length
    harness.fs.corrupt(firstLog, 70 + 68) // A value, of which only a scan of the records would take notice.
    const again = await harness.open()
    expect([again.logEndOffset, harness.fs.syncs.length - syncs, harness.logger.lines]).toEqual([10, 0, []])
  })

  it('removes what an earlier crash left lying about', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(one('1'))
    await log.close()
    for (const name of ['00000000000000000007.index', '00000000000000000000.log.cleaned', 'x.tmp']) {
      harness.fs.open(`${logDirectory}/${name}`, 'create').close()
    }
    const again = await harness.open()
    // The empty offset index is there for tools that open it beside the time index.
    expect(harness.fs.list(logDirectory).sort()).toEqual([
      '00000000000000000000.index',
      '00000000000000000000.log',
      '00000000000000000000.timeindex',
      '00000000000000000001.snapshot',
      'partition-checkpoint',
    ])
    await again.close()
  })
})

import { describe, expect, it } from 'vitest'
import { present } from '../../../src/foundation/assert.ts'
import { deferred, type Deferred } from '../../../src/foundation/async/deferred.ts'
import type { PartitionLog } from '../../../src/log/partition-log.ts'
import { batchOf, logDirectory, LogHarness, recordsOf, valuesOf } from '../../support/log/log-harness.ts'
import type { VerifiedBatch } from '../../../src/protocol/record-batch/verified-batch.ts'

const checkpoint = `${logDirectory}/partition-checkpoint`
const logs = (harness: LogHarness): string[] =>
  harness.fs
    .list(logDirectory)
    .filter((name) => name.endsWith('.log'))
    .sort()
const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `v${i}`)

async function fill(log: PartitionLog, harness: LogHarness, count: number): Promise<void> {
  for (const value of numbered(count)) await log.append(batchOf([['k', value, harness.clock.now()]]))
}

function write(harness: LogHarness, path: string, text: string): Promise<void> {
  const file = harness.fs.open(path, 'create')
  file.write(Buffer.from(text), 0)
  return file.sync().finally(() => file.close())
}

const errorsOf = (harness: LogHarness): (string | undefined)[] =>
  harness.logger.lines
    .filter((line) => line.level === 'error')
    .map(
      (line) =>
        `${line.message.split(':')[0]} ${String(line.fields?.['firstOffset'])}-${String(line.fields?.['lastOffset'])}`,
    )

describe('a torn write', () => {
  const value = (i: number, size: number): VerifiedBatch => batchOf([[`k${i}`, `${i}:${'x'.repeat(size)}`]])

  it.each(['cut immediately', 'cut before the roll', 'left by an older version'])(
    'before a roll loses no later segment: %s',
    async (how) => {
      const harness = new LogHarness({ segmentBytes: 2000, indexIntervalBytes: 100 })
      const log = await harness.open()
      for (const i of [0, 1]) await log.append(value(i, 600))
      await log.checkpoint()
      harness.fs.failWrites = { code: 'ENOSPC', afterBytes: 400 }
      if (how !== 'cut at once') harness.fs.fault = ({ kind }) => (kind === 'truncate' ? { code: 'ENOSPC' } : null)
      await expect(log.append(value(9, 500))).rejects.toThrow('ENOSPC')
      harness.fs.failWrites = null
      harness.fs.fault = () => null
      await log.append(value(2, 20))
      if (how === 'left by an older version') {
        const file = harness.fs.open(`${logDirectory}/${logs(harness)[0]}`, 'existing')
        file.write(Buffer.alloc(300, 1), file.size())
        await file.sync()
      }
      // The checkpoint of the roll fails: a start has to scan the segment that is full.
      harness.fs.fault = ({ path }) => (path.endsWith('.tmp') ? { code: 'ENOSPC' } : null)
      for (let i = 3; i < 8; i += 1) await log.append(value(i, 600))
      expect(logs(harness).length).toBeGreaterThan(2)
      harness.crash('forget')
      const again = await harness.open()
      expect([again.logEndOffset, valuesOf(again).map((text) => text?.slice(0, 1))]).toEqual([
        8,
        Array.from({ length: 8 }, (_, i) => String(i)),
      ])
    },
  )

  it('in a segment that is trusted at the next start does not stop compaction', async () => {
    const harness = new LogHarness({ segmentBytes: 400, compact: true, minCleanableDirtyRatio: 0 })
    const log = await harness.open()
    await fill(log, harness, 12)
    await log.close()
    const file = harness.fs.open(`${logDirectory}/${logs(harness)[0]}`, 'existing')
    file.write(Buffer.alloc(100, 1), file.size())
    const again = await harness.open()
    await expect(again.compact()).resolves.toBe(true)
    expect(valuesOf(again).at(-1)).toBe('v11')
  })
})

describe('a compacted partition', () => {
  const settings = {
    segmentBytes: 1000,
    indexIntervalBytes: 100,
    compact: true,
    delete: false,
    minCleanableDirtyRatio: 0,
  }

  it.each(['missing', 'damaged', 'newer', 'missing with its snapshots'])(
    'keeps everything when its checkpoint is %s',
    async (how) => {
      const harness = new LogHarness(settings)
      const log = await harness.open()
      for (let i = 0; i < 60; i += 1) await log.append(batchOf([[i % 3 === 0 ? `unique-${i}` : 'often', `v${i}`]]))
      await log.compact()
      const before = recordsOf(log)
      await log.close()
      const text = harness.fs.contentOf(checkpoint).toString()
      if (how === 'damaged') harness.fs.corrupt(checkpoint, 30)
      else if (how === 'newer')
        await write(harness, checkpoint, text.replace('version 0', 'version 1').replace(/checksum .*\n/, ''))
      else harness.fs.remove(checkpoint)
      for (const name of harness.fs.list(logDirectory)) {
        if (how.endsWith('snapshots') && name.endsWith('.snapshot')) harness.fs.remove(`${logDirectory}/${name}`)
      }
      const again = await harness.open()
      expect([again.logEndOffset, recordsOf(again)]).toEqual([60, before])
      const isSaid = harness.logger.lines.some((line) => line.level === 'error' && line.message.includes('checkpoint'))
      expect(isSaid).toBe(how === 'damaged' || how === 'newer')
    },
  )
})

describe('a partition whose recovery fails half-way', () => {
  const batch = (sequence: number, value: string): VerifiedBatch =>
    batchOf([['k', value]], { producerId: 7, producerEpoch: 0, baseSequence: sequence })

  it('takes no batch before its producers are known again', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(batch(0, 'a'))
    await log.checkpoint()
    harness.fs.failSyncs = ['EIO']
    await expect(log.append(batch(1, 'b'))).rejects.toThrow('a sync failed')
    harness.fs.fault = ({ kind, path }) => (kind === 'open' && path.endsWith('.snapshot') ? { code: 'EIO' } : null)
    harness.clock.advance(1500)
    await expect(log.append(batch(1, 'b'))).rejects.toThrow('recovery failed')
    expect(log.failure).not.toBeNull()
    harness.fs.fault = () => null
    harness.clock.advance(1500)
    await expect(log.append(batch(1, 'b'))).resolves.toMatchObject({ baseOffset: 1, isDuplicate: false })
    await log.append(batch(2, 'c'))
    expect(valuesOf(log)).toEqual(['a', 'b', 'c'])
  })

  it('writes no checkpoint of producers from before the cut', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await log.append(batch(0, 'a'))
    harness.fs.failSyncs = ['EIO']
    await expect(log.append(batch(1, 'b'))).rejects.toThrow('a sync failed')
    await expect(log.checkpoint()).rejects.toThrow('a sync failed')
    await log.close()
    const again = await harness.open()
    await expect(again.append(batch(1, 'b'))).resolves.toMatchObject({ baseOffset: 1, isDuplicate: false })
  })
})

describe('proven loss (I5)', () => {
  async function stopped(): Promise<LogHarness> {
    const harness = new LogHarness({ segmentBytes: 1000, indexIntervalBytes: 100 })
    const log = await harness.open()
    await fill(log, harness, 40)
    await log.close()
    return harness
  }

  it.each([
    ['the end of the last segment', 'LOG_RECORDS_LOST 29-39', 0],
    ['a segment in the middle', 'LOG_RECORDS_LOST 14-26', 0],
    ['a segment at the start', 'LOG_RECORDS_LOST 0-13', 14],
    ['all files but the checkpoint', 'LOG_RECORDS_LOST 0-39', 40],
  ])('is an error that names the offsets, and no offset is given out again: %s', async (what, error, start) => {
    const harness = await stopped()
    const names = logs(harness)
    if (what.startsWith('the end')) {
      const file = harness.fs.open(`${logDirectory}/${names.at(-1)}`, 'existing')
      const head = Buffer.alloc(12)
      file.read(head, 0, 12, 0)
      file.truncate(2 * (head.readInt32BE(8) + 12))
    } else if (what.startsWith('a segment')) {
      harness.fs.remove(`${logDirectory}/${names[what.endsWith('start') ? 0 : 1]}`)
    } else
      for (const name of harness.fs.list(logDirectory))
        if (!name.endsWith('checkpoint')) harness.fs.remove(`${logDirectory}/${name}`)
    const log = await harness.open()
    expect(errorsOf(harness)).toEqual([error])
    expect([log.logStartOffset, log.logEndOffset]).toEqual([start, 40])
    await expect(log.append(batchOf([['k', 'new']]))).resolves.toMatchObject({ baseOffset: 40 })
    expect(recordsOf(log).at(-1)?.offset).toBe(40)
    await log.close()
    await expect(harness.open()).resolves.toMatchObject({ logEndOffset: 41 })
  })

  it('is not what retention deleted', async () => {
    const harness = new LogHarness({ segmentBytes: 1000, retentionMs: 1000 })
    const log = await harness.open()
    await fill(log, harness, 40)
    harness.clock.advance(2000)
    await expect(log.applyRetention()).resolves.toBe(3)
    harness.crash('forget')
    const again = await harness.open()
    expect([again.logStartOffset, again.logEndOffset, errorsOf(harness)]).toEqual([40, 40, []])
  })

  it('ends when the missing segment is put back', async () => {
    const harness = await stopped()
    const path = `${logDirectory}/${logs(harness)[1]}`
    const bytes = Buffer.from(harness.fs.contentOf(path))
    harness.fs.remove(path)
    await (await harness.open()).close()
    await write(harness, path, bytes.toString('latin1'))
    const file = harness.fs.open(path, 'create')
    file.write(bytes, 0)
    file.close()
    expect(valuesOf(await harness.open())).toEqual(numbered(40))
    expect(errorsOf(harness)).toHaveLength(1)
  })

  it('is reported for a damaged batch at the end of a segment, which a start after a clean stop reads', async () => {
    const harness = await stopped()
    const path = `${logDirectory}/${logs(harness)[0]}`
    const batchSize = batchOf([['k', 'v13', harness.clock.now()]]).bytes.length
    harness.fs.corrupt(path, harness.fs.sizeOf(path) - batchSize + 16) // The format version of the last batch.
    const log = await harness.open()
    expect(errorsOf(harness)).toEqual(['LOG_RECORDS_LOST 13-13'])
    expect(() => valuesOf(log, 13)).toThrow('is damaged at byte')
    expect(valuesOf(log, 14)).toEqual(numbered(40).slice(14))
  })

  it('is no reason to give up what lies behind a damaged batch', async () => {
    const harness = await stopped()
    harness.fs.remove(checkpoint)
    harness.fs.corrupt(`${logDirectory}/${logs(harness)[1]}`, 8)
    const log = await harness.open()
    expect(errorsOf(harness)).toEqual(['LOG_RECORDS_LOST 14-26'])
    expect(() => valuesOf(log)).toThrow('is damaged at byte 0')
    expect(valuesOf(log, 27)).toEqual(numbered(40).slice(27))
  })
})

describe('a checkpoint', () => {
  it.each(['flipped', 'cut'])('is not believed when it is damaged in any byte: %s', async (how) => {
    const harness = new LogHarness({ segmentBytes: 1000, indexIntervalBytes: 100 })
    const log = await harness.open()
    await fill(log, harness, 40)
    await log.close()
    const text = harness.fs.contentOf(checkpoint).toString()
    const head = text.slice(0, text.indexOf('checksum'))
    for (let at = 0; at < head.length - 1; at += 1) {
      const flipped = Buffer.from(text)
      flipped[at] = (flipped[at] ?? 0) ^ 1
      await write(harness, checkpoint, how === 'cut' ? text.slice(0, at) : flipped.toString())
      const again = await harness.open()
      expect([at, again.logStartOffset, again.logEndOffset]).toEqual([at, 0, 40])
      expect(harness.logger.lines.at(-1)?.message).toContain('a partition checkpoint is damaged')
      await again.close()
    }
  })

  it('of the version without a checksum is read', async () => {
    const harness = new LogHarness()
    const log = await harness.open()
    await fill(log, harness, 10)
    await log.advanceLogStart(4)
    await log.close()
    await write(
      harness,
      checkpoint,
      harness.fs
        .contentOf(checkpoint)
        .toString()
        .replace(/checksum .*\n/, ''),
    )
    const again = await harness.open()
    expect([again.logStartOffset, again.logEndOffset, harness.logger.lines]).toEqual([4, 10, []])
  })

  it('of the version without a checksum proves no loss: that version deleted segments before it saved the log start', async () => {
    const harness = new LogHarness({ segmentBytes: 1000 })
    const log = await harness.open()
    await fill(log, harness, 40)
    await log.close()
    const text = harness.fs.contentOf(checkpoint).toString()
    await write(harness, checkpoint, text.replace(/checksum .*\n/, ''))
    harness.fs.remove(`${logDirectory}/${logs(harness)[0]}`)
    const again = await harness.open()
    expect([again.logStartOffset, again.logEndOffset, errorsOf(harness)]).toEqual([14, 40, []])
  })
})

describe('an index', () => {
  it.each(['.index', '.timeindex'])('that is damaged makes no reader skip records: %s', async (suffix) => {
    const harness = new LogHarness({ segmentBytes: 100_000, indexIntervalBytes: 100 })
    const log = await harness.open()
    for (let i = 0; i < 40; i += 1) {
      harness.clock.advance(10)
      await log.append(batchOf([['k', `v${i}`, harness.clock.now()]]))
    }
    await log.close()
    const path = `${logDirectory}/00000000000000000000${suffix}`
    const size = harness.fs.sizeOf(path)
    const last = harness.clock.now()
    for (let at = 0; at < size; at += 1) {
      harness.fs.corrupt(path, at)
      const again = await harness.open()
      for (const offset of [0, 7, 20, 33, 39]) expect(recordsOf(again, offset)[0]?.offset).toBe(offset)
      for (const i of [0, 7, 20, 33, 39]) expect(again.offsetForTimestamp(last - (39 - i) * 10)?.offset).toBe(i)
      await again.close()
    }
  })
})

describe('retention beside a sync that fails', () => {
  it('leaves a partition that can be read and recovers', async () => {
    const harness = new LogHarness({ segmentBytes: 500, retentionBytes: 1 })
    const held: { readonly path: string; readonly done: Deferred<void> }[] = []
    const log = await harness.open()
    const append = (i: number): Promise<unknown> =>
      log.append(batchOf([['k', `${i}:${'x'.repeat(150)}`, harness.clock.now()]]))
    await append(0)
    await append(1)
    harness.fs.syncing = (path) => {
      const done = deferred<void>()
      held.push({ path, done })
      return done.promise
    }
    const syncOf = async (suffix: string): Promise<Deferred<void>> => {
      await expect.poll(() => held.some(({ path }) => path.endsWith(suffix))).toBe(true)
      const at = held.findIndex(({ path }) => path.endsWith(suffix))
      return present(held.splice(at, 1)[0], `a sync of ${suffix}`).done
    }
    const second = append(2) // Begins a segment; the checkpoint of that stays behind its first sync of an index.
    ;(await syncOf('2.log')).resolve()
    ;(await syncOf('orders-0')).resolve()
    await second
    const third = append(3)
    const sync = await syncOf('2.log')
    const fourth = append(4) // Begins a segment while the sync of the one before is in flight.
    sync.resolve()
    await third
    const failing = await syncOf('4.log')
    const retention = log.applyRetention()
    harness.fs.syncing = () => Promise.resolve()
    for (const { done } of held.splice(0)) done.resolve()
    await expect(retention).resolves.toBe(2)
    failing.reject(Object.assign(new Error('EIO'), { code: 'EIO' }))
    await expect(fourth).rejects.toThrow('a sync failed')
    expect([valuesOf(log), log.logStartOffset, log.logEndOffset]).toEqual([[], 4, 4])
    harness.clock.advance(1000)
    await append(5)
    expect(valuesOf(log)[0]?.slice(0, 2)).toBe('5:')
  })
})

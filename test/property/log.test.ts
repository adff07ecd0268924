import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PartitionLog } from '../../src/log/partition-log.ts'
import { batchOf, LogHarness, recordsOf } from '../support/log/log-harness.ts'
import { verifiedBatch } from '../../src/log/batch-check.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { forEachBatch } from '../support/protocol/read-batches.ts'

/*
 * Random appends, rolls, reads, checkpoints, retention, compactions and restarts against a model, and a loss of power before a
 * random operation on the disk. fast-check prints the seed and the shrunk counterexample of a failure.
 */

type Step =
  | { readonly kind: 'append'; readonly sizes: readonly number[]; readonly producer: number }
  | { readonly kind: 'read'; readonly at: number; readonly maxBytes: number }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'retention'; readonly hours: number }
  | { readonly kind: 'restart' }

/** A batch as the model knows it: its bytes as they must lie in the log. */
interface KnownBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly bytes: Buffer
}

const hourMs = 3_600_000
const producers = 3

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
      producer: fc.integer({ min: -1, max: producers - 1 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const), at: fc.nat(60), maxBytes: fc.nat(600) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'checkpoint' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('retention' as const), hours: fc.integer({ min: 0, max: 30 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
)

/** The log that is tested beside what it must hold. */
class Model {
  readonly harness: LogHarness
  log: PartitionLog
  /** Batches that were given to the log, by base offset; those below `acknowledged` must be there. */
  readonly sent = new Map<number, KnownBatch>()
  acknowledged = 0
  readonly #sequences = Array.from({ length: producers }, () => 0)
  #count = 0

  private constructor(harness: LogHarness, log: PartitionLog) {
    this.harness = harness
    this.log = log
  }

  static async open(harness: LogHarness): Promise<Model> {
    return new Model(harness, await harness.open())
  }

  async run(one: Step): Promise<void> {
    switch (one.kind) {
      case 'append':
        await Promise.all(one.sizes.map((size) => this.append(size, one.producer)))
        return
      case 'read':
        this.read(one.at, one.maxBytes)
        return
      case 'checkpoint':
        await this.log.checkpoint()
        return
      case 'retention':
        this.harness.clock.advance(one.hours * hourMs)
        await this.log.applyRetention()
        return
      case 'restart':
        await this.log.close()
        this.log = await this.harness.open()
        assert.equal(this.log.logEndOffset, this.acknowledged)
    }
  }

  async append(size: number, producer: number): Promise<void> {
    const entries = Array.from({ length: size }, (): readonly [string, string, number] => {
      this.#count += 1
      return [`k${this.#count % 7}`, `value ${this.#count}`, this.harness.clock.now()]
    })
    const sequence = this.#sequences[producer] ?? -1
    const batch = batchOf(
      entries,
      producer < 0 ? {} : { producerId: producer, producerEpoch: 0, baseSequence: sequence },
    )
    if (producer >= 0) this.#sequences[producer] = sequence + size
    const baseOffset = this.log.logEndOffset
    const appended = this.log.append(batch)
    // The log wrote the offset into the batch before it returned.
    this.sent.set(baseOffset, { baseOffset, lastOffset: baseOffset + size - 1, bytes: batch.bytes })
    const answer = await appended
    assert.deepEqual([answer.baseOffset, answer.isDuplicate], [baseOffset, false])
    this.acknowledged = Math.max(this.acknowledged, answer.lastOffset + 1)
  }

  read(at: number, maxBytes: number): void {
    const offset = this.log.logStartOffset + (at % (this.log.logEndOffset - this.log.logStartOffset + 1))
    const answer = this.log.read({ offset, maxBytes, isolation: 'read_uncommitted', minOneBatch: true })
    let next = offset
    forEachBatch(answer.batches, (header, position) => {
      const known = this.sent.get(header.baseOffset)
      assert.deepEqual(answer.batches.subarray(position, position + header.sizeInBytes), known?.bytes)
      assert.ok(header.lastOffset >= next)
      next = header.lastOffset + 1
    })
    assert.equal(answer.nextOffset, next)
    if (offset < answer.highWatermark) assert.ok(answer.batches.length > 0)
  }
}

/**
 * What a log must be after a crash: the valid prefix, with everything that was acknowledged, taking writes and repeats. When a
 * loss of power kept a later write and not an earlier one, what was kept looks acknowledged: the log continues behind it then.
 */
async function expectRecovered(
  { log, looksDamaged }: { readonly log: PartitionLog; readonly looksDamaged: boolean },
  before: Moment,
  sent: ReadonlyMap<number, KnownBatch>,
): Promise<void> {
  const end = log.logEndOffset
  expect(log.highWatermark).toBe(log.logEndOffset)
  const { batches } = log.read({
    offset: log.logStartOffset,
    maxBytes: 1 << 24,
    isolation: 'read_uncommitted',
    minOneBatch: true,
  })
  let next = log.logStartOffset
  let last: KnownBatch | undefined
  forEachBatch(batches, (header, position) => {
    const known = sent.get(header.baseOffset)
    expect(header.baseOffset).toBe(next)
    expect(batches.subarray(position, position + header.sizeInBytes)).toEqual(known?.bytes)
    next = header.lastOffset + 1
    if (header.producerId >= 0) last = known
  })
  expect(next).toBeGreaterThanOrEqual(before.acknowledged)
  if (looksDamaged) expect(next).toBeLessThan(end)
  else expect(next).toBe(end)
  if (last !== undefined) {
    const repeated = Buffer.from(last.bytes)
    repeated.writeBigInt64BE(0n, 0)
    await expect(log.append(verifiedBatch(repeated))).resolves.toMatchObject({
      baseOffset: last.baseOffset,
      isDuplicate: true,
    })
  }
  const youngest = Math.max(-1, ...recordsOf(log).map((record) => record.timestamp))
  expect(log.offsetOfMaxTimestamp()?.timestamp ?? -1).toBe(youngest)
  await expect(log.append(batchOf([['k', 'after', 0]]))).resolves.toMatchObject({ baseOffset: end })
  expect(recordsOf(log).at(-1)?.value?.toString()).toBe('after')
}

/** What was promised at some moment. */
interface Moment {
  readonly acknowledged: number
}

const settings = {
  segmentBytes: 700,
  indexIntervalBytes: 150,
  retentionMs: 24 * hourMs,
  producerIdExpirationMs: Infinity,
}

describe('a log', () => {
  it('holds what the model holds, over rolls, retention and restarts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const model = await Model.open(new LogHarness(settings))
        for (const one of steps) await model.run(one)
        model.read(0, 1 << 20)
        await model.log.close()
      }),
      { numRuns: 150 },
    )
  })

  it('keeps every acknowledged batch when the power fails before any operation on the disk (I1, I9)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 20 }),
        fc.nat(400),
        fc.constantFrom('forget' as const, 'some' as const, 'keep' as const),
        fc.nat(),
        async (steps, crashAt, unsynced, seed) => {
          const harness = new LogHarness(settings)
          const model = await Model.open(harness)
          const { fs } = harness
          let operations = 0
          let crashed: { readonly moment: Moment; readonly disk: typeof fs } | null = null
          const crash = (): void => {
            const { acknowledged } = model
            crashed ??= {
              moment: { acknowledged },
              disk: fs.crash({ unsynced, random: seededRandom(seed) }),
            }
          }
          fs.onOperation = () => {
            operations += 1
            if (operations === crashAt) crash()
          }
          for (const one of steps) await model.run(one)
          crash()
          const after = crashed as unknown as { readonly moment: Moment; readonly disk: typeof fs }
          const reborn = new LogHarness(settings, after.disk, harness.clock)
          const shownEnd = (await reborn.open()).highWatermark
          reborn.crash('forget')
          const log = await reborn.open()
          expect(log.logEndOffset, 'what was shown after a recovery survives the next crash').toBe(shownEnd)
          const looksDamaged = reborn.fs.list(log.directory).some((name) => name.includes('.log.damaged-'))
          await expectRecovered({ log, looksDamaged }, after.moment, model.sent)
          await log.close()
          const again = await reborn.open()
          expect(again.logEndOffset).toBe(log.logEndOffset)
          await again.close()
          await model.log.close()
        },
      ),
      { numRuns: 400 },
    )
  })

  it('keeps a valid prefix whatever byte behind the recovery point is damaged (I5)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 12 }),
        fc.nat(),
        async (sizes, where) => {
          const harness = new LogHarness({ ...settings, segmentBytes: 1 << 20 })
          const model = await Model.open(harness)
          for (const size of sizes) await model.append(size, -1)
          harness.crash('some', () => 0.5)
          const path = `${model.log.directory}/00000000000000000000.log`
          const position = where % harness.fs.sizeOf(path)
          harness.fs.corrupt(path, position)
          const log = await harness.open()
          let intactEnd = 0
          for (const known of model.sent.values()) {
            if (position >= bytesBefore(model, known) + known.bytes.length) intactEnd = known.lastOffset + 1
          }
          expect(log.logEndOffset).toBeGreaterThanOrEqual(intactEnd)
          for (const record of recordsOf(log)) {
            const known = [...model.sent.values()].find(
              (one) => one.baseOffset <= record.offset && record.offset <= one.lastOffset,
            )
            expect(known).toBeDefined()
          }
          await log.close()
          await model.log.close()
        },
      ),
      { numRuns: 150 },
    )
  })
})

function bytesBefore(model: Model, batch: KnownBatch): number {
  let bytes = 0
  for (const other of model.sent.values()) if (other.baseOffset < batch.baseOffset) bytes += other.bytes.length
  return bytes
}

import fc from 'fast-check'
import { systemClock } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import { bodyOf, type BulkBodyArena } from '../../connectors/elasticsearch-sink/bulk/bulk-body-arena.ts'
import { BulkWriter } from '../../connectors/elasticsearch-sink/bulk/bulk-writer.ts'
import type { Barrier, Operation } from '../../connectors/elasticsearch-sink/bulk/operation.ts'
import { PartitionProgress } from '../../connectors/elasticsearch-sink/ordering/partition-progress.ts'

const settings = { batchSize: 4, bulkSizeBytes: 1_000_000, maxInFlight: 3, maxBuffered: 20, lingerMs: 0 }

/** A target that applies each batch after some turns of the event loop, in an order of its own. */
class SlowTarget {
  readonly applied = new Map<string, number[]>()
  readonly underWay = new Set<string>()
  readonly done = new Set<Operation>()
  overlaps = 0
  most = 0
  #turns: readonly number[]
  #next = 0
  #parallel = 0

  constructor(turns: readonly number[]) {
    this.#turns = turns
  }

  async deliver(batch: readonly Operation[]): Promise<void> {
    const keys = new Set(batch.map((operation) => operation.id ?? ''))
    for (const key of keys) if (this.underWay.has(key)) this.overlaps += 1
    for (const key of keys) this.underWay.add(key)
    this.#parallel += 1
    this.most = Math.max(this.most, this.#parallel)
    const turns = this.#turns[this.#next++ % this.#turns.length] ?? 0
    for (let i = 0; i < turns; i++) await new Promise(setImmediate)
    for (const operation of batch) {
      const list = this.applied.get(operation.id ?? '') ?? []
      list.push(operation.progress.offsetOf(operation.mark))
      this.applied.set(operation.id ?? '', list)
      operation.progress.finish(operation.mark)
      this.done.add(operation)
    }
    for (const key of keys) this.underWay.delete(key)
    this.#parallel -= 1
  }
}

function operation(
  id: string,
  offset: number,
  progress: PartitionProgress,
  lines: BulkBodyArena | null = null,
): Operation {
  return {
    kind: 'index',
    index: 'i',
    id,
    routing: null,
    version: null,
    timestamp: 0,
    weight: 100,
    mark: progress.begin(offset),
    progress,
    lines: lines?.write(lineOf(id, offset)) ?? null,
    draft: null,
    barrier: 'none',
    missing: null,
  }
}

/** Some are long, so that memory is shared in many ways. */
function lineOf(id: string, offset: number): string {
  return `${id}@${offset} ${'é'.repeat(offset % 3 === 0 ? 30_000 : offset)}\n`
}

describe('parallel bulk requests', () => {
  it('apply the writes of each document in their order, never two at a time, byte for byte, and commit contiguous offsets only (I1, I12)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 80 }),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 10 }),
        async (ids, turns) => {
          const progress = new PartitionProgress({ topic: 't', partition: 0 })
          const target = new SlowTarget(turns)
          const marks: Operation[] = []
          let wrong = 0
          const writer = new BulkWriter(
            settings,
            systemClock,
            async (batch) => {
              const body = bodyOf(batch.flatMap(({ lines }) => lines ?? []))
              await target.deliver(batch)
              const expected = batch.map((one) => lineOf(one.id ?? '', progress.offsetOf(one.mark))).join('')
              wrong += body.equals(Buffer.from(expected)) ? 0 : 1
              const firstOpen = marks.find((one) => !target.done.has(one))
              if (firstOpen !== undefined)
                expect(progress.committable ?? 0).toBeLessThanOrEqual(progress.offsetOf(firstOpen.mark))
            },
            () => undefined,
          )
          for (const [offset, id] of ids.entries()) {
            const room = writer.room()
            if (room !== null) await room
            const one = operation(String(id), offset, progress, writer.arena)
            marks.push(one)
            writer.add(one)
          }
          await writer.drain(AbortSignal.timeout(60_000))
          expect(wrong).toBe(0)
          expect(target.overlaps).toBe(0)
          expect(target.most).toBeLessThanOrEqual(settings.maxInFlight)
          for (const [id] of Map.groupBy(ids.entries(), ([, one]) => String(one))) {
            const expected = ids.flatMap((one, offset) => (String(one) === id ? [offset] : []))
            expect(target.applied.get(id)).toEqual(expected)
          }
          expect(progress.committable).toBe(ids.length === 0 ? null : ids.length)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('let no operation pass one that waits at a barrier, nor that one pass another', async () => {
    const step = fc.record({
      id: fc.integer({ min: 0, max: 5 }),
      barrier: fc.constantFrom<Barrier>('none', 'none', 'others', 'all'),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 10 }),
        async (steps, turns) => {
          const progress = new PartitionProgress({ topic: 't', partition: 0 })
          const target = new SlowTarget(turns)
          const all = steps.map(({ id, barrier }, offset) => ({ ...operation(String(id), offset, progress), barrier }))
          const started = new Set<Operation>()
          let under = 0
          const writer = new BulkWriter(
            settings,
            systemClock,
            async (batch) => {
              under += 1
              const seen = new Set([...target.done, ...batch])
              for (const one of batch) started.add(one)
              for (const [at, one] of batch.entries()) {
                const before = all.slice(0, all.indexOf(one))
                if (one.barrier !== 'none') expect([under, before.every((other) => seen.has(other))]).toEqual([1, true])
                if (one.barrier === 'all') expect(at).toBe(0)
                expect(before.every((other) => other.barrier === 'none' || started.has(other))).toBe(true)
              }
              await target.deliver(batch)
              under -= 1
            },
            () => undefined,
          )
          for (const one of all) {
            const room = writer.room()
            if (room !== null) await room
            writer.add(one)
          }
          await writer.drain(AbortSignal.timeout(60_000))
          expect(progress.committable).toBe(steps.length === 0 ? null : steps.length)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('stop permanently with the first failure, and pass it to all waiters', async () => {
    const progress = new PartitionProgress({ topic: 't', partition: 0 })
    const failures: string[] = []
    const writer = new BulkWriter(
      settings,
      systemClock,
      () => Promise.reject(new TypeError('no')),
      (error) => failures.push(error.message),
    )
    writer.add(operation('1', 0, progress))
    await expect(writer.drain(AbortSignal.timeout(60_000))).rejects.toThrow('no')
    expect(failures).toEqual(['no'])
    expect(progress.committable).toBeNull()
  })

  it('hold no more bytes than fit into the requests in flight and one more, however few the documents (I10)', async () => {
    const progress = new PartitionProgress({ topic: 't', partition: 0 })
    const answer = Promise.withResolvers<void>()
    const writer = new BulkWriter(
      { ...settings, bulkSizeBytes: 100, maxInFlight: 2 },
      systemClock,
      () => answer.promise,
      () => undefined,
    )
    for (const id of ['1', '2', '3']) {
      expect(writer.room()).toBeNull()
      writer.add(operation(id, Number(id), progress))
    }
    const room = writer.room()
    expect(room).not.toBeNull()
    answer.resolve()
    await room
    await writer.drain(AbortSignal.timeout(60_000))
    expect(writer.room()).toBeNull()
  })

  it('send a partial request immediately when none is in flight', async () => {
    const sent: number[] = []
    const progress = new PartitionProgress({ topic: 't', partition: 0 })
    const writer = new BulkWriter(
      { ...settings, lingerMs: 60_000 },
      systemClock,
      async (batch) => {
        sent.push(batch.length)
        for (const one of batch) one.progress.finish(one.mark)
      },
      () => undefined,
    )
    writer.add(operation('1', 0, progress))
    writer.pump()
    expect(sent).toEqual([1])
    await writer.drain(AbortSignal.timeout(60_000))
  })
})

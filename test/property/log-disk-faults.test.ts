import fc from 'fast-check'
import { describe, it } from 'vitest'
import { LogHarness } from '../support/log/log-harness.ts'
import { LogModel, type CheckpointLoss } from '../support/log/log-model.ts'
import type { DiskOperation } from '../support/log/memory-file-system.ts'
import { seededRandom } from '../support/seeded-random.ts'

/*
 * Appends, rolls, checkpoints, retention, compactions, deletions, restarts and losses of power, several immediately, on a disk
 * that tears writes, is full, and fails any operation on files and names. An acknowledged batch is never lost or doubled,
 * an offset is never given out twice, and the end that was shown never falls.
 */

const targets = {
  any: () => true,
  write: ({ kind }: DiskOperation) => kind === 'write',
  log: ({ kind, path }: DiskOperation) => kind === 'write' && path.endsWith('.log'),
  sync: ({ kind }: DiskOperation) => kind === 'sync' || kind === 'syncDirectory',
  names: ({ kind }: DiskOperation) => ['create', 'rename', 'remove', 'truncate', 'syncDirectory'].includes(kind),
  small: ({ path }: DiskOperation) =>
    path.endsWith('.tmp') || path.endsWith('.snapshot') || path.endsWith('checkpoint'),
  descriptors: ({ kind }: DiskOperation) => kind === 'open' || kind === 'create',
  read: ({ kind }: DiskOperation) => kind === 'read' || kind === 'open',
}

const unsynced = fc.constantFrom('forget' as const, 'some' as const, 'keep' as const)
const loss: fc.Arbitrary<CheckpointLoss | null> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom('missing', 'flipped', 'cut', 'newer version', 'old format') },
)
const kind = <T extends string>(name: T): { readonly kind: fc.Arbitrary<T> } => ({ kind: fc.constant(name) })
const step = fc.record({
  waits: fc.boolean(),
  what: fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        ...kind('append'),
        sizes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
        producer: fc.integer({ min: -1, max: 2 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ ...kind('checkpoint') }) },
    { weight: 2, arbitrary: fc.record({ ...kind('compact') }) },
    { weight: 2, arbitrary: fc.record({ ...kind('retention'), hours: fc.integer({ min: 0, max: 30 }) }) },
    { weight: 1, arbitrary: fc.record({ ...kind('delete'), at: fc.double({ min: 0, max: 1, noNaN: true }) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        ...kind('fault'),
        target: fc.constantFrom(...(Object.keys(targets) as (keyof typeof targets)[])),
        after: fc.nat(12),
        times: fc.constantFrom(1, 2, 20),
        afterBytes: fc.nat(200),
      }),
    },
    { weight: 1, arbitrary: fc.record({ ...kind('cut'), after: fc.integer({ min: 1, max: 40 }), unsynced }) },
    { weight: 1, arbitrary: fc.record({ ...kind('restart'), loss }) },
    { weight: 1, arbitrary: fc.record({ ...kind('recover'), unsynced, loss }) },
  ),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function run(model: LogModel, { what, waits }: Step): Promise<void> {
  if (what.kind === 'append') model.append(what.sizes, what.producer)
  if (what.kind === 'checkpoint') model.checkpoint()
  if (what.kind === 'compact') model.compact()
  if (what.kind === 'retention') model.retention(what.hours)
  if (what.kind === 'delete') model.deleteRecords(what.at)
  if (what.kind === 'fault') {
    const { target, after, times, afterBytes } = what
    // A failed sync may drop pages for good. That a cut fails as well is too much: the next process finds them in the cache.
    const codes: Partial<Record<keyof typeof targets, string>> = { sync: 'EIO', read: 'EIO', descriptors: 'EMFILE' }
    const code = codes[target] ?? 'ENOSPC'
    model.failNext({ fits: targets[target], after, times, fault: { code, afterBytes } })
  }
  if (what.kind === 'cut') model.cutPowerAfter(what.after, what.unsynced)
  if (what.kind === 'restart') await model.restart(what.loss)
  if (what.kind === 'recover') await model.recover(what.unsynced, what.loss)
  if (waits) await model.settle()
}

const settings = { segmentBytes: 700, indexIntervalBytes: 150, producerIdExpirationMs: Infinity }
const kinds = {
  plain: { ...settings, retentionMs: 24 * 3_600_000 },
  compacted: { ...settings, compact: true, delete: false, minCleanableDirtyRatio: 0, compactionMinDirtyBytes: 1 },
}
const numRuns = Number(process.env['LOG_MODEL_RUNS'] ?? 400)

describe('a log on a failing disk', () => {
  it.each(Object.entries(kinds))('keeps its promises: %s (I1, I5, I6)', async (_, config) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), fc.nat(), async (steps, seed) => {
        const model = await LogModel.open(new LogHarness(config), seededRandom(seed))
        for (const one of steps) await run(model, one)
        await model.verify()
        await model.recover('forget', null)
        await model.verify()
        await model.restart(null)
        await model.verify()
      }),
      { numRuns },
    )
  })
})

import { describe, expect, it } from 'vitest'

import { simulateAll } from './simulation-threads.ts'

/** The first seed: another one repeats a run, or begins a longer one. */
const first = Number(process.env['SIM_SEED'] ?? 1)
const runs = Number(process.env['SIM_RUNS'] ?? (process.env['SIM_SEED'] === undefined ? 100 : 1))
/** So many of the runs are repeated. */
const replayed = Math.min(runs, 5)

const seedsFrom = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => first + n)

describe('a group of workers', () => {
  it('keeps to its configuration, with one owner per task, whatever fails', async () => {
    const outcomes = await simulateAll(seedsFrom(runs))
    const failed = outcomes.filter(({ violations }) => violations.length > 0)
    expect(failed.map(({ seed, violations }) => ({ SIM_SEED: seed, violations }))).toEqual([])
    expect(outcomes).toHaveLength(runs)
  })
})

describe('a simulation', () => {
  it('repeats everything that happened, from its seed alone', async () => {
    const seeds = seedsFrom(replayed)
    expect(await simulateAll(seeds.toReversed())).toEqual(await simulateAll(seeds))
  })
})

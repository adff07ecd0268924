import { expect } from 'vitest'
import { spareDescriptors, type HostileReport } from './hostile-run.ts'

/** What a worker with its embedded broker and six connectors may take at most, whatever its clients do. */
const memoryBoundMb = 900

/** Fails where a hostile client did harm. */
export function expectUnharmed(seed: number, report: HostileReport): void {
  const { died, wrong, faults, errors, unassigned, peakMb, descriptors } = report
  const [before, after] = descriptors
  process.stdout.write(`hostile client, seed ${seed}: ${JSON.stringify(report, null, 1)}\n`)
  const harm = { died, wrong, faults, errors, unassigned }
  expect(harm, `seed ${seed}`).toEqual({ died: null, wrong: [], faults: [], errors: [], unassigned: 0 })
  expect(peakMb, `seed ${seed}: MB of memory`).toBeLessThan(memoryBoundMb)
  expect(after, `seed ${seed}: descriptors`).toBeLessThanOrEqual(before + spareDescriptors)
}

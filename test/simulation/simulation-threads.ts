import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

import type { Outcome } from './run.ts'

/** Runs seeds until there are none, on each core. @param nextSeed null: there are no more */
export async function simulate(nextSeed: () => number | null, onOutcome: (outcome: Outcome) => void): Promise<void> {
  const threads = Array.from({ length: availableParallelism() }, async () => {
    const thread = new Worker(new URL('./simulation-thread.ts', import.meta.url))
    for (let seed = nextSeed(); seed !== null; seed = nextSeed()) {
      thread.postMessage(seed)
      const [outcome] = (await once(thread, 'message')) as [Outcome]
      onOutcome(outcome)
    }
    await thread.terminate()
  })
  await Promise.all(threads)
}

/** The outcomes of these seeds, by seed. */
export async function simulateAll(seeds: readonly number[]): Promise<readonly Outcome[]> {
  const left = [...seeds]
  const outcomes: Outcome[] = []
  await simulate(
    () => left.shift() ?? null,
    (outcome) => outcomes.push(outcome),
  )
  return outcomes.toSorted((a, b) => a.seed - b.seed)
}

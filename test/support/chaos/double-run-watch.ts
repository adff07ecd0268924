import { systemClock } from '../../../src/foundation/clock.ts'
import type { ChaosGroup } from './chaos-group.ts'
import { runningTasks } from './group-check.ts'

const pauseMs = 200

/**
 * Looks all the time whether two workers run the same task. One look may see a task that moves on both; two looks in a row see
 * it on both only when both run it.
 */
export class DoubleRunWatch {
  readonly #group: ChaosGroup
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  readonly #found = new Set<string>()

  constructor(group: ChaosGroup) {
    this.#group = group
    this.#running = this.#run()
  }

  /** The tasks that ran twice so far. */
  get found(): readonly string[] {
    return [...this.#found]
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    let before = new Set<string>()
    while (!signal.aborted) {
      const now = await this.#look()
      for (const double of now) if (before.has(double)) this.#found.add(double)
      before = now
      await systemClock.sleep(pauseMs, signal).catch(() => undefined)
    }
  }

  /** Each task that several workers run, with their numbers. */
  async #look(): Promise<Set<string>> {
    const places = new Map<string, number[]>()
    for (const at of this.#group.running) {
      // A worker that has just ended or started does not respond.
      const tasks = await runningTasks(this.#group.urlOf(at)).catch(() => [])
      for (const task of tasks) places.set(task, [...(places.get(task) ?? []), at])
    }
    const doubles = [...places].filter(([, workers]) => workers.length > 1)
    return new Set(doubles.map(([task, workers]) => `${task} ran on workers ${workers.join(' and ')} at once`))
  }
}

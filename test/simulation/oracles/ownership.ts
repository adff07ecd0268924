import type { Simulation } from '../world/simulation.ts'

/** One run of a task, as far as the oracle looks at it. */
export interface ObservedRun {
  /** `connector-number` */
  readonly task: string
  /** Distinguishes the runs. */
  readonly name: string
  /** Whether its worker may act upon its assignment now, by its lease. */
  readonly mayWrite: () => boolean
}

/**
 * One owner per task (I3): when a run of a task begins, no other run of it may still write. A worker that is frozen or cut off
 * may still run a task that another one has taken over, but only after its lease has ended, and it sends no record from then on.
 */
export class Ownership {
  readonly #simulation: Simulation
  /** The runs that have not ended, by task, in the order in which they began. */
  readonly #runs = new Map<string, ObservedRun[]>()
  readonly #begun = new Map<string, ObservedRun>()
  /** Runs that began under a lease that had ended, as after the death of a thread. They own the task once they may write. */
  readonly #waiting = new Set<ObservedRun>()
  /** Runs that another one has replaced before they had ended. */
  zombies = 0

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  began(run: ObservedRun): void {
    const others = this.#runs.get(run.task) ?? []
    this.#runs.set(run.task, [...others, run])
    if (run.mayWrite()) this.#owns(run)
    else this.#waiting.add(run)
  }

  #owns(run: ObservedRun): void {
    for (const other of this.#runs.get(run.task) ?? []) {
      if (other === run) continue
      if (other.mayWrite()) this.#simulation.violated(`${run.name} begins while ${other.name} runs and may write`)
      else this.zombies += 1
    }
    this.#begun.set(run.task, run)
  }

  ended(run: ObservedRun): void {
    this.#waiting.delete(run)
    const left = (this.#runs.get(run.task) ?? []).filter((other) => other !== run)
    if (left.length > 0) this.#runs.set(run.task, left)
    else this.#runs.delete(run.task)
  }

  /** A run sends records to the broker. */
  wrote(run: ObservedRun): void {
    if (this.#waiting.delete(run)) this.#owns(run)
    const last = this.#begun.get(run.task)
    if (last === run || last === undefined) return
    this.#simulation.violated(`${run.name} sends records after ${last.name} has begun`)
  }
}

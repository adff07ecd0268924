import { abortable } from '../../foundation/async/abortable.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { TopicPartition } from '../../foundation/topic-partition.ts'
import type { Generation } from './group-member-options.ts'
import type { StartedPartitions } from './start-partitions.ts'

/** The partitions that were added in a generation, and all that the group assigns to this member. */
export interface Joined extends StartedPartitions {
  readonly partitions: readonly TopicPartition[]
}

/** A join, which continues between polls. Its failure is reported by the `poll` that waits for it. */
export class PendingJoin {
  /** Settles when the group has responded. */
  readonly generation: Promise<Generation>
  /** Whether the membership was lost meanwhile: what the join has started to read is dropped. */
  isVoid = false
  readonly #done: Promise<Joined>
  #isSettled = false

  /** @param start starts to read what the generation adds. */
  constructor(
    generation: Promise<Generation>,
    start: (generation: Generation) => Promise<Joined>,
    onSettled: () => void,
  ) {
    this.generation = generation
    this.#done = generation.then(start)
    void this.settled().then(() => {
      this.#isSettled = true
      onSettled()
    })
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  /** Resolves when the join has ended, also if it has failed. */
  async settled(): Promise<void> {
    await this.#done.catch(() => undefined)
  }

  /** Returns the result; null if the deadline, in monotonic milliseconds, comes first. @throws why the join failed, or the signal's reason */
  async before(deadline: number, clock: Clock, signal: AbortSignal | undefined): Promise<Joined | null> {
    const late = Promise.withResolvers<null>()
    const cancel = clock.after(Math.max(0, deadline - clock.monotonic()), () => late.resolve(null))
    try {
      return await abortable(Promise.race([this.#done, late.promise]), signal)
    } finally {
      cancel()
    }
  }
}

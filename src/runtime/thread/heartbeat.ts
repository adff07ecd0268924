import type { Clock } from '../../foundation/clock.ts'

/** How often a thread signals that its event loop runs, and how often the main thread checks. Milliseconds. */
export const beatMs = 500

/** The heartbeat of a thread: a counter in shared memory, so that checking it costs the thread nothing. */
export function newBeat(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
}

/** On the thread: increments the counter from now on. */
export function beat(buffer: SharedArrayBuffer, clock: Clock): void {
  const counter = new Int32Array(buffer)
  Atomics.add(counter, 0, 1)
  clock.every(beatMs, () => Atomics.add(counter, 0, 1))
}

/**
 * The observer's side. Each check counts at most two intervals as silence, so that time in which the observer itself was
 * blocked, because the machine was suspended or overloaded, hardly counts. A thread that has not sent its first heartbeat
 * counts as running.
 */
export class BeatWatch {
  readonly #counter: Int32Array
  #seen = 0
  #silentMs = 0

  constructor(buffer: SharedArrayBuffer) {
    this.#counter = new Int32Array(buffer)
  }

  /** How long the thread has been silent. Milliseconds. */
  get silentMs(): number {
    return this.#silentMs
  }

  /** Whether the thread has sent a heartbeat since the last {@link look}. */
  get hasBeaten(): boolean {
    return Atomics.load(this.#counter, 0) !== this.#seen
  }

  /** @param elapsedMs since the last call */
  look(elapsedMs: number): void {
    const now = Atomics.load(this.#counter, 0)
    if (now === 0 || now !== this.#seen) this.#silentMs = 0
    else this.#silentMs += Math.min(elapsedMs, 2 * beatMs)
    this.#seen = now
  }
}

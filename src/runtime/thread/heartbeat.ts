import type { Clock } from '../../foundation/clock.ts'

/** How often a thread shows that its event loop turns, and how often somebody looks. Milliseconds. */
export const beatMs = 500

/** The beat of a thread: a counter in memory that both sides see, so that looking costs the thread nothing. */
export function newBeat(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
}

/** On the thread: beats from now on. */
export function beat(buffer: SharedArrayBuffer, clock: Clock): void {
  const counter = new Int32Array(buffer)
  Atomics.add(counter, 0, 1)
  clock.every(beatMs, () => Atomics.add(counter, 0, 1))
}

/**
 * The observer's side. Silence counts in turns of the observer's own event loop, each of them with little more than one
 * interval: time in which the observer stood still itself, because the machine was suspended or overloaded, is not held
 * against the thread. A thread that has not begun to beat is not judged.
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

  /** Whether the thread has beaten since the last {@link look}. */
  get hasBeaten(): boolean {
    return Atomics.load(this.#counter, 0) !== this.#seen
  }

  /** @param elapsedMs since the last look */
  look(elapsedMs: number): void {
    const now = Atomics.load(this.#counter, 0)
    if (now === 0 || now !== this.#seen) this.#silentMs = 0
    else this.#silentMs += Math.min(elapsedMs, 2 * beatMs)
    this.#seen = now
  }
}

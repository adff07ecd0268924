import { processClock, type ProcessClock } from '../../foundation/clock.ts'

const monotonicCell = 0
const wallCell = 1

/**
 * Until when this worker may act upon its assignment. The group removes a worker that it has not heard of for
 * `session.timeout.ms`, and others run its tasks: a worker that was stopped or cut off for so long must not write on. The
 * main thread extends the lease with each response of the coordinator; the other threads check it before they write.
 *
 * It ends by the first of two clocks: the monotonic one stands still while the machine is suspended, and the wall clock can be
 * set back. A lease that ends early only delays writes until the next response.
 */
export class Lease {
  /** What another thread needs for {@link sharedWith}. */
  readonly buffer: SharedArrayBuffer
  readonly #cells: BigInt64Array
  readonly #clock: ProcessClock

  private constructor(buffer: SharedArrayBuffer, clock: ProcessClock) {
    this.buffer = buffer
    this.#cells = new BigInt64Array(buffer)
    this.#clock = clock
  }

  /** A lease that has not begun. */
  static create(clock: ProcessClock = processClock): Lease {
    return new Lease(new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT), clock)
  }

  /** The lease of another thread. */
  static sharedWith(buffer: SharedArrayBuffer): Lease {
    return new Lease(buffer, processClock)
  }

  get isValid(): boolean {
    const clock = this.#clock
    return clock.monotonic() < Number(this.#read(monotonicCell)) && clock.wall() < Number(this.#read(wallCell))
  }

  /** Lets it last for `ms` from now, unless it lasts longer already. */
  extend(ms: number): void {
    const clock = this.#clock
    const until = BigInt(Math.floor(clock.monotonic() + ms))
    if (until <= this.#read(monotonicCell)) return
    Atomics.store(this.#cells, monotonicCell, until)
    Atomics.store(this.#cells, wallCell, BigInt(Math.floor(clock.wall() + ms)))
  }

  /** Ends it. */
  end(): void {
    Atomics.store(this.#cells, monotonicCell, 0n)
  }

  #read(cell: number): bigint {
    return Atomics.load(this.#cells, cell)
  }
}

import type { ConnectionLimits } from './connection-limits.ts'
import type { FrameMemory } from '../../protocol/frame-splitter.ts'
import { FramePool } from './frame-pool.ts'
import { MemoryBudget } from './memory-budget.ts'

/** Maximum memory of large requests that is kept for reuse, for all connections: 16 MiB. */
const pooledFrames = 16
const smallBytes = 64 * 1024
/**
 * Bytes that a connection may always read, so that heartbeats, commits and small batches get through, however much memory others
 * hold. 16 MiB if all connections do so (`max.connections`).
 */
const alwaysBytes = 8 * 1024
/** The part of the memory for responses that records may fill. The rest is for one last batch, however large. */
const forRecords = 0.75
/** Above it no Fetch starts: the rest is for all other requests. */
const forFetches = 0.875
/** The part of the free memory for records that one response may use, so that others get some as well. */
const oneResponse = 0.25

/** The memory that all connections share (I10). */
export class ConnectionMemory {
  readonly requests: MemoryBudget
  readonly responses: MemoryBudget
  readonly frames = new FramePool(pooledFrames)
  #growing: object | null = null

  constructor({ queuedRequestBytes, queuedResponseBytes }: ConnectionLimits) {
    this.requests = new MemoryBudget(queuedRequestBytes)
    this.responses = new MemoryBudget(queuedResponseBytes)
  }

  /** Buffers in which requests are assembled. While little memory is free, large requests start with small buffers. */
  receivedBy(owner: object): FrameMemory {
    const { requests, frames } = this
    return {
      get firstBytes() {
        if (requests.used < requests.limit / 2) return frames.firstBytes
        return requests.isExhausted ? alwaysBytes : smallBytes
      },
      // The only request that may grow gets its whole buffer now: doubling would hold twice as much while it copies.
      grown: (length, bytes) => (this.#growing === owner ? length : Math.min(length, 2 * bytes)),
      take: (size) => frames.take(size),
    }
  }

  /** Maximum bytes of one read of requests that have no memory yet. */
  get readBytes(): number {
    return this.requests.isExhausted ? alwaysBytes : Number.POSITIVE_INFINITY
  }

  /** Bytes of records that one more response may have. Its first batch is returned although it is larger. */
  get roomForRecords(): number {
    const { limit, used } = this.responses
    return Math.max(Math.floor((limit * forRecords - used) * oneResponse), 0)
  }

  /** Returns whether one more request may start, with records in its response or without. */
  mayRespond(withRecords: boolean): boolean {
    const { limit, used } = this.responses
    return used < (withRecords ? limit * forFetches : limit)
  }

  /**
   * Returns whether a request that is larger than its `bytes` of memory may have as many more. Half of the memory is
   * reserved for small requests. Beyond that, one request at a time may grow, so that one of them always completes.
   */
  mayGrow(owner: object, bytes: number): boolean {
    if (this.#growing === owner || this.requests.used + bytes <= this.requests.limit / 2) return true
    if (this.#growing !== null) return false
    this.#growing = owner
    return true
  }

  /** The part of a request's memory that counts while it is received: nothing for the only request that may grow. */
  countedOf(owner: object, bytes: number): number {
    return this.#growing === owner ? 0 : bytes
  }

  endGrowth(owner: object): void {
    if (this.#growing !== owner) return
    this.#growing = null
    this.requests.recheck()
  }
}

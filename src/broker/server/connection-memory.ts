import type { ConnectionLimits } from './connection-limits.ts'
import type { FrameMemory } from '../../protocol/frame-splitter.ts'
import { FramePool } from './frame-pool.ts'
import { MemoryBudget } from './memory-budget.ts'

/** Large requests' memory that is kept for the next ones, by all connections together: 16 MiB at most. */
const pooledFrames = 16
const smallBytes = 64 * 1024
/**
 * What a connection may read while nothing is left: heartbeats, commits and small batches come through, whatever others hold.
 * 16 MiB where all connections do so (`max.connections`).
 */
const alwaysBytes = 8 * 1024
/** The part of the memory for responses that records may fill. The rest is for one last batch, however large. */
const forRecords = 0.75
/** Above it no fetch begins: the rest is for all other requests. */
const forFetches = 0.875
/** The part of the free memory for records that one response may use, so that others get some as well. */
const oneResponse = 0.25

/** The memory that all connections share. */
export class ConnectionMemory {
  readonly requests: MemoryBudget
  readonly responses: MemoryBudget
  readonly frames = new FramePool(pooledFrames)
  #growing: object | null = null

  constructor({ queuedRequestBytes, queuedResponseBytes }: ConnectionLimits) {
    this.requests = new MemoryBudget(queuedRequestBytes)
    this.responses = new MemoryBudget(queuedResponseBytes)
  }

  /** Where the requests of a connection are put together; while little is left, large ones begin small. */
  receivedBy(owner: object): FrameMemory {
    const { requests, frames } = this
    return {
      get firstBytes() {
        if (requests.used < requests.limit / 2) return frames.firstBytes
        return requests.isExhausted ? alwaysBytes : smallBytes
      },
      // The one that grows alone gets its place at once: of half a request, doubling would hold twice as much while it copies.
      grown: (length, bytes) => (this.#growing === owner ? length : Math.min(length, 2 * bytes)),
      take: (size) => frames.take(size),
    }
  }

  /** Bytes that one read may bring of requests that have no memory yet. */
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
   * Whether a request that is larger than the `bytes` of memory it got may have as many more. Such requests leave half of the
   * memory to small ones; beyond that, one at a time grows, so that one of them always ends.
   */
  mayGrow(owner: object, bytes: number): boolean {
    if (this.#growing === owner || this.requests.used + bytes <= this.requests.limit / 2) return true
    if (this.#growing !== null) return false
    this.#growing = owner
    return true
  }

  /** What counts of the memory that a request takes while it is received: of the one that grows alone, nothing. */
  countedOf(owner: object, bytes: number): number {
    return this.#growing === owner ? 0 : bytes
  }

  endGrowth(owner: object): void {
    if (this.#growing !== owner) return
    this.#growing = null
    this.requests.recheck()
  }
}

import { errorMessage } from '../../foundation/error-message.ts'
import { backoffMs } from '../../foundation/async/backoff.ts'
import type { Cluster } from './cluster.ts'
import { isRetriable } from '../errors.ts'

const warnEveryMs = 30_000

/** Who leads the partitions of one producer or consumer: looks leaders up again when they have moved or are not known. */
export class LeaderFinder {
  /** Called after a look-up; leaders may have become known. */
  onFound: () => void = () => undefined
  /** Called when looking up fails for good. */
  onError: (error: unknown) => void = () => undefined
  readonly #cluster: Cluster
  readonly #signal: AbortSignal
  /** Topics whose leaders have to be looked up. */
  readonly #stale = new Set<string>()
  #isSearching = false
  #warnedAt = Number.NEGATIVE_INFINITY

  constructor(cluster: Cluster, signal: AbortSignal) {
    this.#cluster = cluster
    this.#signal = signal
  }

  /** The node that leads a partition; null when it is being looked up. */
  leaderOf(topic: string, partition: number): number | null {
    const leader = this.#stale.has(topic) ? null : this.#cluster.metadata.leaderOf(topic, partition)
    if (leader === null) this.forget(topic)
    return leader
  }

  /** The leaders of a topic are not what metadata says. */
  forget(topic: string): void {
    this.#stale.add(topic)
    void this.#search()
  }

  async #search(): Promise<void> {
    if (this.#isSearching) return
    this.#isSearching = true
    try {
      for (let attempt = 1; this.#stale.size > 0; attempt += 1) {
        await this.#lookUp([...this.#stale])
        if (this.#stale.size > 0)
          await this.#cluster.clock.sleep(backoffMs(this.#cluster.backoff, attempt), this.#signal)
      }
    } catch (error) {
      if (!this.#signal.aborted) this.onError(error)
    } finally {
      this.#isSearching = false
    }
  }

  async #lookUp(topics: readonly string[]): Promise<void> {
    const { metadata, clock, logger } = this.#cluster
    let reason = 'it does not exist'
    try {
      await this.#cluster.refreshMetadata(topics, { signal: this.#signal })
    } catch (error) {
      if (!isRetriable(error)) throw error
      reason = errorMessage(error)
    }
    const found = topics.filter((topic) => isLed(metadata.topics.get(topic)?.partitions))
    for (const topic of found) this.#stale.delete(topic)
    if (found.length > 0) this.onFound()
    if (this.#stale.size === 0 || clock.monotonic() - this.#warnedAt < warnEveryMs) return
    this.#warnedAt = clock.monotonic()
    logger.warn(`no leader for topic ${[...this.#stale].join(', ')} (${reason}); looking again`)
  }
}

function isLed(partitions: readonly { readonly leaderId: number }[] | undefined): boolean {
  return partitions !== undefined && partitions.some(({ leaderId }) => leaderId >= 0)
}

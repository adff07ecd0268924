import { errorMessage } from '../../foundation/error-message.ts'
import { backoffMs } from '../../foundation/async/backoff.ts'
import type { Cluster } from './cluster.ts'
import { isRetriable } from '../errors.ts'

const warnEveryMs = 30_000

/** What a {@link LeaderFinder} reports to its owner. */
export interface LeaderListener {
  /** A lookup has ended: leaders may have become known. */
  readonly onFound: () => void
  /** A lookup failed and is not retried. */
  readonly onError: (error: unknown) => void
}

/** Finds the leaders of the partitions of one producer or consumer, and looks them up again after they have moved. */
export class LeaderFinder {
  readonly #cluster: Cluster
  readonly #signal: AbortSignal
  readonly #listener: LeaderListener
  /** Topics whose leaders must be looked up. */
  readonly #stale = new Set<string>()
  #isSearching = false
  #warnedAt = Number.NEGATIVE_INFINITY

  /** @param signal stops looking. */
  constructor(cluster: Cluster, signal: AbortSignal, listener: LeaderListener) {
    this.#cluster = cluster
    this.#signal = signal
    this.#listener = listener
  }

  /** Returns the node that leads a partition; null while it is being looked up. */
  leaderOf(topic: string, partition: number): number | null {
    const leader = this.#stale.has(topic) ? null : this.#cluster.metadata.leaderOf(topic, partition)
    if (leader === null) this.forget(topic)
    return leader
  }

  /** Looks up the leaders of a topic again, because those in the metadata are outdated. */
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
      if (!this.#signal.aborted) this.#listener.onError(error)
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
    if (found.length > 0) this.#listener.onFound()
    if (this.#stale.size === 0 || clock.monotonic() - this.#warnedAt < warnEveryMs) return
    this.#warnedAt = clock.monotonic()
    logger.warn(`no leader for topic ${[...this.#stale].join(', ')} (${reason}), retrying`)
  }
}

function isLed(partitions: readonly { readonly leaderId: number }[] | undefined): boolean {
  return partitions !== undefined && partitions.some(({ leaderId }) => leaderId >= 0)
}

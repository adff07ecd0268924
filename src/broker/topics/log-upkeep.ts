import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { isDiskFull } from '../../log/disk/disk-full.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import type { BrokerConfig } from '../settings/broker-config.ts'
import type { Topic, Topics } from './topics.ts'

/**
 * Runs retention, compaction and checkpoints of all partitions, each at its own interval: one partition after the other, and one
 * round of each kind at a time. The failure of a partition is logged, and retried in the next round.
 */
export class LogUpkeep {
  readonly #topics: Topics
  readonly #logger: Logger
  readonly #stops: readonly (() => void)[]
  readonly #rounds = new Set<Promise<void>>()
  /** The partition that is being compacted. That can take long, so the other rounds do not wait for it. */
  #compacting: PartitionLog | null = null
  /** The kinds of work that wait for the compaction. */
  readonly #behind = new Set<string>()
  #stopped = false

  constructor(options: {
    readonly topics: Topics
    readonly config: BrokerConfig
    readonly clock: Clock
    readonly logger: Logger
  }) {
    const { topics, config, clock, logger } = options
    this.#topics = topics
    this.#logger = logger
    const checkpoint = (log: PartitionLog): Promise<void> => log.checkpoint()
    this.#stops = [
      this.#every(clock, config.retentionCheckMs, 'retention', (log) => log.applyRetention(clock.now())),
      this.#every(clock, config.compactionCheckMs, 'compaction', async (log) => {
        if (log.config.compact) await this.#compact(log, clock.now())
      }),
      this.#every(clock, config.checkpointMs, 'checkpoint', checkpoint),
      clock.every(config.checkpointMs, () => void topics.refillReserve()),
      clock.every(config.checkpointMs, () => this.#begin(topics.retryOffline())),
    ]
    this.#begin(this.#round('checkpoint', checkpoint)) // So that the next start does not scan again what this one had to scan.
  }

  /** Starts no more work, and waits for the work in progress. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const stop of this.#stops) stop()
    await Promise.all(this.#rounds)
  }

  #every(clock: Clock, periodMs: number, what: string, work: (log: PartitionLog) => Promise<unknown>): () => void {
    let isBusy = false
    return clock.every(periodMs, () => {
      if (isBusy || this.#stopped) return
      isBusy = true
      this.#begin(
        this.#round(what, work).finally(() => {
          isBusy = false
        }),
      )
    })
  }

  #begin(round: Promise<void>): void {
    this.#rounds.add(round)
    void round.finally(() => this.#rounds.delete(round))
  }

  async #compact(log: PartitionLog, nowMs: number): Promise<void> {
    this.#compacting = log
    try {
      await log.compact(nowMs)
    } finally {
      this.#compacting = null
    }
  }

  async #round(what: string, work: (log: PartitionLog) => Promise<unknown>): Promise<void> {
    const full: { count: number; error: unknown } = { count: 0, error: null }
    for (const topic of this.#topics.all()) {
      for (const [partition, log] of topic.partitions.entries()) {
        if (this.#stopped) return
        if (log === null || (log === this.#compacting && this.#behind.has(what))) continue
        const isBehind = log === this.#compacting
        const done = this.#work({ topic, partition, what, full }, () => work(log))
        if (!isBehind) await done
        else {
          this.#behind.add(what)
          this.#begin(done.finally(() => this.#behind.delete(what)))
        }
      }
    }
    if (full.count === 0) return
    this.#logger.warn(`${what} waits for room on the disk`, { partitions: full.count, error: String(full.error) })
  }

  async #work(
    { topic, partition, what, full }: Place & { readonly full: { count: number; error: unknown } },
    work: () => Promise<unknown>,
  ): Promise<void> {
    try {
      await work()
    } catch (error) {
      // The topic was deleted meanwhile: there is nothing to keep.
      if (this.#topics.get(topic.name)?.id !== topic.id) return
      if (isDiskFull(error)) {
        full.count += 1
        full.error ??= error
      } else this.#logger.error(`${what} of ${topic.name}-${partition} failed`, { error: String(error) })
    }
  }
}

interface Place {
  readonly topic: Topic
  readonly partition: number
  readonly what: string
}

import { errorMessage } from '../../foundation/error-message.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { isRetriable } from '../errors.ts'

/** What a consumer reads: named topics, or every topic whose whole name matches. */
export type TopicSelection = { readonly topics: readonly string[] } | { readonly pattern: RegExp }

/** Missing topics are looked up again after a tenth of the time waited so far, but at least after this. */
const firstMissingCheckMs = 100
const waitedShare = 0.1
/** The maximum intervals. Lookups by name are cheap; a pattern requests all topics of the cluster. */
const namedCheckMs = 1_000
const patternCheckMs = 10_000

/** The part of the cluster that a subscription uses. */
export type TopicSource = Pick<Cluster, 'clock' | 'logger' | 'isClosed' | 'metadata' | 'refreshMetadata' | 'retrying'>

export interface SubscriptionOptions {
  /** Longest time between two lookups (`metadata.max.age.ms`). */
  readonly maxAgeMs: number
  readonly allowAutoTopicCreation: boolean
  /** Topics were created or deleted, or their partition counts have changed. */
  readonly onChange: (reason: string) => void
}

/**
 * The topics of a selection. Looks them up every `maxAgeMs`, and more often while a named topic is missing or no topic matches:
 * at first after 100 ms, so that a sink that is started together with its source is not delayed.
 */
export class Subscription {
  readonly selection: TopicSelection
  readonly #cluster: TopicSource
  readonly #options: SubscriptionOptions
  readonly #closing = new AbortController()
  /** The topics in the last join. */
  #asked: readonly string[] = []
  /** The topics of other members, if this one is the leader. */
  #ofGroup: readonly string[] = []
  #counts: ReadonlyMap<string, number> = new Map()
  #isWatching = false
  #isLoaded = false

  constructor(cluster: TopicSource, selection: TopicSelection, options: SubscriptionOptions) {
    this.#cluster = cluster
    this.#options = options
    this.selection =
      'topics' in selection ? { topics: [...new Set(selection.topics)].sort() } : wholeName(selection.pattern)
  }

  /** Returns the topics for a join. Topics that match later are a change, which causes another join. */
  ask(): readonly string[] {
    this.#asked = this.topics()
    return this.#asked
  }

  /** Returns the named topics, whether they exist or not, or the matching topics. */
  topics(): readonly string[] {
    if ('topics' in this.selection) return this.selection.topics
    const { pattern } = this.selection
    return [...this.#cluster.metadata.topics.values()]
      .filter(({ name, isInternal }) => !isInternal && pattern.test(name))
      .map(({ name }) => name)
      .sort()
  }

  /** Returns whether the topic is one of this member's, whether it exists or not. */
  selects(topic: string): boolean {
    return 'topics' in this.selection ? this.selection.topics.includes(topic) : this.selection.pattern.test(topic)
  }

  /** Looks up the partition counts of the existing topics of this member and the group. */
  async partitionCounts(ofGroup: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
    this.#ofGroup = ofGroup
    await this.#cluster.retrying('look up topics', { signal }, () => this.#refresh(signal))
    this.#counts = this.#countsOf(this.#asked)
    return this.#counts
  }

  /** Watches only the topics of this member, because it does not lead the group. */
  forgetGroup(): void {
    this.#ofGroup = []
    this.#counts = this.#countsOf(this.#asked)
  }

  /** Looks the topics up for the first time. */
  async load(signal?: AbortSignal): Promise<void> {
    await this.#cluster.retrying('look up topics', { signal }, () => this.#refresh(signal))
    this.#counts = this.#known()
    this.#isLoaded = true
    const missing = 'topics' in this.selection ? this.#absent(this.selection.topics) : []
    if (missing.length > 0) this.#cluster.logger.warn(`waiting for topics that do not exist: ${missing.join(', ')}`)
  }

  /** Returns a sentence about selected topics that do not exist; null if all exist, or before the first lookup. */
  missing(): string | null {
    if (!this.#isLoaded) return null
    if ('pattern' in this.selection)
      return this.topics().length === 0 ? 'the cluster has no topic that matches the pattern' : null
    const absent = this.#absent(this.selection.topics)
    return absent.length === 0 ? null : `the cluster has no topic ${absent.join(', ')}`
  }

  /** Starts looking the topics up in the background. */
  watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    void this.#watch().catch((error: unknown) => {
      if (this.#closing.signal.aborted || this.#cluster.isClosed) return
      this.#cluster.logger.error('topics are no longer watched', { error })
    })
  }

  close(): void {
    this.#closing.abort()
  }

  async #watch(): Promise<void> {
    const { clock, logger } = this.#cluster
    const { signal } = this.#closing
    const since = clock.monotonic()
    while (!signal.aborted) {
      await clock.sleep(this.#untilNextLook(clock.monotonic() - since), signal)
      try {
        await this.#refresh(signal)
      } catch (error) {
        if (!isRetriable(error)) throw error
        logger.debug(`looking up topics: ${errorMessage(error)}`)
        continue
      }
      const reason = changeBetween(this.#counts, this.#known())
      if (reason === null) continue
      this.#counts = this.#known()
      this.#options.onChange(reason)
    }
  }

  async #refresh(signal: AbortSignal | undefined): Promise<void> {
    if ('pattern' in this.selection) return this.#cluster.refreshMetadata(null, { signal })
    const topics = [...new Set([...this.selection.topics, ...this.#ofGroup])]
    const { allowAutoTopicCreation } = this.#options
    return this.#cluster.refreshMetadata(topics, { allowAutoTopicCreation, signal })
  }

  #absent(topics: readonly string[]): readonly string[] {
    return topics.filter((topic) => !this.#cluster.metadata.topics.has(topic))
  }

  #known(): Map<string, number> {
    return this.#countsOf(this.topics())
  }

  /** Returns the partition counts of these topics and the group's, if they exist. */
  #countsOf(topics: readonly string[]): Map<string, number> {
    const counts = new Map<string, number>()
    for (const topic of new Set([...topics, ...this.#ofGroup])) {
      const known = this.#cluster.metadata.topics.get(topic)
      if (known !== undefined) counts.set(topic, known.partitions.length)
    }
    return counts
  }

  #untilNextLook(waitedMs: number): number {
    const { maxAgeMs } = this.#options
    if (!this.#hasMissing()) return maxAgeMs
    const most = 'topics' in this.selection ? namedCheckMs : patternCheckMs
    return Math.min(maxAgeMs, most, Math.max(firstMissingCheckMs, waitedMs * waitedShare))
  }

  #hasMissing(): boolean {
    if ('pattern' in this.selection) return this.topics().length === 0
    return this.selection.topics.some((topic) => !this.#counts.has(topic))
  }
}

/** As in Java, the pattern must match the whole name. */
function wholeName(pattern: RegExp): { readonly pattern: RegExp } {
  return { pattern: new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, '')) }
}

function changeBetween(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string | null {
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (topic) => before.get(topic) !== after.get(topic),
  )
  return changed.length === 0 ? null : `partitions of ${changed.join(', ')} were created or deleted`
}

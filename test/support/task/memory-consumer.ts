import type { FetchedRecord } from '../../../src/client/consumer/fetched-record.ts'
import type { ConsumerListener } from '../../../src/client/group/consumer-listener.ts'
import { deferred, type Deferred } from '../../../src/foundation/async/deferred.ts'
import type { RecordConsumer } from '../../../src/runtime/task-thread/sink/sink-task-loop.ts'

interface Partition {
  readonly topic: string
  readonly partition: number
}
interface Offset extends Partition {
  readonly offset: number
  readonly metadata?: string | null
}

const nameOf = ({ topic, partition }: Partition): string => `${topic}-${partition}`

/** A group consumer whose log is a list and whose group is the test. Callbacks run inside `poll`, as a client's do. */
export class MemoryConsumer implements RecordConsumer {
  readonly committed = new Map<string, number>()
  /** Of the committed offsets. */
  readonly metadata = new Map<string, string | null>()
  readonly commits: (readonly Offset[])[] = []
  readonly paused = new Set<string>()
  readonly subscriptions: unknown[] = []
  readonly topicIds = new Map<string, string>()
  /** Where reading continues behind offsets without a record, at the end of a partition's log. */
  readonly passed = new Map<string, number>()
  /** What `missing` says. */
  absent: string | null = null
  closed = false
  failure: Error | null = null
  polls = 0
  readonly #log = new Map<string, FetchedRecord[]>()
  readonly #positions = new Map<string, number>()
  #rebalance: (() => Promise<void>) | null = null
  #arrival: Deferred<void> | null = null
  #listener: ConsumerListener | null = null

  /** The key of the record at an offset; none by default. */
  keyOf: (offset: number) => string | null = () => null

  /** Appends values to a partition's log; null is a tombstone. */
  append(topic: string, partition: number, ...values: (string | null)[]): void {
    const name = nameOf({ topic, partition })
    const list = this.#log.get(name) ?? []
    this.#log.set(name, list)
    for (const value of values) {
      const offset = list.length
      const [key, bytes] = [this.keyOf(offset), value].map((text) => (text === null ? null : Buffer.from(text)))
      const [at, kept] = [
        { topic, partition, offset },
        { key: key ?? null, value: bytes ?? null, headers: [] },
      ]
      list.push({ ...at, ...kept, timestamp: 1, timestampType: 0 })
    }
    this.#arrived()
  }

  position(at: Partition): number | null {
    const position = this.#positions.get(nameOf(at))
    return position === undefined ? null : Math.max(position, this.passed.get(nameOf(at)) ?? 0)
  }

  missing(): string | null {
    return this.absent
  }

  assign(...partitions: Partition[]): Promise<void> {
    return this.#during(async () => {
      const offsets = partitions.map(({ topic, partition }) => {
        const offset = this.committed.get(nameOf({ topic, partition })) ?? 0
        return { topic, partition, offset, metadata: this.metadata.get(nameOf({ topic, partition })) ?? null }
      })
      for (const at of offsets) this.#positions.set(nameOf(at), at.offset)
      await this.#listener?.onAssigned(offsets)
    })
  }

  revoke(...partitions: Partition[]): Promise<void> {
    return this.#giveUp(partitions, false)
  }

  /** They are another member's already. */
  lose(...partitions: Partition[]): Promise<void> {
    return this.#giveUp(partitions, true)
  }

  /** The process is gone: no partition is held, and nothing waits. */
  forget(): void {
    this.#positions.clear()
    this.paused.clear()
    this.#rebalance = null
  }

  subscribe(to: unknown, listener: ConsumerListener): void {
    this.subscriptions.push(to)
    this.#listener = listener
  }

  async poll(maxWaitMs: number, signal?: AbortSignal): Promise<FetchedRecord[]> {
    this.polls += 1
    signal?.throwIfAborted()
    if (this.failure !== null) throw this.failure
    const rebalance = this.#rebalance
    this.#rebalance = null
    await rebalance?.()
    const records = this.#take()
    if (records.length > 0 || maxWaitMs === 0) return records
    this.#arrival = deferred<void>()
    const arrival = this.#arrival
    const onAbort = (): void => arrival.reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    const timer = setTimeout(() => arrival.resolve(), Math.min(maxWaitMs, 20))
    try {
      await arrival.promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    return []
  }

  pause(partitions: readonly Partition[]): void {
    for (const at of partitions) this.paused.add(nameOf(at))
  }

  resume(partitions: readonly Partition[]): void {
    for (const at of partitions) this.paused.delete(nameOf(at))
    this.#arrived()
  }

  seek({ topic, partition }: Partition, offset: number): void {
    this.#positions.set(nameOf({ topic, partition }), offset)
  }

  topicId(topic: string): string | null {
    return this.topicIds.get(topic) ?? null
  }

  highWatermark(partition: Partition): number | null {
    return this.#log.get(nameOf(partition))?.length ?? null
  }

  async commit(offsets: readonly Offset[], _signal?: AbortSignal): Promise<void> {
    this.commits.push(offsets)
    this.apply(offsets)
  }

  /** The group has these offsets. */
  apply(offsets: readonly Offset[]): void {
    for (const at of offsets) {
      this.committed.set(nameOf(at), at.offset)
      this.metadata.set(nameOf(at), at.metadata ?? null)
    }
  }

  async close(): Promise<void> {
    this.closed = true
  }

  #take(): FetchedRecord[] {
    const records: FetchedRecord[] = []
    for (const [name, position] of this.#positions) {
      if (this.paused.has(name)) continue
      const fresh = (this.#log.get(name) ?? []).slice(position)
      this.#positions.set(name, position + fresh.length)
      records.push(...fresh)
    }
    return records
  }

  #giveUp(partitions: Partition[], lost: boolean): Promise<void> {
    return this.#during(async () => {
      await this.#listener?.onRevoked(partitions, { lost, reason: 'the test says so' })
      for (const at of partitions) this.#positions.delete(nameOf(at))
    })
  }

  #during(rebalance: () => Promise<void>): Promise<void> {
    const done = deferred<void>()
    this.#rebalance = async () => {
      await rebalance()
      done.resolve()
    }
    this.#arrived()
    return done.promise
  }

  #arrived(): void {
    this.#arrival?.resolve()
    this.#arrival = null
  }
}

import { ClientClosedError } from '../../../src/client/errors.ts'
import type { OutgoingRecord } from '../../../src/client/producer/outgoing-record.ts'
import type { ProducerListener } from '../../../src/client/producer/producer.ts'
import { present } from '../../../src/foundation/assert.ts'
import { deferred, type Deferred } from '../../../src/foundation/async/deferred.ts'
import type { RecordProducer } from '../../../src/runtime/task-thread/source/source-task-loop.ts'

/** A producer whose log is a list, and which acknowledges when the test says so. */
export class MemoryProducer implements RecordProducer {
  readonly appended: { readonly record: OutgoingRecord; readonly token: number }[] = []
  /** Acknowledge by itself, a turn of the event loop after `append`. */
  automatic = false
  closed = false
  refuse: ((record: OutgoingRecord) => Error | null) | null = null
  #acknowledged = 0
  #full: Deferred<void> | null = null
  #flushes: Deferred<void>[] = []
  #listener: ProducerListener | null = null

  /** This producer, reporting to `listener`. */
  reportingTo(listener: ProducerListener): this {
    this.#listener = listener
    return this
  }

  get listener(): ProducerListener {
    return present(this.#listener, 'the listener of the producer')
  }

  get unacknowledged(): number {
    return this.appended.length - this.#acknowledged
  }

  append(record: OutgoingRecord, token: number): void {
    if (this.closed) throw new ClientClosedError('the producer is closed')
    const refusal = this.refuse?.(record) ?? null
    if (refusal !== null) throw refusal
    this.appended.push({ record, token })
    if (this.automatic) setImmediate(() => this.acknowledge(this.unacknowledged))
  }

  room(): Promise<void> | null {
    return this.#full?.promise ?? null
  }

  fill(): void {
    this.#full ??= deferred<void>()
  }

  drain(): void {
    this.#full?.resolve()
    this.#full = null
  }

  /** Acknowledges the next `count` records in one batch. */
  acknowledge(count: number): void {
    const batch = this.appended.slice(this.#acknowledged, this.#acknowledged + count)
    this.#acknowledged += batch.length
    if (batch.length > 0) this.listener.onAcknowledged(batch.map(({ token }) => token))
    if (this.unacknowledged === 0) for (const flush of this.#flushes.splice(0)) flush.resolve()
  }

  /** Gives up what is not acknowledged. */
  fail(error: Error): void {
    const batch = this.appended.slice(this.#acknowledged)
    this.#acknowledged = this.appended.length
    this.listener.onFailed(
      error,
      batch.map(({ token }) => token),
    )
    for (const flush of this.#flushes.splice(0)) flush.resolve()
  }

  async flush(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.unacknowledged === 0) return
    const flush = deferred<void>()
    this.#flushes.push(flush)
    signal?.addEventListener('abort', () => flush.reject(signal.reason))
    await flush.promise
  }

  async close(): Promise<void> {
    this.closed = true
    this.drain()
    if (this.unacknowledged > 0) this.fail(new ClientClosedError('the producer is closed'))
  }
}

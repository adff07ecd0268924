import { withDeadline } from '../../foundation/async/deadline.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { Admin } from '../../client/admin.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import type { Clock } from '../../foundation/clock.ts'
import { Conditions } from '../../foundation/metrics/conditions.ts'
import type { Logger } from '../../foundation/logging/logger.ts'

const everyMs = 10_000
/** A broker that does not respond within this time is shown as unreachable. Milliseconds. */
const timeoutMs = 8_000
const missingCode = 'INTERNAL_TOPIC_MISSING'
const unreachableCode = 'LOG_UNREACHABLE'

export interface InternalTopicWatchOptions {
  readonly topics: Pick<WorkerConfig, 'configTopic' | 'offsetTopic' | 'statusTopic'>
  /** `bootstrap.servers`, or the address of the embedded broker, for the text. */
  readonly servers: string
  readonly admin: Pick<Admin, 'describeTopics'>
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Checks every ten seconds whether the worker's internal topics still exist. A deleted topic is re-created, empty, only at the
 * next start: until then nothing is stored in it, and requests that need it wait indefinitely. A broker that does not respond
 * is a condition too, even if nothing is written.
 */
export class InternalTopicWatch {
  readonly #options: InternalTopicWatchOptions
  readonly #conditions: Conditions
  readonly #closing = new AbortController()
  readonly #cancel: () => void
  #isBusy = false
  /** When the broker stopped responding. Milliseconds of the epoch. */
  #silentSince: number | null = null

  constructor(options: InternalTopicWatchOptions) {
    this.#options = options
    this.#conditions = new Conditions(options.logger)
    this.#cancel = options.clock.every(everyMs, () => void this.#check())
  }

  /** The conditions that stand, by code; empty while all topics exist and the broker responds. */
  get conditions(): ReadonlyMap<string, string> {
    return this.#conditions.standing
  }

  close(): void {
    this.#cancel()
    this.#closing.abort()
  }

  async #check(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    const { admin, clock, topics } = this.#options
    const began = clock.now()
    try {
      const { configTopic, offsetTopic, statusTopic } = topics
      const uses = [
        { name: configTopic.name, use: 'config.storage.topic: no connector can be created, changed or deleted' },
        { name: offsetTopic.name, use: 'offset.storage.topic: source connectors cannot store their offsets' },
        { name: statusTopic.name, use: 'status.storage.topic: states of connectors and tasks are not stored' },
      ]
      const names = uses.map(({ name }) => name)
      const found = await withDeadline({ clock, ms: timeoutMs, signal: this.#closing.signal }, async (signal) =>
        admin.describeTopics(names, { signal, withinMs: timeoutMs }),
      )
      this.#silentSince = null
      this.#conditions.withdraw(unreachableCode)
      this.#setMissing(uses.filter(({ name }) => !found.has(name)).map(({ name, use }) => `${name} (${use})`))
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#raiseUnreachable(began, error)
    } finally {
      this.#isBusy = false
    }
  }

  /** Shows the first error. What is known of the topics stays, as a broker that does not respond says nothing about them. */
  #raiseUnreachable(began: number, error: unknown): void {
    if (this.#silentSince !== null) return
    this.#silentSince = began
    this.#conditions.raise(
      unreachableCode,
      `the broker at ${this.#options.servers} has not responded since ${new Date(began).toISOString()}: ${errorMessage(error)}. Connectors ` +
        'wait for it, and resume when it responds. Check that it runs, and that this machine can reach it',
    )
  }

  #setMissing(missing: readonly string[]): void {
    if (missing.length === 0) {
      this.#conditions.withdraw(missingCode)
      return
    }
    this.#conditions.raise(
      missingCode,
      `the worker's topic ${missing.join(' and its topic ')} no longer exists. Restart the worker to re-create it. It will be ` +
        'empty: connectors whose configuration is lost will not exist, and sources without an offset will start over',
    )
  }
}

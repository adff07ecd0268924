import { withDeadline } from '../../foundation/async/deadline.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { Admin } from '../../client/admin.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import type { Clock } from '../../foundation/clock.ts'
import { Conditions } from '../../foundation/metrics/conditions.ts'
import type { Logger } from '../../foundation/logging/logger.ts'

const everyMs = 10_000
/** A log that has not responded for so long is shown as unreachable. */
const patienceMs = 8_000
const missingCode = 'INTERNAL_TOPIC_MISSING'
const unreachableCode = 'LOG_UNREACHABLE'

/** What the watch looks at, and with what. */
export interface InternalTopicWatchOptions {
  readonly topics: Pick<WorkerConfig, 'configTopic' | 'offsetTopic' | 'statusTopic'>
  /** `bootstrap.servers`, or the address of the embedded log: for the text. */
  readonly servers: string
  readonly admin: Pick<Admin, 'describeTopics'>
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Looks every ten seconds whether the worker's internal topics still exist. One that was deleted is made at the next start only,
 * empty: until then nothing is stored in it, and whoever waits for it waits indefinitely. A log that does not respond is a
 * condition too, whether or not anything is written meanwhile.
 */
export class InternalTopicWatch {
  readonly #options: InternalTopicWatchOptions
  readonly #conditions: Conditions
  readonly #closing = new AbortController()
  readonly #cancel: () => void
  #isBusy = false
  /** Since when the log has not responded. Milliseconds of the epoch. */
  #silentSince: number | null = null

  constructor(options: InternalTopicWatchOptions) {
    this.#options = options
    this.#conditions = new Conditions(options.logger)
    this.#cancel = options.clock.every(everyMs, () => void this.#look())
  }

  /** What stands, by code; empty while all of them exist and the log responds. */
  get conditions(): ReadonlyMap<string, string> {
    return this.#conditions.standing
  }

  close(): void {
    this.#cancel()
    this.#closing.abort()
  }

  async #look(): Promise<void> {
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
      const found = await withDeadline({ clock, ms: patienceMs, signal: this.#closing.signal }, async (signal) =>
        admin.describeTopics(names, { signal, withinMs: patienceMs }),
      )
      this.#silentSince = null
      this.#conditions.withdraw(unreachableCode)
      this.#tell(uses.filter(({ name }) => !found.has(name)).map(({ name, use }) => `${name} (${use})`))
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#tellSilence(began, error)
    } finally {
      this.#isBusy = false
    }
  }

  /** What is known of the topics stands: a log that does not respond says nothing about them. The first error is shown. */
  #tellSilence(began: number, error: unknown): void {
    if (this.#silentSince !== null) return
    this.#silentSince = began
    this.#conditions.raise(
      unreachableCode,
      `the log at ${this.#options.servers} has not responded since ${new Date(began).toISOString()}: ${errorMessage(error)}. Connectors ` +
        'wait for it, and go on when it responds. Check that it runs, and that this machine can reach it',
    )
  }

  #tell(missing: readonly string[]): void {
    if (missing.length === 0) {
      this.#conditions.withdraw(missingCode)
      return
    }
    this.#conditions.raise(
      missingCode,
      `the worker's topic ${missing.join(' and its topic ')} does not exist any more. Restart the worker to make it again: it is ` +
        'empty then, so connectors whose configuration is gone are not there, and sources without an offset start over',
    )
  }
}

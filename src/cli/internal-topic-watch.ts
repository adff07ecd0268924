import type { Admin } from '../client/admin.ts'
import type { WorkerConfig } from '../config/worker-config.ts'
import type { Clock } from '../foundation/clock.ts'
import { Conditions } from '../foundation/conditions.ts'
import type { Logger } from '../foundation/logger.ts'

const everyMs = 10_000
const code = 'INTERNAL_TOPIC_MISSING'

/** What the watch looks at, and with what. */
export interface InternalTopicWatchOptions {
  readonly topics: Pick<WorkerConfig, 'configTopic' | 'offsetTopic' | 'statusTopic'>
  readonly admin: Pick<Admin, 'describeTopics'>
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Looks every ten seconds whether the worker's internal topics still exist. One that was deleted is made at the next start only,
 * empty: until then nothing is stored in it, and whoever waits for it waits indefinitely.
 */
export class InternalTopicWatch {
  readonly #options: InternalTopicWatchOptions
  readonly #conditions: Conditions
  readonly #closing = new AbortController()
  readonly #cancel: () => void
  #isBusy = false

  constructor(options: InternalTopicWatchOptions) {
    this.#options = options
    this.#conditions = new Conditions(options.logger)
    this.#cancel = options.clock.every(everyMs, () => void this.#look())
  }

  /** What stands, by code; empty while all of them exist. */
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
    try {
      const { signal } = this.#closing
      const { configTopic, offsetTopic, statusTopic } = this.#options.topics
      const uses = [
        { name: configTopic.name, use: 'config.storage.topic: no connector can be created, changed or deleted' },
        { name: offsetTopic.name, use: 'offset.storage.topic: source connectors cannot store their offsets' },
        { name: statusTopic.name, use: 'status.storage.topic: states of connectors and tasks are not stored' },
      ]
      const names = uses.map(({ name }) => name)
      const found = await this.#options.admin.describeTopics(names, { signal })
      this.#tell(uses.filter(({ name }) => !found.has(name)).map(({ name, use }) => `${name} (${use})`))
    } catch (error) {
      // A log that does not respond says nothing about its topics; others tell of it.
      this.#options.logger.debug('the internal topics could not be looked at', { error: String(error) })
    } finally {
      this.#isBusy = false
    }
  }

  #tell(missing: readonly string[]): void {
    if (missing.length === 0) {
      this.#conditions.withdraw(code)
      return
    }
    this.#conditions.raise(
      code,
      `the worker's topic ${missing.join(' and its topic ')} does not exist any more. Restart the worker to make it again: it is ` +
        'empty then, so connectors whose configuration is gone are not there, and sources without an offset start over',
    )
  }
}

import type { Conditions } from '../../foundation/metrics/conditions.ts'
import { isEmpty, keysOf, without, type ConnectorsAndTasks } from './assignment.ts'
import type { ConfigSnapshot } from './group-leader.ts'

/** Shows that members of the group disagree about the config topic. */
const code = 'CONFIG_TOPIC_MISMATCH'

export interface ConfigTopicCheckOptions {
  readonly conditions: Pick<Conditions, 'raise' | 'withdraw'>
  /** `config.storage.topic` of this worker. */
  readonly configTopic: string
}

/**
 * Tells when the workers of a group do not read the same config topic. Offsets are all that the protocol of the group carries:
 * a worker with another topic ends before the others, or knows nothing of what it is assigned. Until then it runs nothing, and
 * what is assigned to it runs nowhere.
 */
export class ConfigTopicCheck {
  readonly #options: ConfigTopicCheckOptions

  constructor(options: ConfigTopicCheckOptions) {
    this.#options = options
  }

  /** This worker has read its config topic to the end, and another member has read further. */
  endsBefore(otherOffset: number, { offset }: ConfigSnapshot): void {
    this.#raise(`ends at offset ${offset}, but another worker of the group has read to offset ${otherOffset}`)
  }

  /** Checks what this worker is assigned by a leader that has read exactly as far. */
  assigned(assigned: ConnectorsAndTasks, { offset, work }: ConfigSnapshot): void {
    const unknown = without(assigned, keysOf(work))
    if (isEmpty(unknown)) this.passed()
    else {
      const names = [...new Set([...unknown.connectors, ...unknown.tasks.map(({ connector }) => connector)])]
      this.#raise(
        `holds nothing of ${names.join(', ')} up to offset ${offset}, but the leader of the group assigned it`,
      )
    }
  }

  /** This worker agrees with the others. */
  passed(): void {
    this.#options.conditions.withdraw(code)
  }

  #raise(difference: string): void {
    const { conditions, configTopic } = this.#options
    conditions.raise(
      code,
      `the config topic ${configTopic} ${difference}. All workers of a group need the same config.storage.topic, on the same cluster: ` +
        `what is assigned to a worker that reads another one runs nowhere. Correct it and restart that worker`,
    )
  }
}

import type { Clock } from '../../foundation/clock.ts'
import type { Conditions } from '../../foundation/metrics/conditions.ts'
import type { LogStreaks } from '../../foundation/logging/log-streaks.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { FileSystem } from '../../log/disk/file-system.ts'
import type { Topics } from '../topics/topics.ts'
import type { CoordinatorConfig } from './coordinator-config.ts'
import { GroupCoordinator } from './groups/group-coordinator.ts'
import { OffsetsTopic } from './offsets/offsets-topic.ts'
import { ProducerIds } from './producer-ids.ts'

/** The options of {@link Coordinators}. */
export interface CoordinatorsOptions {
  readonly topics: Topics
  readonly fs: FileSystem
  readonly dataDirectory: string
  readonly clock: Clock
  readonly logger: Logger
  /** For log lines that clients cause. */
  readonly streaks: LogStreaks
  readonly conditions: Conditions
  readonly config: CoordinatorConfig
}

/** The coordinators of groups and of producer ids, and the upkeep of what they store. */
export class Coordinators {
  readonly groups: GroupCoordinator
  readonly producerIds: ProducerIds
  readonly #stops: readonly (() => void)[]
  readonly #logger: Logger
  #upkeep: Promise<void> = Promise.resolve()

  private constructor(options: CoordinatorsOptions) {
    const { topics, fs, dataDirectory, clock, logger, streaks, conditions, config } = options
    const log = new OffsetsTopic(topics, clock, logger, config.offsetsTopicPartitions)
    const isObsolete = topics.isObsolete.bind(topics)
    const groups = GroupCoordinator.open({ log, isObsolete, clock, logger, streaks, conditions, config })
    this.groups = groups
    this.#logger = logger
    this.producerIds = ProducerIds.open(fs, dataDirectory, { clock, logger, usedIds: topics.producerIds() })
    this.#stops = [
      topics.onDeleted((topic) => this.#behind(groups.offsetStore.forgetTopic(topic))),
      clock.every(config.offsetsRetentionCheckMs, () => this.#inTurn(() => groups.expire())),
    ]
    this.#inTurn(async () => {
      if (await groups.buryObsolete()) await topics.offsetsForgotten()
    })
  }

  /** Loads groups, offsets and producer ids. @throws LogError when the offsets cannot be read; CorruptMetadataError. */
  static open(options: CoordinatorsOptions): Coordinators {
    return new Coordinators(options)
  }

  /** Stops timers and waits for upkeep in progress. Must end before the topics close. */
  async close(): Promise<void> {
    for (const stop of this.#stops) stop()
    this.groups.close()
    await this.#upkeep
  }

  /** Makes {@link close} wait for what is written after a deletion. */
  #behind(task: Promise<boolean> | null): Promise<boolean> | null {
    if (task !== null) this.#inTurn(() => task)
    return task
  }

  /** Runs upkeep tasks one at a time. A failure here is a bug: expected failures are handled by the coordinator. */
  #inTurn(task: () => Promise<unknown>): void {
    this.#upkeep = this.#upkeep.then(task).then(
      () => undefined,
      (error: unknown) => this.#logger.error('the upkeep of groups failed', { error: String(error) }),
    )
  }
}

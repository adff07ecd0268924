import { withDeadline } from '../../../foundation/async/deadline.ts'
import { configWithPrefix } from '../../../config/definition/config-with-prefix.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import type { RawConfig } from '../../../api/config-def.ts'
import { ConfigError, ConnectError } from '../../../api/errors.ts'
import type { TopicSpec } from '../../../api/task.ts'
import type { Admin } from '../../../client/admin.ts'
import type { Clock } from '../../../foundation/clock.ts'
import { isRetriable } from '../../failures.ts'

const prefix = 'topic.creation.default.'
const own = new Set(['partitions', 'replication.factor', 'include', 'exclude'])
/** Who writes waits: the status says for what once this has passed. */
const attemptMs = 10_000

/**
 * Creates a topic before a source's first record for it, as KIP-158 lets a connector ask.
 * @throws RetriableError and its like while brokers do not respond, ConnectError when they refuse it.
 */
export type PrepareTopic = (topic: string, signal: AbortSignal) => Promise<void>

export interface TopicCreationOptions {
  readonly admin: Pick<Admin, 'createTopic' | 'describeTopics'>
  readonly clock: Clock
  /** What the plugin asks for; null when it leaves topics to the broker. */
  readonly defaults: TopicSpec | null
}

/**
 * What `topic.creation.default.*` asks for, over what the plugin does; null when both leave topics to the broker.
 * @throws ConfigError
 */
export function topicCreation(
  config: RawConfig,
  { admin, clock, defaults }: TopicCreationOptions,
): PrepareTopic | null {
  const settings = configWithPrefix(config, prefix)
  if (defaults === null && Object.keys(settings).length === 0) return null
  const partitions = count(settings, 'partitions', defaults?.partitions)
  const replicationFactor = count(settings, 'replication.factor', defaults?.replicationFactor)
  const asked = Object.fromEntries(Object.entries(settings).filter(([key]) => !own.has(key)))
  const configs = { ...defaults?.configs, ...asked }
  return async (name, signal) => {
    try {
      await withDeadline({ clock, ms: attemptMs, signal }, async (bound) => {
        const options = { signal: bound, withinMs: attemptMs }
        // Who may not create topics may still write to those that exist.
        if ((await admin.describeTopics([name], options)).has(name)) return
        await admin.createTopic({ name, partitions, replicationFactor, configs }, options)
      })
    } catch (error) {
      if (signal.aborted || isRetriable(error)) throw error
      throw new ConnectError(
        `topic ${name} does not exist and cannot be created: ${errorMessage(error)}. Create it, or correct ${prefix}*, ` +
          'then restart the task',
        { cause: error, code: 'TOPIC_CREATION' },
      )
    }
  }
}

function count(settings: RawConfig, key: string, otherwise: number | undefined): number {
  const value = Number(settings[key] ?? otherwise ?? Number.NaN)
  if (Number.isInteger(value) && (value === -1 || value >= 1)) return value
  throw new ConfigError(`${prefix}${key} has to be 1 or larger, or -1 for the broker's default`)
}

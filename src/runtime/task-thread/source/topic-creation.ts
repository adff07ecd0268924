import { withDeadline } from '../../../foundation/async/deadline.ts'
import { topicSpecOf } from '../../../config/connector/topic-creation.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import type { RawConfig } from '../../../api/config-def.ts'
import { ConnectError } from '../../../api/errors.ts'
import type { TopicSpec } from '../../../api/task.ts'
import type { Admin } from '../../../client/admin.ts'
import type { Clock } from '../../../foundation/clock.ts'
import { isRetriable } from '../../failures.ts'

/** The deadline of an attempt; the status shows why the task waits once it has passed. Milliseconds. */
const attemptMs = 10_000

/**
 * Creates a topic before a source's first record for it, as KIP-158 lets a connector ask.
 * @throws a retriable error while brokers do not respond, ConnectError when they reject it
 */
export type PrepareTopic = (topic: string, signal: AbortSignal) => Promise<void>

export interface TopicCreationOptions {
  readonly admin: Pick<Admin, 'createTopic' | 'describeTopics'>
  readonly clock: Clock
  /** What the plugin asks for; null when it leaves topics to the broker. */
  readonly defaults: TopicSpec | null
}

/** Returns how topics are created by {@link topicSpecOf}; null if they are left to the broker. @throws ConfigError */
export function topicCreation(
  config: RawConfig,
  { admin, clock, defaults }: TopicCreationOptions,
): PrepareTopic | null {
  const spec = topicSpecOf(config, defaults)
  if (spec === null) return null
  return async (name, signal) => {
    try {
      await withDeadline({ clock, ms: attemptMs, signal }, async (bound) => {
        const options = { signal: bound, withinMs: attemptMs }
        // Writing to an existing topic needs no permission to create topics.
        if ((await admin.describeTopics([name], options)).has(name)) return
        await admin.createTopic({ name, ...spec }, options)
      })
    } catch (error) {
      if (signal.aborted || isRetriable(error)) throw error
      throw new ConnectError(
        `topic ${name} does not exist and cannot be created: ${errorMessage(error)}. Create it, or correct topic.creation.default.*, ` +
          'then restart the task',
        { cause: error, code: 'TOPIC_CREATION' },
      )
    }
  }
}

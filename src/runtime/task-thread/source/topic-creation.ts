import { topicSpecOf } from '../../../config/connector/topic-creation.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import type { RawConfig } from '../../../api/config-def.ts'
import { ConnectError } from '../../../api/errors.ts'
import type { TopicSpec } from '../../../api/task.ts'
import { isRetriable } from '../../failures.ts'
import { ensureTopic, type TopicAccess } from '../ensure-topic.ts'

/**
 * Creates a topic before a source's first record for it, as KIP-158 lets a connector ask.
 * @throws a retriable error while brokers do not respond, ConnectError when they reject it
 */
export type PrepareTopic = (topic: string, signal: AbortSignal) => Promise<void>

export interface TopicCreationOptions extends TopicAccess {
  /** What the plugin asks for; null when it leaves topics to the broker. */
  readonly defaults: TopicSpec | null
}

/** Returns how topics are created by {@link topicSpecOf}; null if they are left to the broker. @throws ConfigError */
export function topicCreation(config: RawConfig, { defaults, ...access }: TopicCreationOptions): PrepareTopic | null {
  const spec = topicSpecOf(config, defaults)
  if (spec === null) return null
  return async (name, signal) => {
    try {
      await ensureTopic(access, name, spec, signal)
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

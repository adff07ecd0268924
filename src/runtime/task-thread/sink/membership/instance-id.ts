import { createHash } from 'node:crypto'

import type { RawConfig } from '../../../../api/config-def.ts'
import type { TaskId } from '../../../../config/connector/task-id.ts'

const longestReadable = 200

/**
 * The `group.instance.id` of a sink task: where the task is started, it takes the place of its run on a worker that is dead or
 * cut off. Tasks that read other topics have another one, as a group does not notice that such a successor wants others.
 */
export function instanceIdOf(
  workerGroup: string,
  { connector, task }: TaskId,
  { topics = '', 'topics.regex': regex = '' }: RawConfig,
): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([workerGroup, connector, topics, regex]))
    .digest('hex')
    .slice(0, 12)
  // Only the characters and the length that Kafka allows.
  const name = connector.replaceAll(/[^\w.-]/g, '_').slice(0, longestReadable)
  return `${name}-${hash}-${task}`
}

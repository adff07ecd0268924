import type { TopicSpec } from '../../api/task.ts'
import type { Admin } from '../../client/admin.ts'
import { withDeadline } from '../../foundation/async/deadline.ts'
import type { Clock } from '../../foundation/clock.ts'

/** The deadline of an attempt; the status shows why the task waits once it has passed. Milliseconds. */
const attemptMs = 10_000

export interface TopicAccess {
  readonly admin: Pick<Admin, 'createTopic' | 'describeTopics'>
  readonly clock: Clock
}

/**
 * Creates a topic unless it exists. Writing to an existing topic needs no permission to create topics.
 * @throws DeadlineExceededError or another retriable error while brokers do not respond, BrokerError when they reject it
 */
export async function ensureTopic(
  { admin, clock }: TopicAccess,
  name: string,
  spec: TopicSpec,
  signal: AbortSignal,
): Promise<void> {
  await withDeadline({ clock, ms: attemptMs, signal }, async (bound) => {
    const options = { signal: bound, withinMs: attemptMs }
    if ((await admin.describeTopics([name], options)).has(name)) return
    await admin.createTopic({ name, ...spec }, options)
  })
}

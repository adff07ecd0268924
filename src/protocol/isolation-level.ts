/** Which records a reader sees: all, or only those of committed transactions (Kafka's `isolation.level`). */
export type IsolationLevel = 'read_uncommitted' | 'read_committed'

/** Returns the number of an isolation level in Fetch and ListOffsets requests. */
export function isolationCode(level: IsolationLevel): 0 | 1 {
  return level === 'read_committed' ? 1 : 0
}

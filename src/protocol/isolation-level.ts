/** Which records a reader sees: all, or only those of committed transactions (Kafka's `isolation.level`). */
export type IsolationLevel = 'read_uncommitted' | 'read_committed'

/** Returns the isolation level of a number in a Fetch or ListOffsets request; any number but 1 is `read_uncommitted`. */
export function isolationLevelOf(code: number): IsolationLevel {
  return code === 1 ? 'read_committed' : 'read_uncommitted'
}

/** Returns the number of an isolation level in Fetch and ListOffsets requests. */
export function isolationCode(level: IsolationLevel): 0 | 1 {
  return level === 'read_committed' ? 1 : 0
}

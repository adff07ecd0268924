/** A place that may break a rule, and why. An exception that is no longer needed fails the tidy suite. */
export interface Exception {
  readonly rule: string
  readonly path: string
  readonly reason: string
}

export const exceptions: readonly Exception[] = [
  { rule: 'comment-block', path: 'src/api/schema.ts', reason: 'lists the form of every value a plugin can meet' },
  { rule: 'directory-size', path: 'src/protocol/messages', reason: 'one table for each Kafka API' },
  { rule: 'directory-size', path: 'src/broker/handlers', reason: 'one handler for each Kafka API' },
  { rule: 'consoles', path: 'src/runtime/thread/thread-secrets.ts', reason: 'redacts what plugins print' },
  { rule: 'members', path: 'src/foundation/async/bounded-queue.ts', reason: 'plugins use it through penstock/api' },
  { rule: 'members', path: 'src/runtime/task-threads.ts', reason: 'tests count threads' },
  { rule: 'members', path: 'src/log/disk/node-file-system.ts', reason: 'tests count open files' },
  { rule: 'members', path: 'src/protocol/frame-splitter.ts', reason: 'tests bound the memory of half a frame' },
]

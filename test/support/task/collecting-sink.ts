import type { SinkRecord } from '../../../src/api/record.ts'
import type { OffsetToCommit, SinkTask, SinkTaskContext } from '../../../src/api/task.ts'

/** A sink that keeps the values it gets. All of them are durable at once. */
export class CollectingSink implements SinkTask {
  readonly values: string[] = []
  context: SinkTaskContext | null = null

  async start(context: SinkTaskContext): Promise<void> {
    this.context = context
  }

  async open(): Promise<void> {}

  async put(records: readonly SinkRecord[]): Promise<void> {
    for (const { value } of records) this.values.push(String(value))
  }

  async preCommit(current: readonly OffsetToCommit[]): Promise<readonly OffsetToCommit[]> {
    return current
  }

  async flush(): Promise<void> {}
  async close(): Promise<void> {}
  async stop(): Promise<void> {}
}

import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import type { TopicReader } from '../../../src/client/consumer/topic-reader.ts'
import { rowChangeOf } from '../load/log-check.ts'
import { RowHistory } from '../postgres/row-history.ts'

/** The topic of a captured table with the columns `id` and `rev`, as it grows. */
export class CapturedTable {
  readonly history = new RowHistory()
  /** Records that a snapshot has read, and records of the stream. */
  reads = 0
  changes = 0
  readonly #ids = new Set<number>()
  #reader: TopicReader | null = null

  /** @param topic has one partition */
  static async follow(client: KafkaClient, topic: string): Promise<CapturedTable> {
    const table = new CapturedTable()
    const reader = client.topicReader({
      topic,
      onRecord: ({ key, value }) => {
        if (value !== null) table.#see(key?.toString() ?? '', value.toString())
      },
      onError: (error) => table.history.faults.push(`reading the topic failed: ${String(error)}`),
    })
    await reader.start()
    table.#reader = reader
    return table
  }

  /** How many rows had a record. */
  get size(): number {
    return this.#ids.size
  }

  has(id: number): boolean {
    return this.#ids.has(id)
  }

  async close(): Promise<void> {
    await this.#reader?.close()
  }

  #see(key: string, value: string): void {
    const found = rowChangeOf(key, value)
    if (found === null) {
      this.history.faults.push(`no change of a row: ${key} ${value.slice(0, 300)}`)
      return
    }
    const { id, change } = found
    this.history.see(id, change)
    if (change.kind === 'read') this.reads += 1
    else this.changes += 1
    this.#ids.add(id)
  }
}

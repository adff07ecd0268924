import type { SourceOffset, SourcePartition, SourceRecord } from '../../api/record.ts'
import { parseJson, type JsonObject } from '../../api/json/json-parse.ts'
import { plainJson } from '../../api/json/json-text.ts'
import type { CommittedSourceOffset } from '../../api/task.ts'

/** What outlives a source task: the offset topic, and the headers in its topics. In memory. */
export class SourceStore {
  readonly #offsets = new Map<string, CommittedSourceOffset>()
  readonly #records: SourceRecord[] = []

  /** Stores records as acknowledged, with their offsets. Returns what `commit` has to be given. */
  store(records: readonly SourceRecord[]): readonly CommittedSourceOffset[] {
    this.#records.push(...records)
    const changed = new Map<string, CommittedSourceOffset>()
    for (const { sourcePartition, sourceOffset } of records) changed.set(...this.set(sourcePartition, sourceOffset))
    return [...changed.values()]
  }

  /** Stores an offset. Returns the partition's name and what is stored, both of which went through JSON. */
  set(partition: SourcePartition, offset: SourceOffset): readonly [string, CommittedSourceOffset] {
    const name = nameOf(partition)
    const stored = { partition: throughJson(partition), offset: throughJson(offset) }
    this.#offsets.set(name, stored)
    return [name, stored]
  }

  read(partition: SourcePartition): SourceOffset | null {
    return this.#offsets.get(nameOf(partition))?.offset ?? null
  }

  /** Returns the greatest integer in that header among the stored records of the topics; null if none has it. */
  greatestHeader(topics: readonly string[], name: string): bigint | null {
    let greatest: bigint | null = null
    for (const { topic, headers } of this.#records) {
      if (!topics.includes(topic)) continue
      for (const { key, value } of headers) {
        if (key !== name || (typeof value !== 'bigint' && typeof value !== 'number')) continue
        if (greatest === null || BigInt(value) > greatest) greatest = BigInt(value)
      }
    }
    return greatest
  }
}

/** The keys of a partition have no order. */
function nameOf(partition: SourcePartition): string {
  return plainJson(Object.fromEntries(Object.entries(partition).toSorted(([a], [b]) => (a < b ? -1 : 1))))
}

/** Returns the data as the offset topic returns it. */
function throughJson<T extends SourceOffset>(data: T): T {
  return parseJson(plainJson(data)) as JsonObject as unknown as T
}

import type { ObsoleteOffsets, TopicRecord } from './cluster-file.ts'

/**
 * Called when a topic is deleted, before its name can be used again: its committed offsets must not be returned any more.
 * Resolves with whether they are also gone from the disk; null when there are none.
 */
export type DeletionListener = (name: string) => Promise<boolean> | null

/** Tracks whether the offsets that were committed for deleted topics are still stored. */
export class DeletedTopicOffsets {
  readonly #listeners = new Set<DeletionListener>()
  /** Ids of deleted topics without stored offsets. */
  readonly #gone = new Set<string>()

  /** Calls `listener` for every deleted topic. Returns a function that removes it. */
  onDeleted(listener: DeletionListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls the listeners for a deleted topic. Resolves with whether stored offsets were there, and are gone now. */
  forget({ name, id }: TopicRecord): Promise<boolean> {
    const tasks = [...this.#listeners].flatMap((listener) => listener(name) ?? [])
    if (tasks.length === 0) {
      this.#gone.add(id)
      return Promise.resolve(false)
    }
    return Promise.all(tasks).then((done) => {
      if (done.includes(false)) return false
      this.#gone.add(id)
      return true
    })
  }

  /** Notes that no offset of these deleted topics is stored. */
  forgotten(topics: readonly { readonly id: string }[]): void {
    for (const { id } of topics) this.#gone.add(id)
  }

  /** Returns those of the deleted topics that have stored offsets. */
  stored<T extends TopicRecord | ObsoleteOffsets>(topics: readonly T[]): T[] {
    return topics.filter(({ id }) => !this.#gone.has(id))
  }
}

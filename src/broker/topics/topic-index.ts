import { collisionKey } from './topic-name.ts'

/** The topics of the broker by all that they are looked for by. */
export class TopicIndex<Topic extends { readonly name: string; readonly id: string }> {
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<string, Topic>()
  readonly #byCollisionKey = new Map<string, Set<string>>()

  get(name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  byId(id: string): Topic | undefined {
    return this.#byId.get(id)
  }

  /** In the order of their creation. */
  all(): IterableIterator<Topic> {
    return this.#byName.values()
  }

  /** The topic whose name differs from `name` only by dots and underscores: their metrics would be the same. */
  colliding(name: string): string | null {
    for (const other of this.#byCollisionKey.get(collisionKey(name)) ?? []) if (other !== name) return other
    return null
  }

  /** Adds a topic, or replaces it by what it is now. */
  hold(topic: Topic): Topic {
    this.#byName.set(topic.name, topic)
    this.#byId.set(topic.id, topic)
    const key = collisionKey(topic.name)
    this.#byCollisionKey.set(key, (this.#byCollisionKey.get(key) ?? new Set()).add(topic.name))
    return topic
  }

  remove(topic: Topic): void {
    this.#byName.delete(topic.name)
    this.#byId.delete(topic.id)
    const key = collisionKey(topic.name)
    const names = this.#byCollisionKey.get(key)
    names?.delete(topic.name)
    if (names?.size === 0) this.#byCollisionKey.delete(key)
  }
}

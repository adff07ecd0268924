import type { SchemaVersion } from './registry-schema.ts'

interface Holder {
  readonly guid: string
  readonly versions: readonly SchemaVersion[]
}

/** The ids of the schemas of one context. */
export class ContextIndex {
  readonly #holders = new Map<number, Holder>()
  readonly #ids = new Map<string, number>()
  #maxId = 0

  /** The greatest id that was ever assigned. */
  get maxId(): number {
    return this.#maxId
  }

  /** The identity of the schema that has the id; null when none has. */
  guidOf(id: number): string | null {
    return this.#holders.get(id)?.guid ?? null
  }

  /** The id of a schema, by its identity; null when no subject of the context has it. */
  idOf(guid: string): number | null {
    return this.#ids.get(guid) ?? null
  }

  /** The versions that have the id, deleted ones too. */
  versionsOf(id: number): readonly SchemaVersion[] {
    return this.#holders.get(id)?.versions ?? []
  }

  add(version: SchemaVersion): void {
    const { id, guid } = version
    const present = this.#holders.get(id)
    // After an import the schema that came last has the id.
    const others = present?.guid === guid ? present.versions : []
    this.#holders.set(id, { guid, versions: [...others, version] })
    this.#ids.set(guid, id)
    this.#maxId = Math.max(this.#maxId, id)
  }

  remove({ id, guid, subject, version }: SchemaVersion): void {
    const holder = this.#holders.get(id)
    if (holder?.guid !== guid) return
    const versions = holder.versions.filter((other) => other.subject !== subject || other.version !== version)
    if (versions.length > 0) {
      this.#holders.set(id, { guid, versions })
      return
    }
    this.#holders.delete(id)
    if (this.#ids.get(guid) === id) this.#ids.delete(guid)
  }
}

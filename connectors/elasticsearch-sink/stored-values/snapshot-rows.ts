import type { ConnectValue } from 'penstock/api'
import type { Version } from '../document/document-version.ts'
import { jsonOf } from '../document/json-text.ts'

export type Source = Readonly<Record<string, unknown>>

/** A document as it is stored, or as an earlier operation of the request leaves it. */
export interface Stored {
  readonly source: Source
  readonly version: Version
}

interface Kept {
  readonly stored: Stored
  readonly size: number
}

const maxSize = 16 * 1024 * 1024

/**
 * Documents as a snapshot wrote them that is ahead of the changes that follow: the rows of those keys once the changes have
 * come as far. A change that comes before overwrites or deletes the document, and a later one needs its large values. They are
 * kept in memory while such changes come, the latest 16 MiB of them; after a restart those are missing that were overwritten.
 */
export class SnapshotRows {
  readonly #indices = new Map<string, Map<string, Kept>>()
  readonly #maxSize: number
  #size = 0

  constructor(limit = maxSize) {
    this.#maxSize = limit
  }

  /**
   * What the snapshot read under the document's key; null where that is not known.
   * @param snapshot the version of its rows; null of a change that it is not ahead of: the changes of the index are past it.
   */
  of(index: string, key: string, stored: Stored | null, snapshot: Version): Stored | null {
    const kept = this.#indices.get(index)
    if (snapshot === null) {
      if (kept !== undefined) this.#forget(index, kept)
      return null
    }
    if (stored !== null && stored.version === snapshot) {
      this.#keep(index, key, stored)
      return stored
    }
    const row = kept?.get(key)?.stored ?? null
    return row?.version === snapshot ? row : null
  }

  #keep(index: string, key: string, stored: Stored): void {
    const kept = this.#indices.get(index) ?? new Map<string, Kept>()
    this.#indices.set(index, kept)
    this.#drop(kept, key)
    const size = jsonOf(stored.source as ConnectValue).length
    kept.set(key, { stored, size })
    this.#size += size
    for (const [other, rows] of this.#indices) {
      for (const oldest of rows.keys()) {
        if (this.#size <= this.#maxSize) return
        this.#drop(rows, oldest)
      }
      if (rows.size === 0) this.#indices.delete(other)
    }
  }

  #drop(rows: Map<string, Kept>, key: string): void {
    this.#size -= rows.get(key)?.size ?? 0
    rows.delete(key)
  }

  #forget(index: string, rows: ReadonlyMap<string, Kept>): void {
    for (const { size } of rows.values()) this.#size -= size
    this.#indices.delete(index)
  }
}

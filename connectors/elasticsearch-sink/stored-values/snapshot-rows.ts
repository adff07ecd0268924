import type { ConnectValue } from 'penstock/api'
import type { Version } from '../document/document-version.ts'
import { jsonOf } from '../document/json-text.ts'

export type Source = Readonly<Record<string, unknown>>

/** A document as it is stored, or as an earlier operation of the request will leave it. */
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
 * Documents of a snapshot that is ahead of the changes that follow it. A change can overwrite or delete such a document, and
 * a later change needs its large values. So the documents are kept in memory while such changes come, the latest 16 MiB of
 * them. After a restart, overwritten ones are missing.
 */
export class SnapshotRows {
  readonly #indices = new Map<string, Map<string, Kept>>()
  readonly #maxSize: number
  #size = 0

  constructor(limit = maxSize) {
    this.#maxSize = limit
  }

  /**
   * Returns the row that the snapshot read under the document's key; null where it is not known.
   * @param snapshot the version of its rows; null for a change that it is not ahead of: the index has passed the snapshot.
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

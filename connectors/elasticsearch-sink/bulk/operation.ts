import { textOf, type BulkBodyArena, type Lines } from './bulk-body-arena.ts'
import type { Version } from '../document/document-version.ts'
import type { PartitionProgress } from '../ordering/partition-progress.ts'

/** A document with holes, until its stored values are known. */
export interface Draft {
  readonly source: string
  /** Fields whose stored value must be put into the source before it is sent. */
  readonly holes: readonly string[]
  /** The document whose key became this one's: the stored values stand there. Null where the key has not changed. */
  readonly from: string | null
  /** The version of the rows of a snapshot that is ahead of the change; null without one. */
  readonly ahead: Version
}

/**
 * What must be over before an operation leaves: `none`, but for earlier writes of its document; `others`, every earlier
 * request; `all`, what would leave with it too.
 */
export type Barrier = 'none' | 'others' | 'all'

export type OperationKind = 'index' | 'update' | 'delete'

/**
 * One write of one document. Tens of thousands wait for a slow cluster, so that each is kept small: what is told of it in
 * errors is put together when there is one.
 */
export interface Operation {
  readonly kind: OperationKind
  readonly index: string
  /** Null lets Elasticsearch choose; there is no order to keep then. */
  readonly id: string | null
  /** The version it is written with; null without. */
  readonly version: Version
  /** The record's time; 0 where it has none. */
  readonly timestamp: number
  /** Bytes in a bulk body; an estimate while it is a draft. */
  weight: number
  /** Which record of {@link progress} it is. */
  readonly mark: number
  readonly progress: PartitionProgress
  /** Its lines in a bulk body; null while it is a draft. */
  lines: Lines | null
  draft: Draft | null
  barrier: Barrier
  /** Fields that were filled from nowhere; null when there are none. */
  missing: readonly string[] | null
}

/** Index and id as one word. */
export function documentKey({ index, id }: { readonly index: string; readonly id: string | null }): string {
  return `${index}\u0000${id ?? ''}`
}

/** Where the record lies: `topic-partition@offset`. */
export function placeOf({ progress, mark }: Operation): string {
  return `${progress.name}@${progress.offsetOf(mark)}`
}

/** The document that an operation writes; null for a delete. */
export function documentOf({ kind, lines }: Operation): string | null {
  if (kind === 'delete' || lines === null) return null
  const text = textOf(lines)
  return text.slice(text.indexOf('\n') + 1, -1)
}

/** What the first of an operation's two lines says. */
export type BulkAction = Pick<Operation, 'kind' | 'index' | 'id' | 'version'>

/**
 * Encodes the lines of operations. Versions are sent as `external_gte`, and not with an update: Elasticsearch rejects a
 * request that holds a versioned update.
 */
export class BulkActionEncoder {
  readonly #arena: BulkBodyArena
  readonly #updateOptions: string
  #index = ''
  #target = ''

  constructor(arena: BulkBodyArena, retryOnConflict: number) {
    this.#arena = arena
    this.#updateOptions = `"retry_on_conflict":${retryOnConflict}}}\n{"doc":`
  }

  // The text is no member of the action: V8 may come to allocate actions in the old space, which would keep it alive.
  /** @param source the document's JSON; a delete does not use it. */
  encode(action: BulkAction, source: string): Lines {
    return this.#arena.write(this.#text(action, source))
  }

  #text({ kind, index, id, version }: BulkAction, source: string): string {
    if (index !== this.#index) {
      this.#index = index
      this.#target = `{"_index":${JSON.stringify(index)}`
    }
    const target = id === null ? this.#target : `${this.#target},"_id":${JSON.stringify(id)}`
    const versionText = version === null ? '' : `,"version":${String(version)},"version_type":"external_gte"`
    switch (kind) {
      case 'index':
        return `{"index":${target}${versionText}}}\n${source}\n`
      case 'update':
        return `{"update":${target},${this.#updateOptions}${source},"doc_as_upsert":true}\n`
      case 'delete':
        return `{"delete":${target}${versionText}}}\n`
    }
  }
}

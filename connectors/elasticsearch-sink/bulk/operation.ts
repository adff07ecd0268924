import { textOf, type BulkBodyArena, type Lines } from './bulk-body-arena.ts'
import type { Version } from '../document/document-version.ts'
import type { PartitionProgress } from '../ordering/partition-progress.ts'

/** A document with holes, until its stored values are known. */
export interface Draft {
  readonly source: string
  /** Fields whose stored values must be added before the document is sent. */
  readonly holes: readonly string[]
  /** The id of the document before its key changed: the stored values are there. Null where the key has not changed. */
  readonly from: string | null
  readonly fromRouting: string | null
  /** The version of the rows in a snapshot that is ahead of the change; null without one. */
  readonly ahead: Version
}

/**
 * What must be done before an operation is sent, besides earlier writes of its document: `none`, nothing; `others`, every
 * earlier request; `all`, also the operations that would be in its request before it.
 */
export type Barrier = 'none' | 'others' | 'all'

/** `create` appends to a data stream. */
export type OperationKind = 'index' | 'create' | 'update' | 'delete'

/**
 * One write of one document. Tens of thousands wait for a slow cluster, so each is kept small: texts of errors are built when
 * there is an error.
 */
export interface Operation {
  readonly kind: OperationKind
  readonly index: string
  /** Null lets Elasticsearch choose the id. Such operations have no order. */
  readonly id: string | null
  /** Null where the id determines the shard. */
  readonly routing: string | null
  /** The version of the write; null without one. */
  readonly version: Version
  /** The record's timestamp; 0 where it has none. */
  readonly timestamp: number
  /** Bytes in a bulk body. Of a draft it is an estimate, also after its holes are filled. */
  weight: number
  /** Names the record within {@link progress}. */
  readonly mark: number
  readonly progress: PartitionProgress
  /** Its lines in a bulk body; null while it is a draft. */
  lines: Lines | null
  draft: Draft | null
  barrier: Barrier
  /** Fields whose stored values were not found; null when there are none. */
  missing: readonly string[] | null
}

/** Index and id as one key of a map. */
export function documentKey({ index, id }: { readonly index: string; readonly id: string | null }): string {
  return `${index}\u0000${id ?? ''}`
}

/** The place of the record: `topic-partition@offset`. */
export function placeOf({ progress, mark }: Operation): string {
  return `${progress.name}@${progress.offsetOf(mark)}`
}

/** The text of the document that an operation writes; null for a delete. */
export function documentOf({ kind, lines }: Operation): string | null {
  if (kind === 'delete' || lines === null) return null
  const text = textOf(lines)
  return text.slice(text.indexOf('\n') + 1, -1)
}

/** The first of an operation's two lines. */
export type BulkAction = Pick<Operation, 'kind' | 'index' | 'id' | 'routing' | 'version'>

/**
 * Encodes the lines of operations. Versions are sent as `external_gte`, and not with an update or a creation: Elasticsearch rejects
 * a request that holds a versioned one.
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

  // The text is not a member of the action: if V8 pretenured actions, they would keep every document's text alive.
  /** @param source the document's JSON; a delete does not use it. */
  encode(action: BulkAction, source: string): Lines {
    return this.#arena.write(this.#text(action, source))
  }

  #text({ kind, index, id, routing, version }: BulkAction, source: string): string {
    if (index !== this.#index) {
      this.#index = index
      this.#target = `{"_index":${JSON.stringify(index)}`
    }
    const place = routing === null ? this.#target : `${this.#target},"routing":${JSON.stringify(routing)}`
    const target = id === null ? place : `${place},"_id":${JSON.stringify(id)}`
    const versionText = version === null ? '' : `,"version":${String(version)},"version_type":"external_gte"`
    switch (kind) {
      case 'index':
        return `{"index":${target}${versionText}}}\n${source}\n`
      case 'create':
        return `{"create":${target}}}\n${source}\n`
      case 'update':
        return `{"update":${target},${this.#updateOptions}${source},"doc_as_upsert":true}\n`
      case 'delete':
        return `{"delete":${target}${versionText}}}\n`
    }
  }
}

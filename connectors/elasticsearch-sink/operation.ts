import type { Version } from './document-version.ts'
import type { Mark, PartitionProgress } from './partition-progress.ts'

/** One write of one document. */
export interface Operation {
  readonly kind: 'index' | 'update' | 'delete'
  readonly index: string
  /** Null lets Elasticsearch choose. */
  readonly id: string | null
  /** Index and id: writes of the same document are kept in order by it. Null when there is no id, so no order. */
  readonly key: string | null
  readonly version: Version
  /** The document's JSON; null for a delete. Completed in place when {@link holes} are filled. */
  source: string | null
  /** Fields whose stored value must be put into the source before it is sent. */
  holes: readonly string[] | null
  readonly mark: Mark
  readonly progress: PartitionProgress
  /** Where the record lies, for errors: `topic-partition@offset`. */
  readonly place: string
}

/** {@link Operation.key} of a document. */
export function documentKey(index: string, id: string | null): string | null {
  return id === null ? null : `${index}\u0000${id}`
}

/** Bytes the operation takes in a bulk body, roughly (UTF-16 length counts as bytes; the estimate only cuts requests). */
export function weightOf(operation: Operation): number {
  return (operation.source?.length ?? 0) + operation.index.length + (operation.id?.length ?? 0) + 80
}

/** The lines of a bulk body. Versions go with `external_gte`, never on an update (Elasticsearch refuses the request). */
export function bulkLines(operation: Operation, retryOnConflict: number): string {
  const id = operation.id === null ? '' : `,"_id":${JSON.stringify(operation.id)}`
  const version =
    operation.version === null ? '' : `,"version":${String(operation.version)},"version_type":"external_gte"`
  const target = `"_index":${JSON.stringify(operation.index)}${id}`
  switch (operation.kind) {
    case 'index':
      return `{"index":{${target}${version}}}\n${operation.source ?? ''}\n`
    case 'update':
      return `{"update":{${target},"retry_on_conflict":${retryOnConflict}}}\n{"doc":${operation.source ?? ''},"doc_as_upsert":true}\n`
    case 'delete':
      return `{"delete":{${target}${version}}}\n`
  }
}

import type { Version } from '../document/document-version.ts'
import { documentKey, type Draft, type Operation } from '../bulk/operation.ts'
import type { SnapshotRows, Stored } from './snapshot-rows.ts'

/**
 * Returns the documents that may have the unchanged values of a draft; the first that has a value counts. If a snapshot is ahead of
 * a key change, it read the moved row under the new key, unless the row moved on, and another row under the old key.
 */
export function basesOf(
  operation: Pick<Operation, 'index' | 'id' | 'version'>,
  draft: Pick<Draft, 'from' | 'holes' | 'ahead'>,
  find: (key: string) => Stored | null,
  rows: SnapshotRows,
): readonly Stored[] {
  const { version, index } = operation
  const key = documentKey(operation)
  const own = find(key)
  const read = rows.of(index, key, own, draft.ahead)
  if (draft.from === null) return present(own, read)
  if (isLater(own, version)) return present(own)
  // Without versions it is unknown which row has the old key by now. The new key's document exists only in a redelivery.
  if (version === null && own !== null && draft.holes.every((field) => holds(own, field))) return [own]
  const formerKey = documentKey({ index, id: draft.from })
  const former = find(formerKey)
  // The deletion of the old key follows, and another row may take that key.
  rows.of(index, formerKey, former, draft.ahead)
  // A later version under the old key belongs to another row.
  if (former === null || isOlder(version, former) || isMarkedDeleted(former)) return present(read, own)
  // A snapshot that is ahead of the changes has the row under the new key already, and not under the old one.
  return present(read, former, own)
}

function present(...bases: readonly (Stored | null)[]): readonly Stored[] {
  return bases.filter((base) => base !== null)
}

/** Returns whether Elasticsearch rejects the write: in a replay the stored document can be later. */
export function isOlder(version: Version, before: Stored | null): boolean {
  return isLater(before, version) && before?.version !== version
}

function isLater(stored: Stored | null, version: Version): boolean {
  return stored !== null && stored.version !== null && version !== null && stored.version >= version
}

/** Marked by ExtractNewRecordState: the document has the key alone, and zero values in its other columns. */
function isMarkedDeleted({ source }: Stored): boolean {
  return source['__deleted'] === 'true'
}

/** An unchanged large value is not null: a null shows that the value was not known. */
export function holds({ source }: Stored, field: string): boolean {
  return Object.hasOwn(source, field) && source[field] !== null
}

import type { Version } from '../document/document-version.ts'
import { documentKey, type Draft, type Operation } from '../bulk/operation.ts'
import type { SnapshotRows, Stored } from './snapshot-rows.ts'

/**
 * Where the unchanged values of a draft stand, the first that holds one counts. Where a snapshot is ahead of a key change, the
 * row that it read under the new key is the one that moved there, unless that moved on; under the old one it read another row.
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
  // Without versions nothing says which row has the old key by now. The new key's document is there only in a second delivery.
  if (version === null && own !== null && draft.holes.every((field) => holds(own, field))) return [own]
  const formerKey = documentKey({ index, id: draft.from })
  const former = find(formerKey)
  // The deletion of the old key follows, and another row may come there.
  rows.of(index, formerKey, former, draft.ahead)
  // A later version under the old key is another row's.
  if (former === null || isOlder(version, former) || isMarkedDeleted(former)) return present(read, own)
  // A snapshot that is ahead of the changes has the row under the new key already, and not under the old one.
  return present(read, former, own)
}

function present(...bases: readonly (Stored | null)[]): readonly Stored[] {
  return bases.filter((base) => base !== null)
}

/** Whether Elasticsearch refuses the write: while records are read again the stored document can be later. */
export function isOlder(version: Version, before: Stored | null): boolean {
  return isLater(before, version) && before?.version !== version
}

function isLater(stored: Stored | null, version: Version): boolean {
  return stored !== null && stored.version !== null && version !== null && stored.version >= version
}

/** By ExtractNewRecordState. It is made of the key alone: other columns have the zero value of their type. */
function isMarkedDeleted({ source }: Stored): boolean {
  return source['__deleted'] === 'true'
}

/** A large value that did not change is not null: a null stands there where the value was not known. */
export function holds({ source }: Stored, field: string): boolean {
  return Object.hasOwn(source, field) && source[field] !== null
}

import { jsonOf, parseExact } from './json-text.ts'
import { documentKey, documentOf, type Draft, type LineWriter, type Operation } from './operation.ts'
import { reasonOf } from './bulk-response.ts'
import { refusal, requestPatiently } from './requests.ts'
import type { Retries } from './retries.ts'
import type { Version } from './document-version.ts'
import type { Transport } from './transport.ts'
import { ConnectError, type ConnectValue } from 'penstock/api'

type Source = Readonly<Record<string, unknown>>

/** How the cluster is asked for what it stores. */
export interface StoredValuesSource {
  readonly transport: Transport
  readonly retries: Retries
  readonly signal: AbortSignal
}

/** A document as it is stored, or as an earlier operation of the request leaves it. */
interface Stored {
  readonly source: Source
  readonly version: Version
}

/**
 * Fills the holes of a request's documents: from an earlier write of the same document in the request, else from what
 * is stored. Where the key of the row has changed, the values stand under the old one, unless the new document is stored
 * already with at least this version, from an earlier delivery. A field that is stored nowhere stays out of the document,
 * and is named by the operation.
 */
export async function fillHoles(
  operations: readonly Operation[],
  writer: LineWriter,
  from: StoredValuesSource,
): Promise<void> {
  const wanted = new Map<string, Identity>()
  for (const operation of operations) {
    const { index, id, draft } = operation
    if (draft === null) continue
    wanted.set(documentKey(operation), { index, id })
    if (draft.from !== null) wanted.set(documentKey({ index, id: draft.from }), { index, id: draft.from })
  }
  if (wanted.size === 0) return
  const stored = await fetchStored([...wanted.values()], from)
  const latest = new Map<string, Stored | null>()
  const find = (key: string): Stored | null => (latest.has(key) ? latest.get(key) : stored.get(key)) ?? null
  for (const operation of operations) {
    const key = documentKey(operation)
    if (!wanted.has(key)) continue
    if (operation.draft !== null) fill(operation, operation.draft, basesOf(operation, operation.draft, find), writer)
    const before = find(key)
    latest.set(key, isOlder(operation.version, before) ? before : leftBy(operation, before))
  }
}

/** Whether Elasticsearch refuses the write: while records are read again the stored document can be later. */
function isOlder(version: Version, before: Stored | null): boolean {
  return isLater(before, version) && before?.version !== version
}

/** The document after the operation, which is applied. */
function leftBy(operation: Operation, before: Stored | null): Stored | null {
  const text = documentOf(operation)
  if (text === null) return null
  const written = parseExact(text) as Source
  const { version, kind } = operation
  if (kind !== 'update') return { source: written, version }
  return { source: { ...before?.source, ...(written['doc'] as Source) }, version }
}

/** Where the values stand, the first that holds one counts. */
function basesOf(operation: Operation, draft: Draft, find: (key: string) => Stored | null): readonly Stored[] {
  const own = find(documentKey(operation))
  const owns = own === null ? [] : [own]
  if (draft.from === null) return owns
  const { version, index } = operation
  if (isLater(own, version)) return owns
  // Without versions nothing says which row has the old key by now. The new key's document is there only in a second delivery.
  if (version === null && own !== null && draft.holes.every((field) => holds(own, field))) return owns
  const former = find(documentKey({ index, id: draft.from }))
  // A later version under the old key is another row's.
  if (former === null || isOlder(version, former) || isMarkedDeleted(former)) return owns
  // A snapshot that is ahead of the changes has the row under the new key already, and not under the old one.
  return [former, ...owns]
}

/** By ExtractNewRecordState. It is made of the key alone: other columns have the zero value of their type. */
function isMarkedDeleted({ source }: Stored): boolean {
  return source['__deleted'] === 'true'
}

function isLater(stored: Stored | null, version: Version): boolean {
  return stored !== null && stored.version !== null && version !== null && stored.version >= version
}

function fill(
  operation: Operation,
  { source, version, holes }: Draft,
  bases: readonly Stored[],
  writer: LineWriter,
): void {
  const parts: string[] = []
  const missing: string[] = []
  for (const field of holes) {
    const base = bases.find((stored) => holds(stored, field))
    if (base === undefined) missing.push(field)
    else parts.push(`${JSON.stringify(field)}:${jsonOf(base.source[field] as ConnectValue)}`)
  }
  const open = source.slice(0, -1)
  const filled = `${open}${parts.length > 0 && open.length > 1 ? ',' : ''}${parts.join(',')}}`
  const { kind, index, id } = operation
  operation.lines = writer.write(kind, index, id, version, filled)
  operation.draft = null
  operation.missing = missing.length === 0 ? null : missing
}

/** A large value that did not change is not null: a null stands there where the value was not known. */
function holds({ source }: Stored, field: string): boolean {
  return Object.hasOwn(source, field) && source[field] !== null
}

/** A version as `parseExact` reads it: past 2^53 as it stands. */
function versionOf(value: unknown): Version {
  if (typeof value === 'number') return value
  return value === undefined ? null : BigInt(JSON.stringify(value))
}

interface Identity {
  readonly index: string
  readonly id: string | null
}

interface MultiGet {
  readonly docs: readonly {
    readonly _index: string
    readonly _id: string
    readonly found?: boolean
    readonly _source?: Source
    readonly _version?: unknown
    readonly error?: { readonly type?: string; readonly reason?: string }
  }[]
}

async function fetchStored(
  wanted: readonly Identity[],
  { transport, retries, signal }: StoredValuesSource,
): Promise<ReadonlyMap<string, Stored>> {
  const docs = wanted.map(({ index, id }) => ({ _index: index, _id: id }))
  const found = new Map<string, Stored>()
  const streak = retries.begin()
  for (;;) {
    const answer = await requestPatiently(
      transport,
      { method: 'POST', path: '/_mget', body: JSON.stringify({ docs }), signal },
      retries,
    )
    if (answer.status >= 300) throw refusal('the stored values of unchanged large columns could not be read', answer)
    const { docs: answers } = parseExact(answer.body) as MultiGet
    let unavailable: string | null = null
    for (const [i, doc] of answers.entries()) {
      const asked = docs[i]
      if (doc.error !== undefined && doc.error.type !== 'index_not_found_exception') unavailable = reasonOf(doc.error)
      else if (doc.found === true && doc._source !== undefined && asked !== undefined)
        found.set(documentKey({ index: asked._index, id: asked._id }), {
          source: doc._source,
          version: versionOf(doc._version),
        })
    }
    if (unavailable === null) {
      streak.over()
      return found
    }
    if (signal.aborted) throw new ConnectError('stopped while stored values were read')
    await streak.wait({ code: 'ES_UNAVAILABLE', reason: unavailable }, signal)
  }
}

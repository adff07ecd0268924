import { jsonOf, parseExact } from '../document/json-text.ts'
import { documentKey, documentOf, type Draft, type BulkActionEncoder, type Operation } from '../bulk/operation.ts'
import { reasonOf } from '../bulk/bulk-response.ts'
import type { Cluster } from '../client/cluster.ts'
import { rejection, requestWithRetry } from '../client/requests.ts'
import type { Retries } from '../client/retries.ts'
import type { Version } from '../document/document-version.ts'
import type { SnapshotRows, Source, Stored } from './snapshot-rows.ts'
import { basesOf, holds, isOlder } from './value-bases.ts'
import { ConnectError, type ConnectValue } from 'penstock/api'

/** How stored documents are read. */
export interface StoredValuesSource {
  readonly cluster: Cluster
  readonly retries: Retries
  readonly signal: AbortSignal
}

/**
 * Fills the holes of a request's documents: from an earlier write of the same document in the request, else from the stored
 * document. If the key of the row has changed, the values are in the document of the old key, unless the new document is stored
 * with at least this version, from an earlier delivery. A field that no document has is left out, and the operation names it.
 */
export async function fillHoles(
  operations: readonly Operation[],
  encoder: BulkActionEncoder,
  from: StoredValuesSource,
  rows: SnapshotRows,
): Promise<void> {
  const wanted = new Map<string, Identity>()
  for (const operation of operations) {
    const { index, id, routing, draft } = operation
    if (draft === null || id === null) continue
    wanted.set(documentKey(operation), { index, id, routing })
    if (draft.from !== null)
      wanted.set(documentKey({ index, id: draft.from }), { index, id: draft.from, routing: draft.fromRouting })
  }
  if (wanted.size === 0) return
  const stored = await fetchStored([...wanted.values()], from)
  const latest = new Map<string, Stored | null>()
  const find = (key: string): Stored | null => (latest.has(key) ? latest.get(key) : stored.get(key)) ?? null
  for (const operation of operations) {
    const key = documentKey(operation)
    if (!wanted.has(key)) continue
    const { draft } = operation
    if (draft !== null) fill(operation, draft, basesOf(operation, draft, find, rows), encoder)
    const before = find(key)
    latest.set(key, isOlder(operation.version, before) ? before : leftBy(operation, before))
  }
}

/** Returns the document as an applied operation leaves it. */
function leftBy(operation: Operation, before: Stored | null): Stored | null {
  const text = documentOf(operation)
  if (text === null) return null
  const written = parseExact(text) as Source
  const { version, kind } = operation
  if (kind !== 'update') return { source: written, version }
  return { source: { ...before?.source, ...(written['doc'] as Source) }, version }
}

function fill(
  operation: Operation,
  { source, holes }: Draft,
  bases: readonly Stored[],
  encoder: BulkActionEncoder,
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
  operation.lines = encoder.encode(operation, filled)
  operation.draft = null
  operation.missing = missing.length === 0 ? null : missing
}

/** Converts a version that `parseExact` read to the form of records' versions: past 2^53 a bigint, even if a double is exact. */
export function versionOf(value: unknown): Version {
  if (Number.isSafeInteger(value)) return value as number
  return value === undefined ? null : BigInt(JSON.stringify(value))
}

interface Identity {
  readonly index: string
  readonly id: string
  readonly routing: string | null
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
  { cluster, retries, signal }: StoredValuesSource,
): Promise<ReadonlyMap<string, Stored>> {
  const docs = wanted.map(({ index, id, routing }) => ({
    _index: index,
    _id: id,
    ...(routing === null ? {} : { routing }),
  }))
  const found = new Map<string, Stored>()
  const streak = retries.begin()
  for (;;) {
    const response = await requestWithRetry(cluster, retries, signal, (client, options) =>
      client.mget({ docs }, options),
    )
    if (response.status >= 300)
      throw rejection('the stored values of unchanged large columns could not be read', response)
    const { docs: documents } = parseExact(response.body) as MultiGet
    let unavailable: string | null = null
    for (const [i, doc] of documents.entries()) {
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
    if (signal.aborted) throw new ConnectError('the task was stopped while it read stored values')
    await streak.wait({ code: 'ES_UNAVAILABLE', reason: unavailable }, signal)
  }
}

import { jsonOf, parseExact } from './json-text.ts'
import { documentKey, documentOf, type Draft, type LineWriter, type Operation } from './operation.ts'
import { reasonOf } from './bulk-response.ts'
import { refusal, requestPatiently, type Retries } from './requests.ts'
import type { Transport } from './transport.ts'
import { ConnectError, type ConnectValue } from 'penstock/api'

type Source = Readonly<Record<string, unknown>>

/** How the cluster is asked for what it stores. */
export interface StoredValuesSource {
  readonly transport: Transport
  readonly retries: Retries
  readonly signal: AbortSignal
}

/**
 * Fills the holes of a request's documents: from an earlier write of the same document in the request, else from what
 * is stored. A field that is stored nowhere stays out of the document. Answers how many fields stayed out.
 */
export async function fillHoles(
  operations: readonly Operation[],
  writer: LineWriter,
  from: StoredValuesSource,
): Promise<number> {
  const wanted = operations.filter((operation) => operation.draft !== null)
  if (wanted.length === 0) return 0
  const stored = await fetchStored(wanted, from)
  const latest = new Map<string, Source | null>()
  const followed = new Set(wanted.map(documentKey))
  let missing = 0
  for (const operation of operations) {
    const key = documentKey(operation)
    if (!followed.has(key)) continue
    if (operation.draft !== null) {
      const base = latest.has(key) ? (latest.get(key) ?? null) : (stored.get(key) ?? null)
      missing += fill(operation, operation.draft, base, writer)
    }
    const document = documentOf(operation)
    latest.set(key, document === null ? null : (parseExact(document) as Source))
  }
  return missing
}

function fill(
  operation: Operation,
  { source, version, holes }: Draft,
  base: Source | null,
  writer: LineWriter,
): number {
  const parts: string[] = []
  let missing = 0
  for (const field of holes) {
    if (base !== null && Object.hasOwn(base, field))
      parts.push(`${JSON.stringify(field)}:${jsonOf(base[field] as ConnectValue)}`)
    else missing += 1
  }
  const open = source.slice(0, -1)
  const filled = `${open}${parts.length > 0 && open.length > 1 ? ',' : ''}${parts.join(',')}}`
  const { kind, index, id } = operation
  operation.lines = writer.write(kind, index, id, version, filled)
  operation.draft = null
  return missing
}

interface MultiGet {
  readonly docs: readonly {
    readonly _index: string
    readonly _id: string
    readonly found?: boolean
    readonly _source?: Source
    readonly error?: { readonly type?: string; readonly reason?: string }
  }[]
}

async function fetchStored(
  wanted: readonly Operation[],
  { transport, retries, signal }: StoredValuesSource,
): Promise<ReadonlyMap<string, Source>> {
  const unique = new Map(wanted.map((operation) => [documentKey(operation), operation]))
  const docs = [...unique.values()].map((operation) => ({ _index: operation.index, _id: operation.id }))
  const found = new Map<string, Source>()
  for (let attempt = 1; ; attempt++) {
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
        found.set(documentKey({ index: asked._index, id: asked._id }), doc._source)
    }
    if (unavailable === null) {
      retries.over(attempt)
      return found
    }
    if (signal.aborted) throw new ConnectError('stopped while stored values were read')
    await retries.wait(attempt, unavailable, signal)
  }
}

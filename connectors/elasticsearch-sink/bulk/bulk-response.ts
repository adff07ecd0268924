import type { Operation } from './operation.ts'
import { isTransient, transientCode } from '../client/requests.ts'
import type { TroubleCode } from '../client/retries.ts'

/** The outcome of one item of a bulk request. */
export type Outcome =
  | { readonly kind: 'done' }
  /** A data stream has a document of this id. */
  | { readonly kind: 'exists' }
  /** A higher version is stored. */
  | { readonly kind: 'superseded'; readonly stored: number | bigint }
  /** Elasticsearch could not apply it now. */
  | { readonly kind: 'unavailable'; readonly code: TroubleCode; readonly reason: string }
  /** No index or alias has the name. */
  | { readonly kind: 'no-index'; readonly reason: string }
  /** The document does not fit its index. */
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }

interface ItemError {
  readonly type?: string
  readonly reason?: string
  readonly caused_by?: ItemError
}

/** One entry of `items`, by action name. */
export type BulkItem = Readonly<Record<string, { readonly status: number; readonly error?: ItemError }>>

const malformedTypes = new Set([
  'strict_dynamic_mapping_exception',
  'mapper_parsing_exception',
  'illegal_argument_exception',
  'action_request_validation_exception',
  'document_parsing_exception',
])

// Transient by type: their status is that of a rejection (403, 404, 400), or differs between versions.
const unavailableTypes = new Set([
  'es_rejected_execution_exception',
  'rejected_execution_exception',
  'unavailable_shards_exception',
  'no_shard_available_action_exception',
  'process_cluster_event_timeout_exception',
  'circuit_breaking_exception',
  'cluster_block_exception',
  'index_closed_exception',
  'shard_not_found_exception',
  'illegal_index_shard_state_exception',
  'index_shard_closed_exception',
  'index_shard_not_started_exception',
  'primary_missing_action_exception',
  'node_closed_exception',
  'node_disconnected_exception',
  'timeout_exception',
])

/** Those of them that an operator has to end. */
const blockTypes = new Set(['cluster_block_exception', 'index_closed_exception'])

const noErrors = '{"errors":false,'
const statusKey = '"status":'

/**
 * Returns whether a response reports that all `count` operations were applied, without parsing it: nearly every response does.
 * It holds `errors`, `items.*._seq_no` and `items.*.status`, in the order in which every version writes them.
 */
export function succeeded(body: string, count: number): boolean {
  if (!body.startsWith(noErrors) || !body.endsWith(']}')) return false
  let found = 0
  for (let at = body.indexOf(statusKey); at >= 0; at = body.indexOf(statusKey, at + statusKey.length)) found += 1
  return found === count
}

/** Returns whether a shard applied its first operation: the index is new. */
export function opensShard(body: string): boolean {
  return body.includes('"_seq_no":0,')
}

/** The items of a response; null when it is cut, or is no response to a bulk request. */
export function parseItems(body: string): readonly BulkItem[] | null {
  try {
    const response = JSON.parse(body) as { items?: readonly BulkItem[] }
    return response.items ?? null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** Classifies an item by its status and error type (8.x, 7.17 and OpenSearch name some types differently). */
export function classify(item: BulkItem, operation: Pick<Operation, 'version' | 'kind'>): Outcome {
  const [result] = Object.values(item)
  if (result === undefined) return { kind: 'refused', reason: 'an item of the bulk response is empty' }
  const { error, status } = result
  if (error === undefined) return { kind: 'done' }
  const type = error.type ?? ''
  const reason = reasonOf(error)
  if (status === 409 || type === 'version_conflict_engine_exception') {
    if (operation.kind === 'create') return { kind: 'exists' }
    const stored = operation.version === null ? null : storedVersion(reason)
    return stored === null ? { kind: 'refused', reason } : { kind: 'superseded', stored }
  }
  if (type === 'index_not_found_exception') return { kind: 'no-index', reason }
  if (malformedTypes.has(type) && status < 500 && !isAliasGap(error) && !isPipelineGap(error))
    return { kind: 'malformed', reason }
  if (!isTransient(status) && !unavailableTypes.has(type)) return { kind: 'refused', reason }
  return { kind: 'unavailable', code: blockTypes.has(type) ? 'ES_INDEX_BLOCKED' : transientCode(status), reason }
}

/** An illegal argument that is not the document's: every write to the alias fails like this. */
function isAliasGap(error: ItemError): boolean {
  return error.reason?.includes('no write index is defined for alias') === true
}

/** The pipeline of every document is missing. */
function isPipelineGap(error: ItemError): boolean {
  return /^pipeline with id \[.*\] does not exist/.test(error.reason ?? '')
}

/** The version in `current version [7] is higher than the one provided [5]`; null where the reason is a different one. */
function storedVersion(reason: string): number | bigint | null {
  const digits = /current version \[(\d+)\]/.exec(reason)?.[1]
  if (digits === undefined) return null
  const version = BigInt(digits)
  return version <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(version) : version
}

/** `type: reason (cause: reason)`, as Elasticsearch words it. */
export function reasonOf(error: ItemError): string {
  const own = `${error.type ?? 'error'}: ${error.reason ?? 'no reason given'}`
  return error.caused_by === undefined ? own : `${own} (${reasonOf(error.caused_by)})`
}

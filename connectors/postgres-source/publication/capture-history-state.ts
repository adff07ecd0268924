import type { SourceOffset } from 'penstock/api'

/**
 * Why a captured table is incomplete:
 * - `joined`: it has rows from before it was captured;
 * - `gap`: changes were missed while it was not captured;
 * - `recreated`: a table of the same name was dropped, and `DROP TABLE` sends no deletions.
 */
export type IncompleteReason = 'joined' | 'gap' | 'recreated'

/** The stored history of the captured tables of a database. Table identifiers are `pg_class.oid`. */
export interface CaptureHistoryState {
  /** Captured tables with the publication entries that covered them; null when an older version wrote the state. */
  readonly tables: Map<number, readonly number[] | null>
  /** Tables that PG_UNREAD names, until a snapshot reads all tables again. */
  readonly incomplete: Map<number, IncompleteReason>
  /** Tables that were captured before and are not captured now. */
  readonly formerlyCaptured: Set<number>
  /** Hashes of the names of captured tables that were dropped. */
  readonly droppedNames: Set<string>
  /** Tables that were never captured. */
  readonly neverCaptured: Set<number>
  /** Tables whose rows the stream has sent under another name since the last check. */
  readonly sentElsewhere: Set<number>
  /** A hash of the name of each captured table. */
  readonly nameHashes: Map<number, string>
  /** Position of each captured table in the partition tree, see `CapturedTable.place`. */
  readonly places: Map<number, string>
  /** The tables were read by a snapshot that contains everything committed before this LSN. */
  completeUpTo: number
  /** Oid of the publication. */
  publication: number | null
  /** `xmin` of the publication's row, see `Publication.options`. */
  options: string | null
  owner: string | null
  /** Publication entries that cover tables created later; null when an older version wrote the state. */
  wideEntries: ReadonlySet<number> | null
  filterHash: string | null
  /** Whether the partitions of captured roots are among the tables; false when an older version wrote the state. */
  knowsPartitions: boolean
}

/** A longer list would make the offset too large. */
const maxNeverCaptured = 20_000
export const maxDroppedNames = 1_000

export function emptyState(): CaptureHistoryState {
  return {
    tables: new Map(),
    incomplete: new Map(),
    formerlyCaptured: new Set(),
    droppedNames: new Set(),
    neverCaptured: new Set(),
    sentElsewhere: new Set(),
    nameHashes: new Map(),
    places: new Map(),
    completeUpTo: 0,
    publication: null,
    options: null,
    owner: null,
    wideEntries: null,
    filterHash: null,
    knowsPartitions: false,
  }
}

export function parseState(stored: SourceOffset): CaptureHistoryState {
  const oids = numbers(stored['tables'])
  const entries = typeof stored['entries'] === 'string' ? stored['entries'].split(',') : []
  const { publication, options, owner, holders, filters } = stored
  return {
    tables: new Map(oids.map((oid, i) => [oid, parseEntries(entries[i])])),
    incomplete: new Map([
      ...numbers(stored['unread']).map((oid): [number, IncompleteReason] => [oid, 'joined']),
      ...numbers(stored['gaps']).map((oid): [number, IncompleteReason] => [oid, 'gap']),
      ...numbers(stored['recreated']).map((oid): [number, IncompleteReason] => [oid, 'recreated']),
    ]),
    formerlyCaptured: new Set(numbers(stored['left'])),
    droppedNames: new Set(items(stored['dropped'])),
    neverCaptured: new Set(numbers(stored['others'])),
    sentElsewhere: new Set(numbers(stored['passed'])),
    nameHashes: parallelTexts(oids, stored['names']),
    places: parallelTexts(oids, stored['places']),
    completeUpTo: Number(stored['read'] ?? 0),
    publication: typeof publication === 'string' ? Number(publication) : null,
    options: typeof options === 'string' ? options : null,
    owner: typeof owner === 'string' ? owner : null,
    wideEntries: typeof holders === 'string' ? new Set(numbers(holders)) : null,
    filterHash: typeof filters === 'string' ? filters : null,
    knowsPartitions: stored['entries'] !== undefined,
  }
}

/** The offset to store. Its keys are a stored format: they never change. */
export function formatState(state: CaptureHistoryState): SourceOffset {
  const incomplete = (reason: IncompleteReason): number[] =>
    [...state.incomplete].flatMap(([oid, other]) => (other === reason ? oid : []))
  return {
    tables: [...state.tables.keys()].join(','),
    entries: [...state.tables.values()].map((entries) => entries?.join('+') || '0').join(','),
    names: [...state.tables.keys()].map((oid) => state.nameHashes.get(oid) ?? '').join(','),
    places: [...state.tables.keys()].map((oid) => state.places.get(oid) ?? '').join(','),
    read: String(state.completeUpTo),
    unread: incomplete('joined').join(','),
    gaps: incomplete('gap').join(','),
    recreated: incomplete('recreated').join(','),
    left: [...state.formerlyCaptured].join(','),
    dropped: [...state.droppedNames].join(','),
    others: state.neverCaptured.size > maxNeverCaptured ? '' : [...state.neverCaptured].join(','),
    passed: [...state.sentElsewhere].join(','),
    publication: String(state.publication),
    options: state.options,
    owner: state.owner,
    holders: state.wideEntries === null ? null : [...state.wideEntries].join(','),
    filters: state.filterHash,
  }
}

function numbers(list: SourceOffset[string] | undefined): number[] {
  return items(list).map(Number)
}

function items(list: SourceOffset[string] | undefined): string[] {
  return String(list ?? '')
    .split(',')
    .filter((item) => item !== '')
}

function parseEntries(text: string | undefined): readonly number[] | null {
  if (text === undefined) return null
  return text === '0' ? [] : text.split('+').map(Number)
}

/** Parses a list that is parallel to the list of tables; empty when an older version wrote the state. */
function parallelTexts(oids: readonly number[], list: SourceOffset[string] | undefined): Map<number, string> {
  if (typeof list !== 'string' || oids.length === 0) return new Map()
  const texts = list.split(',')
  return new Map(oids.map((oid, i) => [oid, texts[i] ?? '']))
}

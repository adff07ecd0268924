import type { SourceOffset } from 'penstock/api'

/** Why a captured table is incomplete:
 * - `joined`: it has rows from before it was captured;
 * - `gap`: changes were missed while it was not captured;
 * - `recreated`: a table of the same name was dropped, and `DROP TABLE` sends no deletions.
 */
export type Missed = 'joined' | 'gap' | 'recreated'

/** The stored history of the captured tables of a database. Table identifiers are `pg_class.oid`. */
export interface KnownState {
  /** Captured tables with the publication entries that covered them; null when an older version wrote the state. */
  readonly tables: Map<number, readonly number[] | null>
  readonly missed: Map<number, Missed>
  /** Tables that were captured before and are not captured now. */
  readonly left: Set<number>
  /** Hashes of the names of captured tables that were dropped. */
  readonly dropped: Set<string>
  /** Tables that were never captured. */
  readonly others: Set<number>
  /** Tables whose rows the stream has sent under another name since the last check. */
  readonly passed: Set<number>
  /** A hash of the name of each captured table. */
  readonly names: Map<number, string>
  /** Position of each captured table in the partition tree, see `CapturedTable.place`. */
  readonly places: Map<number, string>
  /** The tables were read by a snapshot that contains everything committed before this LSN. */
  readTo: number
  publication: number | null
  /** `xmin` of the publication's row: every `ALTER PUBLICATION … SET` changes it. */
  options: string | null
  owner: string | null
  /** Publication entries that cover tables created later; null when an older version wrote the state. */
  holders: ReadonlySet<number> | null
  filters: string | null
  /** Whether the partitions of captured roots are among the tables; false when an older version wrote the state. */
  knowsPartitions: boolean
}

/** A longer list would make the offset too large. */
const maxOthers = 20_000
export const maxDropped = 1_000

export function emptyState(): KnownState {
  return {
    tables: new Map(),
    missed: new Map(),
    left: new Set(),
    dropped: new Set(),
    others: new Set(),
    passed: new Set(),
    names: new Map(),
    places: new Map(),
    readTo: 0,
    publication: null,
    options: null,
    owner: null,
    holders: null,
    filters: null,
    knowsPartitions: false,
  }
}

export function parseState(stored: SourceOffset): KnownState {
  const oids = numbers(stored['tables'])
  const entries = typeof stored['entries'] === 'string' ? stored['entries'].split(',') : []
  const { publication, options, owner, holders, filters } = stored
  return {
    tables: new Map(oids.map((oid, i) => [oid, holdersIn(entries[i])])),
    missed: new Map([
      ...numbers(stored['unread']).map((oid): [number, Missed] => [oid, 'joined']),
      ...numbers(stored['gaps']).map((oid): [number, Missed] => [oid, 'gap']),
      ...numbers(stored['recreated']).map((oid): [number, Missed] => [oid, 'recreated']),
    ]),
    left: new Set(numbers(stored['left'])),
    dropped: new Set(items(stored['dropped'])),
    others: new Set(numbers(stored['others'])),
    passed: new Set(numbers(stored['passed'])),
    names: textsOf(oids, stored['names']),
    places: textsOf(oids, stored['places']),
    readTo: Number(stored['read'] ?? 0),
    publication: typeof publication === 'string' ? Number(publication) : null,
    options: typeof options === 'string' ? options : null,
    owner: typeof owner === 'string' ? owner : null,
    holders: typeof holders === 'string' ? new Set(numbers(holders)) : null,
    filters: typeof filters === 'string' ? filters : null,
    knowsPartitions: stored['entries'] !== undefined,
  }
}

export function stateText(state: KnownState): SourceOffset {
  const missed = (kind: Missed): number[] => [...state.missed].flatMap(([oid, other]) => (other === kind ? oid : []))
  return {
    tables: [...state.tables.keys()].join(','),
    entries: [...state.tables.values()].map((entries) => entries?.join('+') || '0').join(','),
    names: [...state.tables.keys()].map((oid) => state.names.get(oid) ?? '').join(','),
    places: [...state.tables.keys()].map((oid) => state.places.get(oid) ?? '').join(','),
    read: String(state.readTo),
    unread: missed('joined').join(','),
    gaps: missed('gap').join(','),
    recreated: missed('recreated').join(','),
    left: [...state.left].join(','),
    dropped: [...state.dropped].join(','),
    others: state.others.size > maxOthers ? '' : [...state.others].join(','),
    passed: [...state.passed].join(','),
    publication: String(state.publication),
    options: state.options,
    owner: state.owner,
    holders: state.holders === null ? null : [...state.holders].join(','),
    filters: state.filters,
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

function holdersIn(text: string | undefined): readonly number[] | null {
  if (text === undefined) return null
  return text === '0' ? [] : text.split('+').map(Number)
}

/** Parses a list that is parallel to the list of tables; empty when an older version wrote the state. */
function textsOf(oids: readonly number[], list: SourceOffset[string] | undefined): Map<number, string> {
  if (typeof list !== 'string' || oids.length === 0) return new Map()
  const texts = list.split(',')
  return new Map(oids.map((oid, i) => [oid, texts[i] ?? '']))
}

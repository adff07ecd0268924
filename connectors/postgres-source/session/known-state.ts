import type { SourceOffset } from 'penstock/api'

/**
 * What is missed of a table: rows from before it was captured, changes from a time when it was left out, or the deletions
 * of the rows of a table of its name that was dropped.
 */
export type Missed = 'joined' | 'gap' | 'recreated'

/** What is known of the tables of a database. */
export interface KnownState {
  /** Captured tables with the entries by which the publication held them, null where an older version stored it. */
  readonly tables: Map<number, readonly number[] | null>
  readonly missed: Map<number, Missed>
  /** Tables that were captured and are not now. */
  readonly left: Set<number>
  /** Hashes of the names of captured tables that were dropped. */
  readonly dropped: Set<string>
  /** Tables that were never captured. */
  readonly others: Set<number>
  /** Tables whose rows the stream sent under another name than that of the last look, since then. */
  readonly passed: Set<number>
  /** A hash of the name of each captured table. */
  readonly names: Map<number, string>
  /** Where captured tables stand in the partition tree. */
  readonly places: Map<number, string>
  /** The tables were read after what was committed up to there. */
  readTo: number
  publication: number | null
  /** Changes with every ALTER PUBLICATION … SET. */
  options: string | null
  owner: string | null
  /** The publication's entries that hold new tables; null where an older version stored it. */
  holders: ReadonlySet<number> | null
  filters: string | null
  /** Whether the partitions of captured roots are among the tables. */
  knowsPartitions: boolean
}

/** More would make the offset too large. */
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

/** The texts of a list beside that of the tables; none for what an older version stored. */
function textsOf(oids: readonly number[], list: SourceOffset[string] | undefined): Map<number, string> {
  if (typeof list !== 'string' || oids.length === 0) return new Map()
  const texts = list.split(',')
  return new Map(oids.map((oid, i) => [oid, texts[i] ?? '']))
}

import type { SourceOffset } from 'penstock/api'

/** What is missed of a table: rows from before it was captured, or changes from a time when it was left out. */
export type Missed = 'joined' | 'gap'

/** What is known of the tables of a database. */
export interface KnownState {
  /** Captured tables with their entry in the publication: 0 for none of its own, null where an older version stored it. */
  readonly tables: Map<number, number | null>
  readonly missed: Map<number, Missed>
  /** Tables that were captured and are not now. */
  readonly left: Set<number>
  /** Tables that were never captured. */
  readonly others: Set<number>
  publication: number | null
  /** Changes with every ALTER PUBLICATION … SET. */
  options: string | null
  filters: string | null
  /** Whether the partitions of captured roots are among the tables. */
  knowsPartitions: boolean
}

/** More would make the offset too large. */
const maxOthers = 20_000

export function emptyState(): KnownState {
  return {
    tables: new Map(),
    missed: new Map(),
    left: new Set(),
    others: new Set(),
    publication: null,
    options: null,
    filters: null,
    knowsPartitions: false,
  }
}

export function parseState(stored: SourceOffset): KnownState {
  const entries = numbers(stored['entries'])
  const { publication, options, filters } = stored
  return {
    tables: new Map(numbers(stored['tables']).map((oid, i) => [oid, entries[i] ?? null])),
    missed: new Map([
      ...numbers(stored['unread']).map((oid): [number, Missed] => [oid, 'joined']),
      ...numbers(stored['gaps']).map((oid): [number, Missed] => [oid, 'gap']),
    ]),
    left: new Set(numbers(stored['left'])),
    others: new Set(numbers(stored['others'])),
    publication: typeof publication === 'string' ? Number(publication) : null,
    options: typeof options === 'string' ? options : null,
    filters: typeof filters === 'string' ? filters : null,
    knowsPartitions: stored['entries'] !== undefined,
  }
}

export function stateText(state: KnownState): SourceOffset {
  const missed = (kind: Missed): number[] => [...state.missed].flatMap(([oid, other]) => (other === kind ? oid : []))
  return {
    tables: [...state.tables.keys()].join(','),
    entries: [...state.tables.values()].map((entry) => entry ?? 0).join(','),
    unread: missed('joined').join(','),
    gaps: missed('gap').join(','),
    left: [...state.left].join(','),
    others: state.others.size > maxOthers ? '' : [...state.others].join(','),
    publication: String(state.publication),
    options: state.options,
    filters: state.filters,
  }
}

function numbers(list: SourceOffset[string] | undefined): number[] {
  return String(list ?? '')
    .split(',')
    .filter((item) => item !== '')
    .map(Number)
}

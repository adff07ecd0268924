import { primitive, struct } from 'penstock/api'
import { expect, it } from 'vitest'
import { SnapshotRows, type Stored } from '../../connectors/elasticsearch-sink/stored-values/snapshot-rows.ts'
import { basesOf, holds } from '../../connectors/elasticsearch-sink/stored-values/value-bases.ts'
import { UncertainToastRows } from '../../connectors/postgres-source/snapshot/uncertain-toast-rows.ts'
import type { Row } from '../../connectors/postgres-source/replication/row-reader.ts'
import type { ColumnPlan, TableShape } from '../../connectors/postgres-source/schema/table-shape.ts'
import { seededRandom } from '../support/seeded-random.ts'

/** Rows by key: the large value of each. */
type Table = ReadonlyMap<number, string>

/** `big` is null where the change leaves the large value alone. */
type Change =
  | { readonly does: 'write'; readonly id: number; readonly big: string | null }
  | { readonly does: 'delete'; readonly id: number }
  | { readonly does: 'move'; readonly id: number; readonly to: number; readonly big: string | null }

/** Changes, and the table before each of them and after the last. */
interface History {
  readonly changes: readonly Change[]
  readonly tables: readonly Table[]
}

interface Kind {
  readonly keys: number
  readonly changes: number
  /** One of so many changes carries the value. */
  readonly carries: number
  readonly moves: boolean
}

const kinds: readonly Kind[] = [
  { keys: 4, changes: 8, carries: 4, moves: true },
  { keys: 8, changes: 14, carries: 8, moves: true },
  { keys: 40, changes: 20, carries: 5, moves: true },
]

class Writer {
  readonly changes: Change[] = []
  readonly tables: Table[] = []
  readonly #rows: Map<number, string>
  readonly #keys: number

  constructor(rows: ReadonlyMap<number, string>, keys: number) {
    this.#rows = new Map(rows)
    this.#keys = keys
    this.tables.push(new Map(rows))
  }

  get taken(): number[] {
    return [...this.#rows.keys()]
  }

  get free(): number[] {
    return Array.from({ length: this.#keys }, (_, key) => key).filter((key) => !this.#rows.has(key))
  }

  change(change: Change): void {
    const { id } = change
    const before = this.#rows.get(id) ?? ''
    if (change.does !== 'write') this.#rows.delete(id)
    if (change.does !== 'delete') this.#rows.set(change.does === 'move' ? change.to : id, change.big ?? before)
    this.changes.push(change)
    this.tables.push(new Map(this.#rows))
  }
}

function historyOf(seed: number, { keys, changes, carries, moves }: Kind): History {
  const random = seededRandom(seed)
  const below = (n: number): number => Math.floor(random() * n)
  const oneOf = (list: readonly number[]): number => list[below(list.length)] ?? -1
  let values = 0
  const value = (): string => `value ${(values += 1)}`
  const sometimes = (): string | null => (below(carries) === 0 ? value() : null)
  const first = Array.from({ length: keys }, (_, key): [number, string] => [key, value()]).filter(() => below(2) === 0)
  const writer = new Writer(new Map(first), keys)
  while (writer.changes.length < changes) {
    const { taken, free } = writer
    const [id, other, place] = [oneOf(taken), oneOf(taken), oneOf(free)]
    const does = below(moves ? 8 : 4)
    if (taken.length === 0 || (does === 0 && place >= 0)) writer.change({ does: 'write', id: place, big: value() })
    else if (does === 1) writer.change({ does: 'delete', id })
    else if (does < 4 || place < 0) writer.change({ does: 'write', id, big: sometimes() })
    else if (does < 7 || id === other) writer.change({ does: 'move', id, to: place, big: sometimes() })
    else {
      writer.change({ does: 'move', id, to: place, big: null })
      writer.change({ does: 'move', id: other, to: id, big: null })
      writer.change({ does: 'move', id: place, to: other, big: null })
    }
  }
  return { changes: writer.changes, tables: writer.tables }
}

interface Replay {
  /** The change before which the snapshot is taken. */
  readonly snapshot: number
  /** The same of one before it that was interrupted; null without. */
  readonly interrupted: number | null
  /** Whether the source names the snapshot in the changes that it is ahead of. */
  readonly named: boolean
  /** The change before which the sink starts again; null without. */
  readonly restart: number | null
}

const keyOf = (id: number): string => `t\u0000${id}`

/** The documents after the snapshot and all changes from the slot's position, the first one, on. */
function replayed(
  { changes, tables }: History,
  { snapshot, interrupted, named, restart }: Replay,
): Map<string, Stored> {
  const documents = new Map<string, Stored>()
  let rows = new SnapshotRows()
  for (const at of interrupted === null ? [snapshot] : [interrupted, snapshot])
    for (const [id, big] of tables[at] ?? []) documents.set(keyOf(id), { source: { big }, version: 0 })
  for (const [at, change] of changes.entries()) {
    if (at === restart) rows = new SnapshotRows()
    const version = at + 1
    const id = change.does === 'move' ? change.to : change.id
    if (change.does !== 'delete') {
      const { big } = change
      const from = change.does === 'move' ? String(change.id) : null
      const draft = { holes: ['big'], from, ahead: named && at < snapshot ? 0 : null }
      const find = (key: string): Stored | null => documents.get(key) ?? null
      const bases = big === null ? basesOf({ index: 't', id: String(id), version }, draft, find, rows) : []
      const held = bases.find((base) => holds(base, 'big'))?.source ?? {}
      documents.set(keyOf(id), { source: big === null ? held : { big }, version })
    }
    if (change.does !== 'write') documents.delete(keyOf(change.id))
  }
  return documents
}

/** Documents with the value of another row, and without one; the rest of the index has to be the table's. */
function faults({ tables }: History, documents: ReadonlyMap<string, Stored>): { wrong: number[]; missing: number[] } {
  const table = tables.at(-1) ?? new Map<number, string>()
  expect([...documents.keys()].toSorted()).toEqual([...table.keys()].map(keyOf).toSorted())
  const found = (id: number): unknown => documents.get(keyOf(id))?.source['big']
  const all = [...table].filter(([id, big]) => found(id) !== big).map(([id]) => id)
  return {
    wrong: all.filter((id) => found(id) !== undefined),
    missing: all.filter((id) => found(id) === undefined),
  }
}

const shape = {
  oid: 1,
  schema: 'public',
  name: 't',
  keyColumns: ['id'],
  keySchema: struct([['id', primitive('INT32')]]),
} as unknown as TableShape
const big = { name: 'big', isArray: false } as unknown as ColumnPlan
const row = (id: number): Row => ({ kind: 'new', values: [], key: [id] })

/** The keys that the source names at the end. */
function named({ changes }: History, snapshot: number): number[] {
  const rows = new UncertainToastRows()
  for (const [at, change] of changes.entries()) {
    const unchanged = change.does === 'delete' || change.big !== null ? [] : [big]
    if (change.does === 'delete') rows.gone(shape, row(change.id))
    else if (change.does === 'write') rows.written(shape, row(change.id), unchanged, at)
    else rows.moved(shape, { old: row(change.id), row: row(change.to), unchanged }, at < snapshot)
  }
  const [, list = ''] = / IN \(([^)]*)\);/.exec(rows.text() ?? '') ?? []
  return list.split(', ').filter(Boolean).map(Number)
}

const seeds = Array.from({ length: 400 }, (_, i) => i + 1)
const below = (seed: number, n: number): number => Math.floor(seededRandom(seed * 7919)() * n)
const replayOf = (seed: number, { changes }: History, isNamed: boolean): Replay => {
  const snapshot = below(seed, changes.length + 1)
  return { snapshot, interrupted: seed % 2 === 0 ? below(seed + 1, snapshot + 1) : null, named: isNamed, restart: null }
}

it('documents become the table where the snapshot was taken at the slot', () => {
  for (const kind of kinds)
    for (const seed of seeds) {
      const history = historyOf(seed, kind)
      const documents = replayed(history, { snapshot: 0, interrupted: null, named: true, restart: null })
      expect(faults(history, documents), `seed ${seed}`).toEqual({ wrong: [], missing: [] })
    }
})

it('documents become the table wherever the snapshot was taken, while no key changes', () => {
  for (const kind of kinds)
    for (const seed of seeds) {
      const history = historyOf(seed, { ...kind, moves: false })
      for (const isNamed of [true, false]) {
        const documents = replayed(history, replayOf(seed, history, isNamed))
        expect(faults(history, documents), `seed ${seed}`).toEqual({ wrong: [], missing: [] })
      }
    }
})

it('every document that a snapshot ahead of the stream leaves with a wrong value, or without one, is named', () => {
  for (const kind of kinds)
    for (const seed of seeds) {
      const history = historyOf(seed, kind)
      const replay = replayOf(seed, history, true)
      const restart = below(seed + 2, history.changes.length)
      for (const how of [{ named: true }, { named: true, restart }, { named: false }]) {
        const { wrong, missing } = faults(history, replayed(history, { ...replay, ...how }))
        expect(named(history, replay.snapshot), `seed ${seed}`).toEqual(expect.arrayContaining([...wrong, ...missing]))
      }
    }
})

it('a snapshot that is named in the changes behind it leaves a third of the wrong values at most', () => {
  for (const kind of kinds) {
    const count = (isNamed: boolean): { wrong: number; missing: number } => {
      const sum = { wrong: 0, missing: 0 }
      for (const seed of seeds) {
        const history = historyOf(seed, kind)
        const { wrong, missing } = faults(history, replayed(history, replayOf(seed, history, isNamed)))
        sum.wrong += wrong.length
        sum.missing += missing.length
      }
      return sum
    }
    const [with_, without] = [count(true), count(false)]
    expect(without.wrong).toBeGreaterThan(50)
    expect(with_.wrong * 3, JSON.stringify({ kind, with_, without })).toBeLessThan(without.wrong)
    expect(with_.missing, JSON.stringify({ kind, with_, without })).toBeLessThanOrEqual(without.missing)
  }
})

it('rows that swap their keys keep their values (I12)', () => {
  const writer = new Writer(
    new Map([
      [1, 'A'],
      [2, 'B'],
    ]),
    10,
  )
  for (const [id, to] of [
    [1, 9],
    [2, 1],
    [9, 2],
  ] as const)
    writer.change({ does: 'move', id, to, big: null })
  const history = { changes: writer.changes, tables: writer.tables }
  for (const snapshot of [0, 1, 2, 3]) {
    const documents = replayed(history, { snapshot, interrupted: null, named: true, restart: null })
    expect(faults(history, documents), `snapshot before change ${snapshot}`).toEqual({ wrong: [], missing: [] })
  }
})

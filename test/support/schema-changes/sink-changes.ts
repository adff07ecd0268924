import { schemaChanges, type SchemaChange } from './schema-changes.ts'

/** What becomes of the rows of a table in an index. */
export interface IndexAfter {
  /** The types of the columns in the mapping, the key left out. */
  readonly types: Readonly<Record<string, string>>
  /** By document id. */
  readonly documents: Readonly<Record<string, unknown>>
  /** The reasons of dead letters, by the offset of the record. */
  readonly letters?: Readonly<Record<number, string>>
}

/** A kind of DDL, and what the sinks make of three rows: one before it, two after it. */
export interface SinkChange {
  readonly change: SchemaChange
  /** Writes the third row. */
  readonly more: string
  /** With `schema.ignore=false`. */
  readonly mapped: IndexAfter
  /** With `schema.ignore=true`: Elasticsearch maps by the first value that it sees. */
  readonly guessed: IndexAfter
  /** Whether the schema of values is another one after the change. */
  readonly changesSchema: boolean
  /** The second row with the schema from before the change, by the rules of Kafka's SchemaProjector; null: it has none. */
  readonly projectedBack: Readonly<Record<string, unknown>> | null
}

interface Expected {
  readonly more?: string
  readonly mapped: IndexAfter
  readonly guessed?: Partial<IndexAfter>
}

const ofN = (...values: readonly unknown[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(values.map((n, i) => [String(i + 1), { id: i + 1, n }]))
const ofV = (...values: readonly unknown[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(values.map((v, i) => [String(i + 1), { id: i + 1, v }]))
const third = 'insert into {t} (id, n) values (3, 30)'

/** By name of the change. */
const expected: Readonly<Record<string, Expected>> = {
  add_nullable: {
    more: 'insert into {t} (id) values (3)',
    mapped: { types: { n: 'integer' }, documents: { ...ofN(0, 20, null), 1: { id: 1 } } },
    guessed: { types: { n: 'long' } },
  },
  // Postgres fills existing rows without a change event: their documents stay without the column.
  add_default: {
    more: 'insert into {t} (id) values (3)',
    mapped: { types: { n: 'integer' }, documents: { ...ofN(0, 20, 5), 1: { id: 1 } } },
    guessed: { types: { n: 'long' } },
  },
  drop_nullable: {
    more: 'insert into {t} values (3)',
    mapped: { types: { n: 'integer' }, documents: { 1: { id: 1, n: 10 }, 2: { id: 2 }, 3: { id: 3 } } },
    guessed: { types: { n: 'long' } },
  },
  rename_nullable: {
    mapped: { types: { old: 'integer', n: 'integer' }, documents: { ...ofN(0, 20, 30), 1: { id: 1, old: 10 } } },
    guessed: { types: { old: 'long', n: 'long' } },
  },
  // The field stays what it was created as.
  int_to_bigint: {
    more: 'insert into {t} values (3, 3000000000)',
    mapped: {
      types: { n: 'integer' },
      documents: ofN(10, 20),
      letters: { 2: 'failed to parse field [n] of type [integer]' },
    },
    guessed: { types: { n: 'long' }, documents: ofN(10, 20, 3_000_000_000), letters: {} },
  },
  bigint_to_int: { mapped: { types: { n: 'long' }, documents: ofN(10, 20, 30) } },
  // Elasticsearch reads numbers in strings.
  int_to_text: {
    more: `insert into {t} values (3, '30')`,
    mapped: {
      types: { n: 'integer' },
      documents: { 1: { id: 1, n: 10 }, 3: { id: 3, n: '30' } },
      letters: { 1: 'failed to parse field [n] of type [integer]' },
    },
    guessed: { types: { n: 'long' }, letters: { 1: 'failed to parse field [n] of type [long]' } },
  },
  text_to_int: { mapped: { types: { n: 'text' }, documents: ofN('10', 20, 30) } },
  numeric_unbounded: {
    more: 'insert into {t} values (3, 0.333)',
    mapped: { types: { v: 'double' }, documents: ofV('1.25', '3', '0.333') },
    guessed: { types: { v: 'text' } },
  },
  timestamp_to_timestamptz: {
    more: `insert into {t} values (3, '2026-01-02 04:04:05+01')`,
    mapped: {
      types: { v: 'date' },
      documents: ofV('2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000000Z', '2026-01-02T03:04:05.000000Z'),
    },
  },
  enum_value: {
    more: `insert into {t} values (3, 'ok')`,
    mapped: { types: { v: 'keyword' }, documents: ofV('ok', 'fine', 'ok') },
    guessed: { types: { v: 'text' } },
  },
  set_not_null: {
    mapped: { types: { n: 'integer' }, documents: ofN(10, 20, 30) },
    guessed: { types: { n: 'long' } },
  },
  drop_not_null: {
    more: 'insert into {t} values (3, null)',
    mapped: { types: { n: 'integer' }, documents: ofN(10, 20, null) },
    guessed: { types: { n: 'long' } },
  },
  add_key: {
    mapped: {
      types: { n: 'integer' },
      documents: { 2: { id: 2, n: 20 }, 3: { id: 3, n: 30 } },
      letters: { 0: 'Key is used as document id and can not be null' },
    },
    guessed: { types: { n: 'long' } },
  },
  drop_key: {
    mapped: {
      types: { n: 'integer' },
      documents: ofN(10),
      letters: {
        1: 'Key is used as document id and can not be null',
        2: 'Key is used as document id and can not be null',
      },
    },
    guessed: { types: { n: 'long' } },
  },
  // The document of the former key stays, and a row that changes is there twice.
  replace_key: {
    more: 'update {t} set id = 100 where id = 1',
    mapped: {
      types: { code: 'text' },
      documents: { 1: { id: 1, code: 'a' }, a: { id: 100, code: 'a' }, b: { id: 2, code: 'b' } },
    },
  },
  replica_identity: {
    more: 'insert into {t} values (2, 30)',
    mapped: { types: { n: 'integer' }, documents: ofN(20, 30) },
    guessed: { types: { n: 'long' } },
  },
}

const projectedBack: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  add_nullable: { id: 2 },
  add_default: { id: 2 },
  drop_nullable: { id: 2, n: null },
  rename_nullable: { id: 2, old: null },
  bigint_to_int: { id: 2, n: 20 },
  set_not_null: { id: 2, n: 20 },
}

export const sinkChanges: readonly SinkChange[] = Object.entries(expected).map(([name, { more, mapped, guessed }]) => {
  const change = schemaChanges.find((one) => one.name === name)
  if (change === undefined) throw new RangeError(`no such change: ${name}`)
  return {
    change,
    more: more ?? third,
    mapped,
    guessed: { ...mapped, ...guessed },
    changesSchema: change.changes !== 'key' && change.avro.backward !== 'same',
    projectedBack: projectedBack[name] ?? null,
  }
})

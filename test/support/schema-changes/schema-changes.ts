/**
 * What the registry has to say of a schema that follows another one: it is the `same`, a `new` version, or `refused`. Derived from the
 * rules of Confluent's registry (https://docs.confluent.io/platform/current/schema-registry/fundamentals/schema-evolution.html) and of
 * Avro's schema resolution (https://avro.apache.org/docs/1.12.0/specification/#schema-resolution), not from what the registry here does.
 */
export type Verdict = 'same' | 'new' | 'refused'

/** At the level BACKWARD, and at FULL where it differs. At NONE, what is refused is new. */
export interface Verdicts {
  readonly backward: Verdict
  readonly full?: Verdict
}

/** A statement on a table, and what becomes of a row that is written after it. */
export interface SchemaChange {
  readonly name: string
  /** The definition of the table; `{t}` is its name here and below. */
  readonly table: string
  /** Before the change. The first row is in the snapshot, what `until` does follows in the stream. */
  readonly row: string
  readonly ddl: string
  readonly after: string
  /** The column that changes. */
  readonly column: string
  /** Its Connect schema in the row after the change; null: there is none. */
  readonly becomes: string | null
  /** The row after the change, as JSON with numeric decimals. */
  readonly written: Readonly<Record<string, string | number | boolean | null>>
  /** How the error of a schema that is refused names the change. */
  readonly says?: string
  /** The same with Protobuf, whose schemas have fewer names. As `says` if absent. */
  readonly saysOfProtobuf?: string
  /** What the registry gives as the reason when it refuses the Protobuf schema of the value; another kind of scalar if absent. */
  readonly protobufReason?: string
  readonly avro: Verdicts
  readonly json: Verdicts
  /** JSON Schemas with `object.additional.properties=false`. */
  readonly closed: Verdicts
  readonly protobuf: Verdicts
  /** Records of the table in all; 2 if absent. */
  readonly records?: number
  /** The table of the row after the change; as before if absent. */
  readonly renamed?: string
  /** The schemas that change; that of the value if absent. */
  readonly changes?: 'key' | 'both'
  /** What the registry gives as the reason when it refuses the schema of the key. */
  readonly keyReasons?: Readonly<Partial<Record<'avro' | 'json' | 'closed' | 'protobuf', string>>>
  /** Whether the record after the change has a key. As before if absent. */
  readonly keyed?: { readonly before: boolean; readonly after: boolean }
}

const same: Verdicts = { backward: 'same' }
const accepted: Verdicts = { backward: 'new' }
const refused: Verdicts = { backward: 'refused' }
const backwardOnly: Verdicts = { backward: 'new', full: 'refused' }

const ofId = 'id int primary key'
const withN = `${ofId}, n int`
const withText = `${ofId}, v text`
const newN = { column: 'n', after: 'insert into {t} (id, n) values (2, 20)', written: { id: 2, n: 20 } } as const

/**
 * Columns that come and go. A new property is what BACKWARD forbids of a JSON Schema that allows other properties (open). Protobuf
 * compares fields by their numbers, which are those of the columns in their order; it knows neither defaults nor NOT NULL.
 */
const columns: readonly SchemaChange[] = [
  {
    ...newN,
    name: 'add_nullable',
    table: ofId,
    row: 'insert into {t} values (1)',
    ddl: 'alter table {t} add column n int',
    becomes: 'INT32?',
    says: 'n was added',
    avro: accepted,
    json: refused,
    closed: backwardOnly,
    protobuf: accepted,
  },
  {
    ...newN,
    name: 'add_default',
    table: ofId,
    row: 'insert into {t} values (1)',
    ddl: 'alter table {t} add column n int default 5',
    becomes: 'INT32?=5',
    says: 'n was added',
    avro: accepted,
    json: refused,
    closed: backwardOnly,
    protobuf: accepted,
  },
  {
    ...newN,
    name: 'add_required_default',
    table: ofId,
    row: 'insert into {t} values (1)',
    ddl: 'alter table {t} add column n int not null default 5',
    becomes: 'INT32=5',
    says: 'n was added',
    avro: accepted,
    json: refused,
    closed: backwardOnly,
    protobuf: accepted,
  },
  {
    ...newN,
    name: 'add_required',
    table: ofId,
    row: 'insert into {t} values (1)',
    ddl: 'delete from {t}; alter table {t} add column n int not null',
    becomes: 'INT32',
    says: 'n was added, without a default',
    avro: refused,
    json: refused,
    closed: backwardOnly,
    protobuf: accepted,
    records: 4,
  },
  {
    name: 'drop_nullable',
    table: withN,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} drop column n',
    after: 'insert into {t} values (2)',
    column: 'n',
    becomes: null,
    written: { id: 2 },
    says: 'n was removed',
    avro: accepted,
    json: backwardOnly,
    closed: refused,
    protobuf: accepted,
  },
  {
    name: 'drop_required',
    table: `${ofId}, n int not null`,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} drop column n',
    after: 'insert into {t} values (2)',
    column: 'n',
    becomes: null,
    written: { id: 2 },
    says: 'n was removed',
    avro: backwardOnly,
    json: backwardOnly,
    closed: refused,
    protobuf: accepted,
  },
  {
    // Protobuf: the next column gets the number of the one that is dropped.
    name: 'drop_before_same_type',
    table: `${ofId}, n int, m int`,
    row: 'insert into {t} values (1, 10, 11)',
    ddl: 'alter table {t} drop column n',
    after: 'insert into {t} values (2, 21)',
    column: 'n',
    becomes: null,
    written: { id: 2, m: 21 },
    says: 'n was removed',
    avro: accepted,
    json: backwardOnly,
    closed: refused,
    protobuf: accepted,
  },
  {
    name: 'drop_before_other_type',
    table: `${ofId}, n int, v text`,
    row: `insert into {t} values (1, 10, 'one')`,
    ddl: 'alter table {t} drop column n',
    after: `insert into {t} values (2, 'two')`,
    column: 'n',
    becomes: null,
    written: { id: 2, v: 'two' },
    says: 'n was removed',
    avro: accepted,
    json: backwardOnly,
    closed: refused,
    protobuf: refused,
  },
  {
    name: 'rename_nullable',
    table: `${ofId}, old int`,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} rename column old to n',
    ...newN,
    becomes: 'INT32?',
    says: 'n was added',
    avro: accepted,
    json: refused,
    closed: refused,
    protobuf: accepted,
  },
  {
    name: 'rename_required',
    table: `${ofId}, old int not null`,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} rename column old to n',
    ...newN,
    becomes: 'INT32',
    says: 'n was added, without a default',
    avro: refused,
    json: refused,
    closed: refused,
    protobuf: accepted,
  },
  {
    name: 'add_generated',
    table: withN,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} add column g int generated always as (n * 2) stored',
    ...newN,
    column: 'g',
    becomes: null,
    avro: same,
    json: same,
    closed: same,
    protobuf: same,
  },
]

/**
 * Columns of another type. Avro reads an int as a long, and nothing else of these. JSON Schema has one type for integers. Protobuf reads
 * the integers as each other, and its schemas have the names of Connect's schemas for structs only.
 */
const types: readonly SchemaChange[] = [
  {
    ...newN,
    name: 'int_to_bigint',
    table: withN,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} alter column n type bigint',
    becomes: 'INT64?',
    says: 'n: INT32 became INT64',
    avro: backwardOnly,
    json: accepted,
    closed: accepted,
    protobuf: accepted,
  },
  {
    name: 'key_to_bigint',
    table: ofId,
    row: 'insert into {t} values (1)',
    ddl: 'alter table {t} alter column id type bigint',
    after: 'insert into {t} values (2)',
    column: 'id',
    becomes: 'INT64',
    written: { id: 2 },
    says: 'id: INT32 became INT64',
    avro: backwardOnly,
    json: accepted,
    closed: accepted,
    protobuf: accepted,
    changes: 'both',
    keyReasons: { avro: 'TYPE_MISMATCH' },
  },
  {
    ...newN,
    name: 'bigint_to_int',
    table: `${ofId}, n bigint`,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} alter column n type int',
    becomes: 'INT32?',
    says: 'n: INT64 became INT32',
    avro: refused,
    json: accepted,
    closed: accepted,
    protobuf: accepted,
  },
  {
    name: 'int_to_text',
    table: withN,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} alter column n type text',
    after: `insert into {t} values (2, 'two')`,
    column: 'n',
    becomes: 'STRING?',
    written: { id: 2, n: 'two' },
    says: 'n: INT32 became STRING',
    avro: refused,
    json: refused,
    closed: refused,
    protobuf: refused,
  },
  {
    ...newN,
    name: 'text_to_int',
    table: `${ofId}, n text`,
    row: `insert into {t} values (1, '10')`,
    ddl: 'alter table {t} alter column n type int using n::int',
    becomes: 'INT32?',
    says: 'n: STRING became INT32',
    avro: refused,
    json: refused,
    closed: refused,
    protobuf: refused,
  },
  {
    name: 'varchar_widened',
    table: `${ofId}, v varchar(5)`,
    row: `insert into {t} values (1, 'one')`,
    ddl: 'alter table {t} alter column v type varchar(50)',
    after: `insert into {t} values (2, 'two and more')`,
    column: 'v',
    becomes: 'STRING?',
    written: { id: 2, v: 'two and more' },
    avro: same,
    json: same,
    closed: same,
    protobuf: same,
  },
  {
    // Avro's resolution ignores precision and scale.
    name: 'numeric_scale',
    table: `${ofId}, v numeric(8, 2)`,
    row: `insert into {t} values (1, 1.25)`,
    ddl: 'alter table {t} alter column v type numeric(10, 4)',
    after: `insert into {t} values (2, 2.0625)`,
    column: 'v',
    becomes: 'BYTES org.apache.kafka.connect.data.Decimal?',
    written: { id: 2, v: 2.0625 },
    avro: accepted,
    json: accepted,
    closed: accepted,
    protobuf: accepted,
  },
  {
    // A numeric without a scale is a struct.
    name: 'numeric_unbounded',
    table: `${ofId}, v numeric(8, 2)`,
    row: `insert into {t} values (1, 1.25)`,
    ddl: 'alter table {t} alter column v type numeric',
    after: `insert into {t} values (2, 3)`,
    column: 'v',
    becomes: 'STRUCT io.debezium.data.VariableScaleDecimal?',
    written: { id: 2 },
    says: 'v: org.apache.kafka.connect.data.Decimal (BYTES) became io.debezium.data.VariableScaleDecimal (STRUCT)',
    saysOfProtobuf: 'v: org.apache.kafka.connect.data.Decimal (BYTES) became VariableScaleDecimal (STRUCT)',
    protobufReason: 'FIELD_NAMED_TYPE_CHANGED',
    avro: refused,
    json: refused,
    closed: refused,
    protobuf: refused,
  },
  {
    name: 'timestamp_to_timestamptz',
    table: `${ofId}, v timestamp`,
    row: `insert into {t} values (1, '2026-01-02 03:04:05')`,
    ddl: `alter table {t} alter column v type timestamptz using v at time zone 'UTC'`,
    after: `insert into {t} values (2, '2026-01-02 03:04:05Z')`,
    column: 'v',
    becomes: 'STRING io.debezium.time.ZonedTimestamp?',
    written: { id: 2, v: '2026-01-02T03:04:05.000000Z' },
    says: 'v: io.debezium.time.MicroTimestamp (INT64) became io.debezium.time.ZonedTimestamp (STRING)',
    saysOfProtobuf: 'v: INT64 became STRING',
    avro: refused,
    json: refused,
    closed: refused,
    protobuf: refused,
  },
  {
    name: 'text_to_jsonb',
    table: withText,
    row: `insert into {t} values (1, '{}')`,
    ddl: 'alter table {t} alter column v type jsonb using v::jsonb',
    after: `insert into {t} values (2, '{"a":1}')`,
    column: 'v',
    becomes: 'STRING io.debezium.data.Json?',
    written: { id: 2, v: '{"a": 1}' },
    avro: accepted,
    json: accepted,
    closed: accepted,
    protobuf: same,
  },
  {
    name: 'enum_value',
    table: `${ofId}, v {t}_mood`,
    row: `insert into {t} values (1, 'ok')`,
    ddl: `alter type {t}_mood add value 'fine'`,
    after: `insert into {t} values (2, 'fine')`,
    column: 'v',
    becomes: 'STRING io.debezium.data.Enum?',
    written: { id: 2, v: 'fine' },
    avro: accepted,
    json: accepted,
    closed: accepted,
    protobuf: same,
  },
]

/** Constraints and defaults: a reader of a required value cannot read null. */
const constraints: readonly SchemaChange[] = [
  {
    ...newN,
    name: 'set_not_null',
    table: withN,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} alter column n set not null',
    becomes: 'INT32',
    says: 'n became required',
    avro: refused,
    json: refused,
    closed: refused,
    protobuf: same,
  },
  {
    ...newN,
    name: 'drop_not_null',
    table: `${ofId}, n int not null`,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} alter column n drop not null',
    becomes: 'INT32?',
    says: 'n became optional',
    avro: backwardOnly,
    json: backwardOnly,
    closed: backwardOnly,
    protobuf: same,
  },
  {
    ...newN,
    name: 'set_default',
    table: withN,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} alter column n set default 5',
    becomes: 'INT32?=5',
    avro: accepted,
    json: accepted,
    closed: accepted,
    protobuf: same,
  },
  {
    ...newN,
    name: 'drop_default',
    table: `${ofId}, n int not null default 5`,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} alter column n drop default',
    becomes: 'INT32',
    avro: accepted,
    json: accepted,
    closed: accepted,
    protobuf: same,
  },
  {
    ...newN,
    name: 'add_key',
    table: 'id int not null, n int',
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} add primary key (id)',
    becomes: 'INT32?',
    avro: same,
    json: same,
    closed: same,
    protobuf: same,
    keyed: { before: false, after: true },
  },
  {
    // The columns of a primary key are NOT NULL.
    ...newN,
    name: 'add_key_nullable',
    table: 'id int, n int',
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} add primary key (id)',
    column: 'id',
    becomes: 'INT32',
    says: 'id became required',
    avro: refused,
    json: refused,
    closed: refused,
    protobuf: same,
    keyed: { before: false, after: true },
  },
  {
    // They stay NOT NULL without it.
    ...newN,
    name: 'drop_key',
    table: withN,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} drop constraint {t}_pkey',
    column: 'id',
    becomes: 'INT32',
    avro: same,
    json: same,
    closed: same,
    protobuf: same,
    keyed: { before: true, after: false },
  },
  {
    name: 'replace_key',
    table: `${ofId}, code text not null`,
    row: `insert into {t} values (1, 'a')`,
    ddl: 'alter table {t} drop constraint {t}_pkey, add primary key (code)',
    after: `insert into {t} values (2, 'b')`,
    column: 'code',
    becomes: 'STRING',
    written: { id: 2, code: 'b' },
    says: 'code was added, without a default',
    saysOfProtobuf: 'code was added; id was removed',
    avro: refused,
    json: refused,
    closed: refused,
    protobuf: refused,
    changes: 'key',
    keyReasons: {
      avro: 'READER_FIELD_MISSING_DEFAULT_VALUE',
      json: 'PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL',
      closed: 'PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL',
      protobuf: 'FIELD_SCALAR_KIND_CHANGED',
    },
  },
  {
    name: 'replica_identity',
    table: withN,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} replica identity full',
    after: 'update {t} set n = 20 where id = 1',
    column: 'n',
    becomes: 'INT32?',
    written: { id: 1, n: 20 },
    avro: same,
    json: same,
    closed: same,
    protobuf: same,
  },
  {
    ...newN,
    name: 'rename_table',
    table: withN,
    row: 'insert into {t} values (1, 10)',
    ddl: 'alter table {t} rename to {t}_renamed',
    after: 'insert into {t}_renamed values (2, 20)',
    becomes: 'INT32?',
    avro: same,
    json: same,
    closed: same,
    protobuf: same,
    renamed: '{t}_renamed',
  },
]

export const schemaChanges: readonly SchemaChange[] = [...columns, ...types, ...constraints]

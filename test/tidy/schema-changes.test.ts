import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { schemaChanges, type SchemaChange, type Verdicts } from '../support/schema-changes/schema-changes.ts'

const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/schema-evolution.md'), 'utf8')

/** The row of the guide for each change that is tested. */
const statements: Readonly<Record<string, string>> = {
  add_nullable: '`ADD COLUMN`, nullable or with a default',
  add_default: '`ADD COLUMN`, nullable or with a default',
  add_required_default: '`ADD COLUMN`, nullable or with a default',
  add_required: '`ADD COLUMN … NOT NULL` without a default',
  drop_nullable: '`DROP COLUMN`, nullable',
  drop_required: '`DROP COLUMN`, `NOT NULL`',
  drop_before_same_type: '`DROP COLUMN`, nullable, and the next one has its type',
  drop_before_other_type: '`DROP COLUMN`, nullable, and the next one has another type',
  rename_nullable: '`RENAME COLUMN`, nullable',
  rename_required: '`RENAME COLUMN`, `NOT NULL`',
  add_generated: '`ADD COLUMN … GENERATED`',
  int_to_bigint: 'type: `int` → `bigint`',
  key_to_bigint: 'type: `int` → `bigint`',
  bigint_to_int: 'type: `bigint` → `int`',
  int_to_text: 'type: `int` → `text`, `text` → `int`',
  text_to_int: 'type: `int` → `text`, `text` → `int`',
  varchar_widened: 'type: `varchar(5)` → `varchar(50)`',
  numeric_scale: 'type: `numeric(8, 2)` → `numeric(10, 4)`',
  numeric_unbounded: 'type: `numeric(8, 2)` → `numeric`',
  timestamp_to_timestamptz: 'type: `timestamp` → `timestamptz`',
  text_to_jsonb: 'type: `text` → `jsonb`',
  enum_value: '`ALTER TYPE … ADD VALUE` of an enum',
  set_not_null: '`SET NOT NULL`',
  drop_not_null: '`DROP NOT NULL`',
  set_default: '`SET DEFAULT`, `DROP DEFAULT`',
  drop_default: '`SET DEFAULT`, `DROP DEFAULT`',
  add_key: '`ADD PRIMARY KEY` on others, `DROP CONSTRAINT`',
  add_key_nullable: '`ADD PRIMARY KEY` on columns that are nullable',
  drop_key: '`ADD PRIMARY KEY` on others, `DROP CONSTRAINT`',
  replace_key: 'another `PRIMARY KEY`',
  replica_identity: '`REPLICA IDENTITY`',
  rename_table: '`RENAME` of the table: another topic',
}

function verdictIn({ changes }: SchemaChange, { backward, full }: Verdicts): string {
  if (backward === 'same') return 'no change'
  if (backward === 'refused') return changes === 'key' ? 'key refused' : 'refused'
  return full === 'refused' ? 'new version; FULL refuses' : 'new version'
}

it.each(schemaChanges.map((change) => [change.name, change] as const))(
  'the guide to schema changes says of %s what is tested',
  (name, change) => {
    const rows = guide.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
    const cells = rows.find(([, statement]) => statement !== undefined && statement === statements[name])
    const isNew = change.changes !== 'key' && change.avro.backward !== 'same'
    expect(cells?.slice(2, 6)).toEqual([
      verdictIn(change, change.avro),
      verdictIn(change, change.json),
      verdictIn(change, change.protobuf),
      isNew ? 'new object' : 'same object',
    ])
  },
)

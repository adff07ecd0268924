import { optional } from '../cases/samples.ts'
import type { PartJson, ResultJson, SchemaJson, ValueJson } from '../oracle-json.ts'
import { after, envelope, row, source, sourceValue } from './events.ts'
import { documentResults, withoutField } from './outbox-deviations.ts'
import { scriptingDeviations } from './scripting-deviations.ts'
import { changeIn, timescale } from './timescaledb.ts'

/** Why a case ends otherwise here than in Debezium. */
export type DebeziumReason = keyof typeof debeziumReasons

interface Deviation {
  readonly reason: DebeziumReason
  readonly result: ResultJson
}

/** The reasons for all deviations from Debezium. */
export const debeziumReasons = {
  'whole struct':
    'A structure that `add.fields` or `add.headers` names is added with its fields; Debezium gives it a schema without fields, and fails to add it to a row.',
  'two dots': 'A reference with two dots is an error of the config; Debezium ignores what follows the second one.',
  'nothing to drop': '`delete-to-tombstone` with `drop.fields.header.name`: a tombstone has no fields; Debezium fails.',
  'reported earlier':
    'An unknown placement of `table.fields.additional.placement` is an error of the config; Debezium fails with a record.',
  'left out':
    'Without `table.fields.additional.error.on.missing`, a missing field of the envelope is left out, too; Debezium fails.',
  'expanded or text':
    'A JSON payload is expanded with all of its members, or stays text with the schema of text: a list, an integer past 64 bits, items of different types. Debezium gives such a text the schema of the list or object, or loses members.',
  'no place':
    '`HeaderToValue`: a header stays a header if the structure of its field is missing or null; Debezium loses it, or fails.',
  'nothing to decode':
    '`DecodeLogicalDecodingMessageContent` does not change records without a schema, such as tombstones; Debezium fails.',
  'nothing to route':
    '`TimescaleDb` does not change a record whose value is null, also if it has a schema; Debezium fails.',
  'valid topic':
    '`TimescaleDb` replaces characters of a hypertable that no topic may have by underscores, as the source does; in Debezium, the broker refuses the topic.',
  'not supported':
    '`Filter` and `ContentBasedRouter`: an expression outside of the supported subset, or of a variable that does not exist, is an error of the config. In Debezium it can do what Java can, or fails with a record.',
  'no class':
    '`Filter` and `ContentBasedRouter`: a value has no members of its Java class, such as `class` and `bytes`.',
  'a field named schema':
    "Groovy: `value.source.schema` is the field `schema`. In Debezium it is a private member of Java's structure, so that a comparison with a name is never true.",
  'interpolated text':
    '`ContentBasedRouter` accepts a text with `${…}` of Groovy as the name of a topic. Debezium refuses it, unless it ends with `.toString()`.',
  'values of JavaScript':
    "JavaScript: a value of null is null, a value may be a text or a map, and a struct has `get('op')`. Debezium fails, or takes null for an object.",
} as const

const changed = (value: PartJson, headers: readonly (PartJson & { name: string })[] | null = null): ResultJson => ({
  changed: {
    value,
    ...(headers === null ? {} : { headers: [{ name: 'h', schema: { type: 'INT32' }, value: 1 }, ...headers] }),
  },
})

const flat: PartJson = { schema: { ...row, optional: false }, value: after }

function flatWith(name: string, schema: SchemaJson, value: ValueJson): PartJson {
  return {
    schema: { ...row, optional: false, fields: [...(row.fields ?? []), { name, schema }] },
    value: [...(after as ValueJson[]), value],
  }
}

const transaction = envelope.fields?.find(({ name }) => name === 'transaction')?.schema ?? source
const structs: readonly (readonly [string, SchemaJson, ValueJson])[] = [
  ['source', optional(source), sourceValue],
  ['transaction', transaction, ['tx:1', 2, '9007199254740993']],
]

const malformed: ResultJson = { configError: { class: 'ConfigException', message: null } }
const newState = 'ExtractNewRecordState'
const router = 'outbox.EventRouter'

/** The cases that end otherwise on purpose, by name. */
export const debeziumDeviations: Readonly<Record<string, Deviation>> = {
  ...Object.fromEntries(
    structs.flatMap(([name, schema, value]): (readonly [string, Deviation])[] => [
      [
        `${newState}: {"add.fields":"${name}"}, update`,
        { reason: 'whole struct', result: changed(flatWith(`__${name}`, schema, value)) },
      ],
      [
        `${newState}: {"add.headers":"${name}"}, update`,
        { reason: 'whole struct', result: changed(flat, [{ name: `__${name}`, schema, value }]) },
      ],
    ]),
  ),
  [`${newState}: {"add.fields":"a.b.c"}, update`]: { reason: 'two dots', result: malformed },
  [`${newState}: {"add.headers":"a.b.c"}, update`]: { reason: 'two dots', result: malformed },
  [`${newState}: drops fields of a tombstone`]: {
    reason: 'nothing to drop',
    result: { changed: { value: { value: null } } },
  },
  [`${router}: settings [{"table.fields.additional.placement":"type:nowhere"},{}]`]: {
    reason: 'reported earlier',
    result: malformed,
  },
  [`${router}: settings [{"table.fields.additional.placement":"nothing:envelope,type:envelope","table.fields.additional.error.on.missing":"false"},{}]`]:
    { reason: 'left out', result: withoutField },
  ...Object.fromEntries(
    ['after', 'nothing', 'op'].map((parent): [string, Deviation] => [
      `HeaderToValue: no place: {"headers":"h","fields":"${parent}.one","operation":"move"}`,
      { reason: 'no place', result: { changed: {} } },
    ]),
  ),
  ...Object.fromEntries(
    ['tombstone', 'no schema'].map((event): [string, Deviation] => [
      `io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent: {}, ${event}`,
      { reason: 'nothing to decode', result: { changed: {} } },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(documentResults).map(([name, result]): [string, Deviation] => [
      name,
      { reason: 'expanded or text', result },
    ]),
  ),
  ...Object.fromEntries(
    ['the schema public', 'another schema'].map((schema): [string, Deviation] => [
      `${timescale}: of ${schema}, tombstone with a schema`,
      { reason: 'nothing to route', result: { changed: {} } },
    ]),
  ),
  [`${timescale}: table "_timescaledb_internal"."odd"`]: {
    reason: 'valid topic',
    result: {
      changed: {
        topic: 'timescaledb.Sensor_Data.Wetter__C',
        value: { schema: 'unchanged', value: changeIn('Sensor Data', 'Wetter/°C').value },
        headers: [
          { name: 'h', schema: { type: 'INT32' }, value: 1 },
          { name: '__debezium_timescaledb_chunk_table', schema: { type: 'STRING' }, value: 'odd' },
          { name: '__debezium_timescaledb_chunk_schema', schema: { type: 'STRING' }, value: '_timescaledb_internal' },
        ],
      },
    },
  },
  ...scriptingDeviations,
}

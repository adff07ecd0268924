import { optional, struct, types } from '../cases/samples.ts'
import type { CaseJson, RecordJson, SchemaJson, ValueJson } from '../oracle-json.ts'
import { changeOf, debeziumCase, events, recordWith } from './events.ts'
import { groovyConditions, groovyTexts, javascriptConditions, javascriptTexts } from './scripting-expressions.ts'

type Config = Readonly<Record<string, string>>

const filter = 'Filter'
const router = 'ContentBasedRouter'
const groovy = 'jsr223.groovy'
const javascript = 'jsr223.graal.js'

const decimal: SchemaJson = {
  type: 'BYTES',
  name: 'org.apache.kafka.connect.data.Decimal',
  version: 1,
  parameters: { scale: '2' },
  optional: true,
}

const typedRow = struct(
  [
    ['price', decimal],
    ['flag', optional(types.boolean)],
    ['tags', { type: 'ARRAY', optional: true, values: types.string }],
    ['attrs', { type: 'MAP', optional: true, keys: types.string, values: types.int32 }],
    ['small', optional(types.int8)],
    ['single', optional(types.float32)],
    ['long', optional(types.int64)],
    ['int', types.int32],
  ],
  { name: 't.Value', optional: true },
)

const typed: ValueJson = ['12.50', true, ['a', 'b', 'xyz'], [['k', 1]], 7, '0.1', 3, 2147483647]

/** The records that expressions are evaluated for. */
export const scriptRecords: Readonly<Record<string, RecordJson>> = {
  ...events,
  typed: recordWith(changeOf('c', null, typed, { table: typedRow })),
  headers: recordWith(changeOf('c', null, typed, { table: typedRow }), {
    headers: [
      { name: 'h', schema: types.int32, value: 1 },
      { name: 'h', schema: types.int32, value: 2 },
      { name: 'x-y', schema: types.string, value: 'z' },
      { name: 'plain', value: null },
    ],
  }),
}

function recordNamed(name: string): RecordJson {
  const found = scriptRecords[name]
  if (found === undefined) throw new RangeError(name)
  return found
}

function onRecords(transform: string, config: Config, names: readonly string[]): CaseJson[] {
  return names.map((name) =>
    debeziumCase(transform, `${Object.values(config).join(' ')}, ${name}`, config, recordNamed(name)),
  )
}

const changes = ['update', 'create', 'delete']
const evaluate: Config = { 'null.handling.mode': 'evaluate' }

function conditions(language: string, all: Readonly<Record<string, readonly string[]>>): CaseJson[] {
  const onChanges = (all['changes'] ?? []).flatMap((condition) => onRecords(filter, { language, condition }, changes))
  const others = Object.entries(all)
    .filter(([name]) => name !== 'changes')
    .flatMap(([name, expressions]) =>
      expressions.flatMap((condition) => onRecords(filter, { language, condition, ...evaluate }, [name])),
    )
  return [...onChanges, ...others]
}

function texts(language: string, all: Readonly<Record<string, readonly string[]>>): CaseJson[] {
  return Object.entries(all).flatMap(([name, expressions]) =>
    expressions.flatMap((expression) =>
      onRecords(router, { language, 'topic.expression': expression, ...evaluate }, [name]),
    ),
  )
}

const filterSettings: readonly Config[] = [
  {},
  { language: groovy },
  { condition: 'true' },
  { language: '', condition: 'true' },
  { language: groovy, condition: '' },
  { language: 'groovy', condition: 'true' },
  { language: 'graal.js', condition: 'true' },
  { language: 'jsr223.jython', condition: 'true' },
  { language: groovy, condition: "value.op == 'u" },
  { language: groovy, condition: '(' },
  { language: javascript, condition: "value.op == 'u" },
  { language: javascript, condition: ')' },
  { language: groovy, condition: 'true', 'null.handling.mode': 'never' },
  { language: groovy, condition: 'true', 'topic.regex': '(' },
  { language: groovy, condition: 'false', 'topic.regex': 's' },
  { language: groovy, condition: 'false', 'topic.regex': 's\\..*' },
  { language: groovy, condition: 'false', 'topic.regex': '' },
]

const nullModes = ['keep', 'drop', 'evaluate', ' DROP ']

const filtersNulls = (mode: string): CaseJson[] =>
  onRecords(filter, { language: groovy, condition: 'value != null', 'null.handling.mode': mode }, [
    'tombstone',
    'tombstone with a schema',
    'create',
  ])

const routesNulls = (mode: string): CaseJson[] =>
  onRecords(
    router,
    { language: groovy, 'topic.expression': "value == null ? 'nulls' : null", 'null.handling.mode': mode },
    ['tombstone', 'create'],
  )

export const scriptingSettingsCases: readonly CaseJson[] = [
  ...filterSettings.flatMap((config) => onRecords(filter, config, ['update'])),
  ...filterSettings.flatMap(({ condition, ...config }) =>
    onRecords(router, condition === undefined ? config : { ...config, 'topic.expression': condition }, ['update']),
  ),
  ...nullModes.flatMap((mode) => filtersNulls(mode).concat(routesNulls(mode))),
]

export const groovyCases: readonly CaseJson[] = [...conditions(groovy, groovyConditions), ...texts(groovy, groovyTexts)]

export const javascriptCases: readonly CaseJson[] = [
  ...conditions(javascript, javascriptConditions),
  ...texts(javascript, javascriptTexts),
]

import type { CaseJson, PartJson } from '../oracle-json.ts'
import {
  configCases,
  everything,
  nulls,
  oddMap,
  oddNames,
  oddStruct,
  onAllParts,
  optional,
  optionalNulls,
  plainEverything,
  recordOf,
  struct,
  transformCase,
  typeNames,
  types,
  values,
  withDefault,
} from './samples.ts'

const keepNull = { 'replace.null.with.default': 'false' }

/** Each field name as `config` makes settings of it, with a schema and without. */
function each(transform: string, config: (name: string) => Readonly<Record<string, string>>): CaseJson[] {
  const one = (part: PartJson, names: readonly string[], what: string): CaseJson[] =>
    names.map((name) => transformCase(transform, `${what}${name}`, config(name), recordOf(part)))
  return [
    ...one(everything, typeNames, 'field '),
    ...one(plainEverything, [...Object.keys(plainEverything.value as object), 'missing'], 'plain '),
    ...one(oddStruct, oddNames, 'field '),
    ...one(oddMap, oddNames, 'plain '),
    ...one({ value: {} }, oddNames, 'missing plain '),
    ...one({ schema: struct([['a', types.int8]]), value: [1] }, oddNames, 'missing field '),
    ...one(nulls, ['optional', 'optionalDefault', 'requiredDefault'], 'null '),
    ...one(optionalNulls, ['optional', 'optionalDefault', 'textDefault'], 'null '),
  ]
}

const inner = struct([
  ['c', types.int32],
  ['d.e', types.string],
  ['f`g', withDefault(optional(types.int32), 9)],
])
const nested: PartJson = {
  schema: struct([
    [
      'a',
      struct([
        ['b', inner],
        ['n', optional(inner)],
        ['w', withDefault(optional(inner), [1, 'x', 2])],
      ]),
    ],
    ['a.b', types.string],
    ['m', types.map],
    ['', types.int32],
    ['q`.r', types.int8],
  ]),
  value: [[[1, 'two', null], null, null], 'dotted', [['b', 5]], 6, 7],
}
const nestedMap: PartJson = {
  value: {
    a: { b: { c: 1, 'd.e': 'two', 'f`g': 3 }, n: null, t: 'text' },
    'a.b': 'dotted',
    l: [1],
    '': { '': 6 },
    'q`.r': 7,
  },
}
const paths = [
  'a',
  'a.b',
  'a.b.c',
  'a.b.`d.e`',
  '`a.b`',
  '`a.b`.c',
  'a.n.c',
  'a.w.c',
  'a.w.f`g',
  'a.b.f`g',
  'a.b.`f`g`',
  'a.b.`f\\`g`',
  'm.b',
  'a.t.x',
  'a.x',
  'x.y',
  '',
  '.',
  'a.',
  '.a',
  'a..b',
  '`',
  '`a',
  '`a`',
  '`a`b',
  '`a`.',
  '``',
  '`a\\`',
  'l.0',
  '`a`.b.c',
  'toString.length',
  '__proto__.x',
  '`q\\`.r`',
  '`q`.r`',
]

const extract: readonly CaseJson[] = [
  ...each('ExtractField$Value', (field) => ({ field })),
  ...each('ExtractField$Value', (field) => ({ field, ...keepNull })),
  ...onAllParts('ExtractField', 'a', { field: 'a' }),
  ...paths.flatMap((field) =>
    ['V1', 'v2'].flatMap((version) => [
      transformCase(
        'ExtractField$Value',
        `path ${field} in ${version}`,
        { field, 'field.syntax.version': version },
        recordOf(nested),
      ),
      transformCase(
        'ExtractField$Value',
        `plain path ${field} in ${version}`,
        { field, 'field.syntax.version': version },
        recordOf(nestedMap),
      ),
    ]),
  ),
  transformCase(
    'ExtractField$Value',
    'a nested default that stays null',
    { field: 'a.w.f`g', 'field.syntax.version': 'V2', ...keepNull },
    recordOf(nested),
  ),
  transformCase(
    'ExtractField$Value',
    'a nested default',
    { field: 'a.b.f`g', 'field.syntax.version': 'V2', ...keepNull },
    recordOf(nested),
  ),
  ...configCases('ExtractField$Value', [
    {},
    { field: '' },
    { field: 'a', 'field.syntax.version': 'V3' },
    { field: 'a', 'field.syntax.version': '' },
  ]),
]

const hoist: readonly CaseJson[] = [
  ...onAllParts('HoistField', 'a', { field: 'a' }),
  ...oddNames.flatMap((field) => onAllParts('HoistField', field, { field })).filter((_, i) => i % 3 === 0),
  ...typeNames.flatMap((type) => [
    transformCase(
      'HoistField$Value',
      type,
      { field: 'a' },
      recordOf({ schema: types[type], value: values[type][0] ?? null }),
    ),
    transformCase(
      'HoistField$Value',
      `null of ${type}`,
      { field: 'a' },
      recordOf({ schema: types[type], value: null }),
    ),
    transformCase(
      'HoistField$Value',
      `null of optional ${type}`,
      { field: 'a' },
      recordOf({ schema: optional(types[type]), value: null }),
    ),
  ]),
  transformCase(
    'HoistField$Value',
    'null with a default',
    { field: 'a' },
    recordOf({ schema: withDefault(types.int8, 1), value: null }),
  ),
  ...configCases('HoistField$Value', [{}, { field: '' }, { field: 'a.b' }]),
  transformCase('HoistField$Value', 'an empty name with a schema', { field: '' }, recordOf(everything)),
]

const two: PartJson = {
  schema: struct(
    [
      ['a', types.int32],
      ['b', types.string],
      ['c', types.int64],
    ],
    { name: 's', version: 2 },
  ),
  value: [1, 'x', 3],
}
const twoMap: PartJson = { value: { a: 1, b: 'x', c: 3 } }
const replacements: readonly Readonly<Record<string, string>>[] = [
  {},
  { exclude: 'a' },
  { exclude: 'a,b,c' },
  { exclude: 'x' },
  { exclude: '' },
  { include: 'a' },
  { include: 'x' },
  { include: '' },
  { include: 'a,b', exclude: 'b' },
  { renames: 'a:z' },
  { renames: 'a:b' },
  { renames: 'a:b,b:a' },
  { renames: 'a:z,b:z' },
  { renames: 'x:z' },
  { renames: 'a:z', exclude: 'z' },
  { renames: 'a:z', include: 'a' },
  { renames: 'a:z', include: 'z' },
  { renames: 'a' },
  { renames: 'a:' },
  { renames: 'a:z:' },
  { renames: ':z' },
  { renames: 'a:z:y' },
  { renames: ':' },
  { renames: '' },
  { renames: 'a:__proto__' },
  { renames: ' a:z' },
  { blacklist: 'a' },
  { whitelist: 'a' },
  { blacklist: 'a', exclude: 'b' },
  { whitelist: 'a', include: 'b' },
  { blacklist: 'a', exclude: '' },
  { whitelist: 'a', include: '' },
  { blacklist: '' },
  { whitelist: 'b', blacklist: 'b' },
  { renames: 'a:b', exclude: 'b' },
  { renames: 'x:b' },
  { renames: 'a:c', exclude: 'a' },
]

const replace: readonly CaseJson[] = [
  ...replacements.flatMap((config) => [
    transformCase('ReplaceField$Value', JSON.stringify(config), config, recordOf(two)),
    transformCase('ReplaceField$Value', `plain ${JSON.stringify(config)}`, config, recordOf(twoMap)),
  ]),
  ...each('ReplaceField$Value', (exclude) => ({ exclude })),
  ...each('ReplaceField$Value', (include) => ({ include })),
  ...each('ReplaceField$Value', (name) => ({ renames: `${name}:new` })),
  ...each('ReplaceField$Value', (include) => ({ include, ...keepNull })),
  ...onAllParts('ReplaceField', 'without a', { exclude: 'a' }),
  ...onAllParts('ReplaceField', 'nothing', keepNull),
]

const metadata: readonly CaseJson[] = [
  ...[
    { 'schema.name': 'n' },
    { 'schema.version': '7' },
    { 'schema.name': 'n', 'schema.version': '7' },
    { 'schema.name': '' },
  ].flatMap((config) =>
    [
      onAllParts('SetSchemaMetadata', JSON.stringify(config), config),
      onAllParts('SetSchemaMetadata', `${JSON.stringify(config)}, keeps null`, { ...config, ...keepNull }),
    ].flat(),
  ),
  ...typeNames.map((type) =>
    transformCase(
      'SetSchemaMetadata$Value',
      type,
      { 'schema.name': 'n' },
      recordOf({ schema: types[type], value: values[type][0] ?? null }),
    ),
  ),
  ...configCases('SetSchemaMetadata$Value', [
    {},
    { 'schema.version': 'x' },
    { 'schema.version': '' },
    { 'schema.version': '1.5' },
  ]),
]

const toKey: readonly CaseJson[] = [
  ...each('ValueToKey', (fields) => ({ fields })),
  ...each('ValueToKey', (fields) => ({ fields, ...keepNull })),
  ...['a,b', 'b,a', 'a,a', 'a,x', 'x', 'a.b'].flatMap((fields) => [
    transformCase('ValueToKey', fields, { fields }, recordOf(two)),
    transformCase('ValueToKey', `plain ${fields}`, { fields }, recordOf(twoMap)),
  ]),
  ...[
    { value: null },
    { value: 5 },
    { schema: types.string, value: 'x' },
    { schema: optional(struct([])), value: null },
  ].map((part) => transformCase('ValueToKey', JSON.stringify(part), { fields: 'a' }, recordOf(part))),
  ...configCases('ValueToKey', [{}, { fields: '' }, { fields: ',' }, { fields: ' a , b ' }]),
]

export const structCases: readonly CaseJson[] = [...extract, ...hoist, ...replace, ...metadata, ...toKey]

const insertions: readonly Readonly<Record<string, string>>[] = [
  { 'topic.field': 't' },
  { 'topic.field': 't!' },
  { 'topic.field': 't?' },
  { 'partition.field': 'p' },
  { 'partition.field': 'p!' },
  { 'offset.field': 'o' },
  { 'offset.field': 'o!' },
  { 'timestamp.field': 'ts' },
  { 'timestamp.field': 'ts!' },
  { 'static.field': 's', 'static.value': 'v' },
  { 'static.field': 's!', 'static.value': '' },
  { 'static.field': '__proto__', 'static.value': 'v' },
  { 'static.field': 'constructor', 'static.value': 'v' },
  { 'static.field': 'a', 'static.value': 'v' },
  { 'topic.field': 't', 'static.field': 't', 'static.value': 'v' },
  { 'topic.field': 't', 'partition.field': 'p', 'timestamp.field': 'ts', 'static.field': 's', 'static.value': 'v' },
  { 'topic.field': '' },
  { 'topic.field': '!' },
  { 'topic.field': 't??' },
  { 'topic.field': 'ключ!' },
]
const withoutExtras = { partition: null, timestamp: null }

export const insertCases: readonly CaseJson[] = [
  ...insertions.flatMap((config) =>
    [two, twoMap].flatMap((part) => [
      transformCase(
        'InsertField$Value',
        `${JSON.stringify(config)} ${part.schema === undefined ? 'plain' : ''}`,
        config,
        recordOf(part),
      ),
      transformCase(
        'InsertField$Value',
        `${JSON.stringify(config)} of a sink ${part.schema === undefined ? 'plain' : ''}`,
        config,
        recordOf(part, { offset: 99 }),
      ),
      transformCase(
        'InsertField$Value',
        `${JSON.stringify(config)} without attributes ${part.schema === undefined ? 'plain' : ''}`,
        config,
        recordOf(part, withoutExtras),
      ),
    ]),
  ),
  ...onAllParts('InsertField', 'static', { 'static.field': 's', 'static.value': 'v' }),
  ...onAllParts('InsertField', 'static, keeps null', { 'static.field': 's', 'static.value': 'v', ...keepNull }),
  ...onAllParts('InsertField', 'offset of a source', { 'offset.field': 'o' }),
  ...configCases('InsertField$Value', [{}, { 'static.field': 's' }, { 'static.value': 'v' }]),
]

const replacementsOfMasks = [
  '7',
  '-1.5',
  '1e3',
  '300',
  '9223372036854775808',
  '99999999999999999999',
  '1E70',
  '1E-3',
  'text',
  ' 7',
  '+7',
  '.5',
  '5.',
  'NaN',
  '0x10',
  '-0',
  '000.10',
]

export const maskCases: readonly CaseJson[] = [
  ...each('MaskField$Value', (fields) => ({ fields })),
  ...each('MaskField$Value', (fields) => ({ fields, ...keepNull })),
  ...each('MaskField$Value', (fields) => ({ fields, replacement: '12' })),
  ...replacementsOfMasks.flatMap((replacement) =>
    (['int8', 'int64', 'float32', 'float64', 'decimal', 'string'] as const).map((type) =>
      transformCase(
        'MaskField$Value',
        `${type} by ${replacement}`,
        { fields: type, replacement },
        recordOf(everything),
      ),
    ),
  ),
  ...replacementsOfMasks.flatMap((replacement) =>
    ['int', 'double', 'text'].map((name) =>
      transformCase(
        'MaskField$Value',
        `plain ${name} by ${replacement}`,
        { fields: name, replacement },
        recordOf(plainEverything),
      ),
    ),
  ),
  ...onAllParts('MaskField', 'a', { fields: 'a' }),
  ...configCases('MaskField$Value', [{}, { fields: '' }, { fields: 'a', replacement: '' }, { fields: 'a,b' }]),
]

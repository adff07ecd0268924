import type { CaseJson } from '../oracle-json.ts'
import {
  configCases,
  everything,
  oddMap,
  oddNames,
  oddStruct,
  onAllParts,
  optional,
  plainEverything,
  recordOf,
  struct,
  transformCase,
  typeNames,
  types,
  values,
  withDefault,
} from './samples.ts'

const targets = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64', 'boolean', 'string'] as const

/** Each value of each type, as the whole value, to each type. */
const whole = typeNames.flatMap((type) =>
  targets.flatMap((target) =>
    values[type].map((value) =>
      transformCase(
        'Cast$Value',
        `${type} ${JSON.stringify(value)} to ${target}`,
        { spec: target },
        recordOf({ schema: types[type], value }),
      ),
    ),
  ),
)

const fields = typeNames.flatMap((type) =>
  targets.map((target) =>
    transformCase('Cast$Value', `field ${type} to ${target}`, { spec: `${type}:${target}` }, recordOf(everything)),
  ),
)

const plain = Object.keys(plainEverything.value as object).flatMap((name) =>
  targets.map((target) =>
    transformCase('Cast$Value', `plain ${name} to ${target}`, { spec: `${name}:${target}` }, recordOf(plainEverything)),
  ),
)

const plainWhole = [
  5,
  -1,
  1.5,
  300.7,
  { $long: '9223372036854775807' },
  true,
  '12',
  ' 1.5 ',
  { $bytes: 'ff' },
  [1],
  { a: 1 },
].flatMap((value) =>
  targets.map((target) =>
    transformCase('Cast$Value', `plain ${JSON.stringify(value)} to ${target}`, { spec: target }, recordOf({ value })),
  ),
)

const odd = oddNames.flatMap((name) => [
  transformCase('Cast$Value', `field ${name}`, { spec: `${name}:string` }, recordOf(oddStruct)),
  transformCase('Cast$Value', `plain ${name}`, { spec: `${name}:string` }, recordOf(oddMap)),
  transformCase('Cast$Value', `plain ${name}, which is missing`, { spec: `${name}:string` }, recordOf({ value: {} })),
])

/** Decimals of other scales than two: some have an exponent in their text. */
const scales: readonly (readonly [scale: string, ...texts: string[]])[] = [
  ['0', '0', '12', '-7', '170141183460469231731687303715884105727'],
  ['3', '0.001', '-0.120', '1234.567'],
  ['8', '0.00000000', '0.00000001', '0.00000012', '-0.00001234', '1.00000000'],
  ['-2', '0', '500', '-1200'],
]
const decimals = scales.flatMap(([scale, ...texts]) =>
  texts.flatMap((value) =>
    targets.map((target) =>
      transformCase(
        'Cast$Value',
        `field with the decimal ${value} of scale ${scale} to ${target}`,
        { spec: `d:${target}` },
        recordOf({ schema: struct([['d', { ...types.decimal, parameters: { scale } }]]), value: [value] }),
      ),
    ),
  ),
)

const defaults = typeNames.flatMap((type) => {
  const schema = withDefault(types[type], values[type][1] ?? values[type][0] ?? null)
  return [
    transformCase(
      'Cast$Value',
      `${type} with a default`,
      { spec: 'string' },
      recordOf({ schema, value: values[type][0] ?? null }),
    ),
    transformCase(
      'Cast$Value',
      `field ${type} with a default`,
      { spec: 'a:int32' },
      recordOf({ schema: struct([['a', optional(schema)]]), value: [null] }),
    ),
    transformCase(
      'Cast$Value',
      `field ${type} with a default that stays null`,
      { spec: 'a:string', 'replace.null.with.default': 'false' },
      recordOf({ schema: struct([['a', schema]]), value: [null] }),
    ),
  ]
})

export const castCases: readonly CaseJson[] = [
  ...whole,
  ...fields,
  ...plain,
  ...plainWhole,
  ...odd,
  ...defaults,
  ...decimals,
  ...onAllParts('Cast', 'optional:string', { spec: 'optional:string,a:string,requiredDefault:int8' }),
  ...onAllParts('Cast', 'string', { spec: 'string' }),
  ...onAllParts('Cast', 'keeps null', { spec: 'optional:int8', 'replace.null.with.default': 'false' }),
  transformCase(
    'Cast$Value',
    'an optional value',
    { spec: 'int64' },
    recordOf({ schema: { ...optional(types.int8), name: 'n', version: 2, doc: 'd' }, value: 5 }),
  ),
  ...configCases('Cast$Value', [
    {},
    { spec: '' },
    { spec: 'a' },
    { spec: 'a:' },
    { spec: ':int8' },
    { spec: ':' },
    { spec: 'a:int8:b' },
    { spec: 'a:int8:' },
    { spec: 'int8,a:int8' },
    { spec: 'int8,int16' },
    { spec: 'a:INT8' },
    { spec: ' a : int8 ' },
    { spec: 'a:bytes' },
    { spec: 'a:array' },
    { spec: 'a:struct' },
    { spec: 'a:int128' },
    { spec: 'a:int8,a:string' },
    { spec: 'a:int8', 'replace.null.with.default': 'maybe' },
  ]),
]

import type { CaseJson, PartJson, SchemaJson } from '../oracle-json.ts'
import {
  configCases,
  oddMap,
  oddNames,
  oddStruct,
  onAllParts,
  optional,
  recordOf,
  struct,
  transformCase,
  typeNames,
  types,
  values,
  withDefault,
} from './samples.ts'

const inner = (of: SchemaJson): SchemaJson => struct([['x', of]], { name: 'inner', doc: 'd' })

/** A field in a struct, where both may be optional, have a default, or be null. */
const combinations = [
  ['plain', types.int32, [[[5]]]],
  ['optional field', optional(types.int32), [[[5]], [[null]]]],
  ['optional field with default', withDefault(optional(types.int32), 7), [[[null]]]],
  ['required field with default', withDefault(types.int32, 7), [[[null]]]],
] as const satisfies readonly (readonly [string, SchemaJson, readonly PartJson['value'][]])[]

const optionality = combinations.flatMap(([name, field, some]) =>
  (
    [
      ['required', inner(field)],
      ['optional', optional(inner(field))],
      ['optional with default', withDefault(optional(inner(field)), [8])],
      ['required with default', withDefault(inner(field), [8])],
    ] as const
  ).flatMap(([of, schema]) =>
    [...some, [null]].flatMap((value) => [
      transformCase(
        'Flatten$Value',
        `${name} in ${of} struct ${JSON.stringify(value)}`,
        {},
        recordOf({ schema: struct([['s', schema]]), value }),
      ),
      transformCase(
        'Flatten$Value',
        `${name} in ${of} struct in an optional struct ${JSON.stringify(value)}`,
        {},
        recordOf({ schema: optional(struct([['s', schema]], { name: 'outer', version: 2 })), value }),
      ),
    ]),
  ),
)

const byType = typeNames.flatMap((type) => [
  transformCase(
    'Flatten$Value',
    `${type} in a struct`,
    {},
    recordOf({ schema: struct([['s', inner(types[type])]]), value: [[values[type][0] ?? null]] }),
  ),
  transformCase(
    'Flatten$Value',
    `optional ${type} in an optional struct`,
    { delimiter: '_' },
    recordOf({ schema: struct([['s', optional(inner({ ...optional(types[type]), doc: 'doc' }))]]), value: [null] }),
  ),
])

const outerDefault = withDefault(
  struct([
    ['s', inner(types.int32)],
    ['y', types.string],
  ]),
  [[3], 'y'],
)
const maps: readonly PartJson['value'][] = [
  {},
  { a: {} },
  { a: { b: { c: { d: 1 } } } },
  { a: [{ b: 1 }] },
  { a: { b: 1 }, 'a.b': 2 },
  { 'a.b': 2, a: { b: 1 } },
  { '': { x: 1 }, y: { '': 2 } },
  { a: { __proto__x: 1, toString: 2 } },
  { a: null, b: { c: null } },
  { a: { $bytes: 'ff' } },
  { a: { $long: '9223372036854775807' }, b: 1.5, c: true, d: 'x' },
]

export const flattenCases: readonly CaseJson[] = [
  ...optionality,
  ...byType,
  ...maps.flatMap((value) =>
    ['.', '', '__'].map((delimiter) =>
      transformCase(
        'Flatten$Value',
        `plain ${JSON.stringify(value)} by "${delimiter}"`,
        { delimiter },
        recordOf({ value }),
      ),
    ),
  ),
  ...oddNames.flatMap((name) => [
    transformCase(
      'Flatten$Value',
      `plain ${name}`,
      {},
      recordOf({ value: Object.fromEntries([[name, Object.fromEntries([[name, 1]])]]) }),
    ),
    transformCase(
      'Flatten$Value',
      `struct ${name}`,
      {},
      recordOf({ schema: struct([[name, struct([[name, types.int8]])]]), value: [[1]] }),
    ),
  ]),
  transformCase(
    'Flatten$Value',
    'the same name twice',
    {},
    recordOf({
      schema: struct([
        ['a', struct([['b', types.int8]])],
        ['a.b', types.int8],
      ]),
      value: [[1], 2],
    }),
  ),
  transformCase('Flatten$Value', 'a default of the whole', {}, recordOf({ schema: outerDefault, value: [[1], 'x'] })),
  transformCase('Flatten$Value', 'odd struct', {}, recordOf(oddStruct)),
  transformCase('Flatten$Value', 'odd map', {}, recordOf(oddMap)),
  ...onAllParts('Flatten', 'dots', {}),
  ...onAllParts('Flatten', 'dashes', { delimiter: '-' }),
  ...configCases('Flatten$Value', [{ delimiter: '' }, { delimiter: ' ' }]),
]

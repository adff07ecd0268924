import type { CaseJson, PartJson } from '../oracle-json.ts'
import {
  configCases,
  everything,
  nulls,
  oddMap,
  oddNames,
  oddStruct,
  onAllParts,
  optionalNulls,
  plainEverything,
  recordOf,
  transformCase,
  typeNames,
} from './samples.ts'

const from = (operation: string, fields: string, headers = fields, more: Readonly<Record<string, string>> = {}) => ({
  operation,
  fields,
  headers,
  ...more,
})

const eachField = (part: PartJson, names: readonly string[], what: string): CaseJson[] =>
  names.flatMap((name) =>
    ['copy', 'move'].flatMap((operation) => [
      transformCase('HeaderFrom$Value', `${operation} ${what} ${name}`, from(operation, name, 'to'), recordOf(part)),
      transformCase(
        'HeaderFrom$Value',
        `${operation} ${what} ${name}, keeps null`,
        from(operation, name, name, { 'replace.null.with.default': 'false' }),
        recordOf(part),
      ),
    ]),
  )

const literals = [
  '',
  'text',
  'a text',
  '1',
  '127',
  '128',
  '-129',
  '40000',
  '3000000000',
  '9223372036854775807',
  '9223372036854775808',
  '1.5',
  '1.0',
  '-0.1',
  '1e3',
  '1E400',
  '.5',
  '+5',
  'true',
  'false',
  'TRUE',
  'null',
  'NaN',
  '2024-01-31',
  '12:34:56.789Z',
  '2024-01-31T12:34:56.789Z',
  '2024-13-01',
  '[]',
  '[1,2]',
  '[1, 2.5]',
  '[1,"a"]',
  '["a","b"]',
  '{}',
  '{"a":1}',
  '{"a":1,"b":300}',
  '{1:2}',
  '"quoted"',
  '"a\\"b"',
  ' 1 ',
  'a,b',
  'a:b',
  '[1',
  '{"a"',
  '[[1],[2]]',
  '[true,false]',
  '\\',
  'ключ',
  '0x10',
  '[null]',
  '{"a":null}',
  '1,2',
  '007',
]

const twice = {
  headers: [
    { name: 'h', value: 1 },
    { name: 'x', value: 2 },
    { name: 'h', value: 3 },
  ],
}

export const headerCases: readonly CaseJson[] = [
  ...eachField(everything, typeNames, 'field'),
  ...eachField(plainEverything, [...Object.keys(plainEverything.value as object), 'missing'], 'plain'),
  ...eachField(oddStruct, oddNames, 'field'),
  ...eachField(oddMap, oddNames, 'plain'),
  ...eachField({ value: {} }, oddNames, 'missing plain'),
  ...eachField(nulls, ['optional', 'optionalDefault', 'requiredDefault', 'missing'], 'null'),
  ...eachField(optionalNulls, ['optional', 'optionalDefault', 'textDefault', 'missing'], 'null'),
  ...['copy', 'move'].flatMap((operation) =>
    [
      onAllParts('HeaderFrom', `${operation} a`, from(operation, 'a', 'x')),
      [
        transformCase(
          'HeaderFrom$Value',
          `${operation} two`,
          from(operation, 'int8,string', 'x,y'),
          recordOf(everything),
        ),
      ],
      [
        transformCase(
          'HeaderFrom$Value',
          `${operation} one twice`,
          from(operation, 'int8,int8', 'x,y'),
          recordOf(everything),
        ),
      ],
      [
        transformCase(
          'HeaderFrom$Value',
          `${operation} a plain one twice`,
          from(operation, 'int,int', 'x,x'),
          recordOf(plainEverything),
        ),
      ],
    ].flat(),
  ),
  ...configCases('HeaderFrom$Value', [
    {},
    from('copy', '', ''),
    from('copy', 'a', ''),
    from('copy', 'a,b', 'x'),
    from('copy', 'a', 'x,y'),
    from('MOVE', 'a', 'x'),
    from('', 'a', 'x'),
    from('copy', 'a', 'x'),
    { fields: 'a', headers: 'x' },
  ]),
  ...['h', 'x', 'h,x', 'none', 'H', '__proto__'].map((headers) =>
    transformCase('DropHeaders', headers, { headers }, recordOf(everything, twice)),
  ),
  transformCase('DropHeaders', 'of a tombstone', { headers: 'h' }, recordOf({ value: null }, twice)),
  transformCase('DropHeaders', 'without headers', { headers: 'h' }, recordOf({ value: null }, { headers: [] })),
  ...oddNames.map((name) =>
    transformCase(
      'DropHeaders',
      name,
      { headers: name },
      recordOf(
        { value: 1 },
        {
          headers: [
            { name, value: 1 },
            { name: 'h', value: 2 },
          ],
        },
      ),
    ),
  ),
  ...configCases('DropHeaders', [{}, { headers: '' }, { headers: ',' }, { headers: ' h ' }]),
  ...literals.map((literal) =>
    transformCase(
      'InsertHeader',
      `literal ${literal}`,
      { header: 'x', 'value.literal': literal },
      recordOf({ value: 1 }),
    ),
  ),
  ...oddNames.map((header) =>
    transformCase('InsertHeader', header, { header, 'value.literal': 'v' }, recordOf({ value: null }, { headers: [] })),
  ),
  transformCase(
    'InsertHeader',
    'a name that exists',
    { header: 'h', 'value.literal': 'v' },
    recordOf({ value: null }, twice),
  ),
  ...configCases('InsertHeader', [{}, { header: 'x' }, { 'value.literal': 'v' }, { header: '', 'value.literal': 'v' }]),
]

import type { CaseJson, PartJson, ValueJson } from '../oracle-json.ts'
import {
  configCases,
  everything,
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

const targets = ['string', 'unix', 'Date', 'Time', 'Timestamp'] as const
const precisions = ['seconds', 'milliseconds', 'microseconds', 'nanoseconds'] as const
const iso = "yyyy-MM-dd'T'HH:mm:ss.SSSX"

const convert = (target: string, more: Readonly<Record<string, string>> = {}) => ({
  'target.type': target,
  format: iso,
  ...more,
})
const one = (name: string, config: Readonly<Record<string, string>>, part: PartJson): CaseJson =>
  transformCase('TimestampConverter$Value', name, config, recordOf(part))

const times: readonly (number | string)[] = [
  0,
  1,
  -1,
  999,
  86399999,
  86400000,
  -86400001,
  1704067200000,
  1704103445678,
  -12219292800000,
  -12219292800001,
  -62135596800000,
  -62167219200001,
  253402300800000,
  '9007199254740993',
  '-9223372036854775808',
  '9223372036854775807',
]
const unixTimes: readonly (number | string)[] = [
  0,
  1,
  -1,
  -999,
  1000,
  -1500,
  1704103445,
  1704103445678,
  '1704103445678901234',
  '-1704103445678901234',
  '9223372036854775807',
  '-9223372036854775808',
]

const bySource = targets.flatMap((target) => [
  ...typeNames.flatMap((type) =>
    values[type]
      .slice(0, 7)
      .map((value) =>
        one(`${type} ${JSON.stringify(value)} to ${target}`, convert(target), { schema: types[type], value }),
      ),
  ),
  ...times.map((value) => one(`timestamp ${value} to ${target}`, convert(target), { schema: types.timestamp, value })),
  ...precisions.flatMap((precision) =>
    unixTimes.map((value) =>
      one(`unix ${value} ${precision} to ${target}`, convert(target, { 'unix.precision': precision }), {
        schema: types.int64,
        value,
      }),
    ),
  ),
])
const toUnix = precisions.flatMap((precision) =>
  times.map((value) =>
    one(
      `timestamp ${value} to unix ${precision}`,
      { 'target.type': 'unix', 'unix.precision': precision },
      { schema: types.timestamp, value },
    ),
  ),
)

const patterns = [
  iso,
  'yyyy-MM-dd',
  'yyyyMMdd',
  'yyyyMMddHHmmssSSS',
  'yy-M-d',
  'y',
  'yyy',
  'yyyyy',
  'yyyy G',
  'GGGG yyyy',
  'MMM d, yyyy',
  'MMMM dd yyyy',
  'MMMMM',
  'LLL',
  'EEE, dd MMM yyyy HH:mm:ss Z',
  'EEEE',
  'E d',
  'hh:mm a',
  'K:m a',
  'k',
  'H:m:s.S',
  'HH:mm:ss.SSSSSS',
  'D yyyy',
  'DDD',
  'F',
  'w W',
  'YYYY-ww',
  'YY',
  'u',
  'z',
  'zzzz',
  'Z',
  'X',
  'XX',
  'XXX',
  "'at' yyyy",
  "''yyyy''",
  "yyyy'T''Z'",
  "h 'o''clock' a",
  'dd/MM/yyyy',
  'yyyy.MM.dd G',
  'ключ yyyy',
  'aa',
  'yyyy-MM-dd HH',
  "''",
  ' yyyy ',
]
const formatted = patterns.flatMap((format) =>
  times.map((value) =>
    one(`${format} of ${value}`, { 'target.type': 'string', format }, { schema: types.timestamp, value }),
  ),
)

const texts: readonly (readonly [format: string, ...texts: string[]])[] = [
  [
    'yyyy-MM-dd',
    '2024-01-31',
    '2024-02-30',
    '2024-13-01',
    '2024-00-00',
    '24-1-1',
    '2024-1-1',
    '2024-01-31T00',
    ' 2024-01-31',
    '2024- 01-31',
    '2024-01',
    '',
    'x',
    '-5-01-01',
    '1582-10-10',
    '1500-02-29',
    '0000-01-01',
    '99999-12-31',
    '2024/01/31',
    '2024-01--5',
  ],
  ['yyyyMMdd', '20240131', '2024131', '202401311', '20241301', '2024 131'],
  ['yyyyMMddHHmmssSSS', '20240131123456789', '2024013112345678'],
  ['yy-MM-dd', '24-01-31', '2024-01-31', '85-01-01', '4-01-01', '024-01-01'],
  ['y-M-d', '24-1-1', '5-1-1'],
  [
    iso,
    '2024-01-31T12:34:56.789Z',
    '2024-01-31T12:34:56.789+01',
    '2024-01-31T12:34:56.789+0100',
    '2024-01-31T12:34:56.7Z',
    '2024-01-31T25:61:61.1000Z',
    '2024-01-31T12:34:56.789',
    '2024-01-31t12:34:56.789Z',
  ],
  [
    'yyyy-MM-dd HH:mm:ss XXX',
    '2024-01-31 12:34:56 +01:00',
    '2024-01-31 12:34:56 +0100',
    '2024-01-31 12:34:56 -23:59',
    '2024-01-31 12:34:56 +24:00',
    '2024-01-31 12:34:56 Z',
  ],
  ['yyyy-MM-dd HH:mm:ss XX', '2024-01-31 12:34:56 +0130', '2024-01-31 12:34:56 +01:30', '2024-01-31 12:34:56 +01'],
  [
    'yyyy-MM-dd HH:mm:ss z',
    '2024-01-31 12:34:56 UTC',
    '2024-01-31 12:34:56 GMT',
    '2024-01-31 12:34:56 GMT+1:30',
    '2024-01-31 12:34:56 GMT-08:00',
    '2024-01-31 12:34:56 +0100',
    '2024-01-31 12:34:56 Coordinated Universal Time',
    '2024-01-31 12:34:56 Nowhere',
    '2024-07-31 12:34:56 EDT',
    '2024-01-31 12:34:56 PST',
    '2024-01-31 12:34:56',
  ],
  [
    'yyyy-MM-dd HH:mm:ss Z',
    '2024-01-31 12:34:56 +0100',
    '2024-01-31 12:34:56 -0830',
    '2024-01-31 12:34:56 +1',
    '2024-01-31 12:34:56 +01:00',
  ],
  [
    'EEE, dd MMM yyyy HH:mm:ss Z',
    'Wed, 31 Jan 2024 12:34:56 +0000',
    'Mon, 31 Jan 2024 12:34:56 +0000',
    'wednesday, 31 JANUARY 2024 12:34:56 +0000',
    'Xyz, 31 Jan 2024 12:34:56 +0000',
  ],
  ['dd MMM yyyy', '31 Jan 2024', '31 january 2024', '31 May 2024', '31 Foo 2024', '31 Ja 2024', '31 1 2024'],
  [
    'MM/dd/yyyy hh:mm a',
    '01/31/2024 12:00 AM',
    '01/31/2024 12:00 PM',
    '01/31/2024 01:30 pm',
    '01/31/2024 13:30 AM',
    '01/31/2024 01:30',
  ],
  ['yyyy D', '2024 60', '2024 366', '2024 0'],
  ['yyyy G', '44 BC', '2024 AD', '1 ad'],
  ['GGGG yyyy', 'Before Christ 44', 'Anno Domini 2024', 'AD 2024'],
  ['K:mm a', '0:30 PM', '11:59 AM'],
  ['kk:mm', '24:00', '01:00', '00:30'],
  ['HH:mm:ss.SSSSSS', '12:34:56.789000', '12:34:56.7'],
  ['H', '5', '99999999999', '99999999999999999999', '-1', '٥'],
  ["yyyy'T'MM", '2024T05', '2024t05', '2024-05'],
  ['yyyy-MM-dd u', '2024-01-31 3', '2024-01-31 1'],
  ['yyyy', '292278994', '-1', '0'],
  ['z yyyy', 'GMT 2024', 'UTC 2024', 'GMT+01:00 2024', 'PST 2024', 'Coordinated Universal Time 2024'],
  ["''yyyy''", "'2024'"],
]
const parsed = texts.flatMap(([format, ...some]) =>
  some.flatMap((value) => [
    one(`text "${value}" by ${format}`, { 'target.type': 'Timestamp', format }, { schema: types.string, value }),
    one(`plain text "${value}" by ${format}`, { 'target.type': 'unix', format }, { value }),
  ]),
)

/** The last days of a year may be in the first week of the next one. */
const turns = [2010, 2011, 2015, 2016, 2021, 2022, 2023, 2024].flatMap((year) =>
  [-7, -6, -5, -1, 0, 1, 6].map((day) =>
    one(
      `weeks around the end of ${year}, day ${day}`,
      { 'target.type': 'string', format: 'YYYY-ww W u F D' },
      { schema: types.timestamp, value: Date.UTC(year, 11, 31 + day) },
    ),
  ),
)

const plainValues: readonly ValueJson[] = [
  0,
  1704103445678,
  -1,
  1.5,
  true,
  '2024-01-31T12:34:56.789Z',
  'x',
  { $long: '9223372036854775807' },
  { $bytes: 'ff' },
  [1],
  { a: 1 },
]
const plain = targets.flatMap((target) =>
  plainValues.flatMap((value) => [
    one(`plain ${JSON.stringify(value)} to ${target}`, convert(target), { value }),
    one(`plain field ${JSON.stringify(value)} to ${target}`, convert(target, { field: 'a' }), {
      value: { a: value, b: 1 },
    }),
    one(`missing plain field to ${target} beside ${JSON.stringify(value)}`, convert(target, { field: 'x' }), {
      value: { a: value },
    }),
  ]),
)

const stamp = (more: object = {}) =>
  struct(
    [
      ['a', optional(types.timestamp)],
      ['b', withDefault(types.timestamp, 86400000)],
      ['c', types.string],
    ],
    more,
  )
const fields = targets.flatMap((target) =>
  [
    typeNames.map((type) => one(`field ${type} to ${target}`, convert(target, { field: type }), everything)),
    ['a', 'b', 'x'].flatMap((field) =>
      ['true', 'false'].map((replace) =>
        one(
          `null field ${field} to ${target}, ${replace}`,
          convert(target, { field, 'replace.null.with.default': replace }),
          { schema: stamp({ name: 's', version: 2 }), value: [null, null, 'x'] },
        ),
      ),
    ),
    [
      one(`a struct with a default to ${target}`, convert(target, { field: 'b' }), {
        schema: withDefault(optional(stamp()), [1, 86400000, 'd']),
        value: [5, 6, 'x'],
      }),
    ],
    [one(`null of a struct to ${target}`, convert(target, { field: 'b' }), { schema: optional(stamp()), value: null })],
    [one(`null of optional int64 to ${target}`, convert(target), { schema: optional(types.int64), value: null })],
    [one(`null of optional int32 to ${target}`, convert(target), { schema: optional(types.int32), value: null })],
    [one(`text without a format to ${target}`, { 'target.type': target }, { schema: types.string, value: '2024' })],
    oddNames.map((field) => one(`odd field ${field} to ${target}`, convert(target, { field }), oddStruct)),
    oddNames.map((field) => one(`odd member ${field} to ${target}`, convert(target, { field }), oddMap)),
    onAllParts('TimestampConverter', `field a to ${target}`, convert(target, { field: 'a' })),
    onAllParts('TimestampConverter', `all to ${target}`, convert(target)),
  ].flat(),
)

export const timestampCases: readonly CaseJson[] = [
  ...bySource,
  ...toUnix,
  ...formatted,
  ...parsed,
  ...turns,
  ...plain,
  ...fields,
  ...configCases('TimestampConverter$Value', [
    {},
    { 'target.type': 'string' },
    { 'target.type': 'string', format: ' ' },
    { 'target.type': 'date' },
    { 'target.type': 'unix', 'unix.precision': 'days' },
    { 'target.type': 'string', format: 'bogus' },
    { 'target.type': 'unix', format: "yyyy'" },
    { 'target.type': 'unix', format: 'XXXX' },
    { 'target.type': 'unix', format: 'yyyy', field: 'a' },
  ]),
]

const route = (name: string, config: Readonly<Record<string, string>>, more: object = {}): CaseJson =>
  transformCase('TimestampRouter', name, config, recordOf({ value: null }, more))

export const timestampRouterCases: readonly CaseJson[] = [
  ...times.map((value) => route(`of ${value}`, {}, { timestamp: String(value) })),
  ...patterns.map((format) => route(`by ${format}`, { 'timestamp.format': format })),
  ...[
    '${topic}',
    '${timestamp}',
    '${topic}${topic}',
    '${timestamp}-${topic}-${timestamp}',
    'x',
    '',
    '${Topic}',
    '$1\\',
    '${topic',
  ].map((format) => route(`topic ${format}`, { 'topic.format': format })),
  route('a topic with a placeholder', {}, { topic: 'a${timestamp}' }),
  route('a topic with a group', {}, { topic: 'a$1' }),
  route('without a timestamp', {}, { timestamp: null }),
  route('an invalid pattern', { 'timestamp.format': 'bogus' }),
  route('an empty pattern', { 'timestamp.format': '' }),
]

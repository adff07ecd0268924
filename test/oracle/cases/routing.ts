import type { CaseJson } from '../oracle-json.ts'
import { everything, recordOf, transformCase } from './samples.ts'

const topics = ['shop.orders', 'orders', 'a', '', 'ключ', 'shop\norders', 'SHOP.orders', '__proto__']
const regexes = [
  ['(.*)', 'x-$1'],
  ['shop\\.(.*)', '$1'],
  ['(?<name>.*)', '${name}_t'],
  ['(.)(.*)', '$2$1'],
  ['orders', 'x'],
  ['(?i)shop\\..*', 'y'],
  ['(.*)', '\\$1'],
  ['(.*)', '$2'],
  ['(.*)', '$'],
  ['(.*)', '\\'],
  ['', 'x'],
  ['(', 'x'],
  ['(a)|(.*)', '$1$2'],
] as const

const routed = regexes.flatMap(([regex, replacement]) =>
  topics.map((topic) =>
    transformCase(
      'RegexRouter',
      `${regex} to ${replacement} of ${topic}`,
      { regex, replacement },
      recordOf({ value: 1 }, { topic }),
    ),
  ),
)

const predicate = (name: string, config: Readonly<Record<string, string>>, record: CaseJson['record']): CaseJson =>
  transformCase(`predicates.${name}`, JSON.stringify([config, record.topic, record.headers]), config, {
    ...record,
    offset: 1,
  })

const predicates = [
  ...['h', 'H', 'x', '', '__proto__', 'toString'].map((name) =>
    predicate('HasHeaderKey', { name }, recordOf({ value: 1 })),
  ),
  predicate('HasHeaderKey', { name: 'h' }, recordOf({ value: 1 }, { headers: [] })),
  predicate(
    'HasHeaderKey',
    { name: 'x' },
    recordOf(
      { value: 1 },
      {
        headers: [
          { name: 'h', value: 1 },
          { name: 'x', value: null },
        ],
      },
    ),
  ),
  predicate('HasHeaderKey', {}, recordOf({ value: 1 })),
  predicate('RecordIsTombstone', {}, recordOf({ value: null })),
  predicate('RecordIsTombstone', {}, recordOf(everything)),
  predicate(
    'RecordIsTombstone',
    {},
    recordOf({ schema: { type: 'STRING', optional: true }, value: null }, { topic: 'with.schema' }),
  ),
  ...regexes.flatMap(([pattern]) =>
    topics.map((topic) => predicate('TopicNameMatches', { pattern }, recordOf({ value: 1 }, { topic }))),
  ),
  predicate('TopicNameMatches', {}, recordOf({ value: 1 })),
]

export const routingCases: readonly CaseJson[] = [
  ...routed,
  transformCase('RegexRouter', 'without settings', {}, recordOf({ value: 1 })),
  transformCase('Filter', 'a record', {}, recordOf(everything)),
  transformCase('Filter', 'a tombstone', {}, recordOf({ value: null })),
  ...predicates,
]

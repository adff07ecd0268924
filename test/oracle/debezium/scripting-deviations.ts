import type { ResultJson } from '../oracle-json.ts'

interface Deviation {
  readonly reason: 'not supported' | 'no class' | 'a field named schema' | 'interpolated text' | 'values of JavaScript'
  readonly result: ResultJson
}

const kept: ResultJson = { changed: {} }
const dropped: ResultJson = { dropped: true }
const refused: ResultJson = { configError: { class: 'ConfigException', message: null } }
const failed: ResultJson = { error: { class: 'DataException', message: null } }
const routed = (topic: string): ResultJson => ({ changed: { topic } })

const changes = ['update', 'create', 'delete']

function filter(language: string, expression: string, record: string): string {
  return `Filter: jsr223.${language} ${expression}${changes.includes(record) ? '' : ' evaluate'}, ${record}`
}

const router = (expression: string, record: string): string =>
  `ContentBasedRouter: jsr223.groovy ${expression} evaluate, ${record}`

const onChanges = (
  language: string,
  expression: string,
  reason: Deviation['reason'],
  results: readonly ResultJson[],
): [string, Deviation][] =>
  changes.map((record, i) => [filter(language, expression, record), { reason, result: results[i] ?? kept }])

const unknownNames: readonly (readonly [language: string, expression: string])[] = [
  ['groovy', 'headers.h.value == 1'],
  ['groovy', 'nothing'],
  ['graal.js', 'nothing'],
]

const unsupported: readonly (readonly [language: string, expression: string])[] = [
  ['groovy', 'value.after.tags*.size()'],
  ['groovy', "value.op as String == 'c'"],
  ['groovy', 'new Date() != null'],
  ['groovy', 'value.op.getClass() == String'],
  ['groovy', "topic.replaceAll('[.]', '_') == 's_public_orders'"],
  ['groovy', 'value.after.attrs == [k: 1]'],
  ['graal.js', 'true ? 1 == 1 : nothing'],
  ['graal.js', '(1, 2) == 2'],
  ['graal.js', 'Java.type("java.lang.System")'],
  ['graal.js', 'process.exit(1)'],
]

const ofJavascript: readonly (readonly [expression: string, record: string])[] = [
  ['value.constructor === undefined && value.__proto__ === undefined && value.toString === undefined', 'typed'],
  ['value == null', 'tombstone'],
  ["value == 'text'", 'text'],
  ['value.id == 1', 'no schema'],
]

/** The cases of expressions that end otherwise on purpose, by name. */
export const scriptingDeviations: Readonly<Record<string, Deviation>> = Object.fromEntries<Deviation>([
  ...unknownNames.flatMap(([language, expression]) =>
    onChanges(language, expression, 'not supported', [refused, refused, refused]),
  ),
  ...unsupported.map(([language, expression]): [string, Deviation] => [
    filter(language, expression, 'typed'),
    { reason: 'not supported', result: refused },
  ]),
  [router('[[1, 2], [k: 3]].toString()', 'typed'), { reason: 'not supported', result: refused }],
  ...['value.op.bytes.length == 1', "value.class.name == 'x'"].map((expression): [string, Deviation] => [
    filter('groovy', expression, 'typed'),
    { reason: 'no class', result: failed },
  ]),
  ...onChanges('groovy', "value.source.schema == 'public'", 'a field named schema', [kept, kept, kept]),
  [
    router("value.op == 'u' ? value.source.schema : value.source.db", 'update'),
    { reason: 'a field named schema', result: routed('public') },
  ],
  [router('"${topic}"', 'update'), { reason: 'interpolated text', result: kept }],
  [router('"${topic}_$value.op"', 'update'), { reason: 'interpolated text', result: routed('s.public.orders_u') }],
  ...onChanges('graal.js', "value.get('op') == 'c'", 'values of JavaScript', [dropped, kept, dropped]),
  ...ofJavascript.map(([expression, record]): [string, Deviation] => [
    filter('graal.js', expression, record),
    { reason: 'values of JavaScript', result: kept },
  ]),
])

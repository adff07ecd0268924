import type { OptionValue, ProtoOption } from '../model/proto-file.ts'
import { asMap } from '../text/normal-options.ts'
import type { WireMessage, WireWriter } from './wire-message.ts'

type Entries = ReadonlyMap<string, OptionValue>

const docField = 1
const paramsField = 2
const tagsField = 3
const rulesField = 4
const ruleFields = ['name', 'doc', 'expr', 'sql'] as const

/** The option of a `confluent.Meta`; null when that is empty. */
export function readMeta(name: string, message: WireMessage): ProtoOption | null {
  const entries = new Map<string, OptionValue>()
  const doc = message.text(docField) ?? ''
  if (doc !== '') entries.set('doc', textValue(doc))
  const params = new Map(message.messages(paramsField).map((entry) => [entry.text(1) ?? '', entry.text(2) ?? '']))
  if (params.size > 0) entries.set('params', listValue([...params].map(([key, value]) => paramValue(key, value))))
  const tags = message.texts(tagsField)
  if (tags.length > 0) entries.set('tags', listValue(tags.map(textValue)))
  const rules = message
    .messages(rulesField)
    .map((rule) => ruleValue(rule))
    .filter((rule) => rule.entries.size > 0)
  if (rules.length > 0) entries.set('rules', listValue(rules))
  return entries.size === 0 ? null : { name, isExtension: true, value: { kind: 'map', entries } }
}

function textValue(text: string): OptionValue {
  return { kind: 'string', text }
}

function listValue(items: readonly OptionValue[]): OptionValue {
  return { kind: 'list', items }
}

/** Confluent writes the value of these first. */
function paramValue(key: string, value: string): OptionValue {
  const entries: readonly (readonly [string, OptionValue])[] = [
    ['key', textValue(key)],
    ['value', textValue(value)],
  ]
  const isDecimal = key === 'precision' || key === 'scale'
  return { kind: 'map', entries: new Map(isDecimal ? entries.toReversed() : entries) }
}

function ruleValue(rule: WireMessage): Extract<OptionValue, { readonly kind: 'map' }> {
  const texts = ruleFields.map((name, at) => [name, rule.text(at + 1) ?? ''] as const)
  return {
    kind: 'map',
    entries: new Map(texts.filter(([, text]) => text !== '').map(([name, text]) => [name, textValue(text)])),
  }
}

/** Writes a `confluent.Meta` of the options that are parts of it. */
export function writeMeta(writer: WireWriter, field: number, options: readonly ProtoOption[]): void {
  const maps = options.map((option) => asMap(option).value).filter((value) => value.kind === 'map')
  const entries: ReadonlyMap<string, readonly OptionValue[]> = collected(maps.map((map) => map.entries))
  writer.messageIfAny(field, (meta) => {
    const doc = textOf(entries.get('doc')?.at(-1))
    if (doc !== '') meta.text(docField, doc)
    const params = new Map(
      mapsOf(entries.get('params')).map((param) => [textOf(param.get('key')), textOf(param.get('value'))]),
    )
    for (const [key, value] of params)
      meta.message(paramsField, (entry) => {
        entry.text(1, key)
        entry.text(2, value)
      })
    for (const tag of entries.get('tags') ?? []) meta.text(tagsField, textOf(tag))
    for (const rule of mapsOf(entries.get('rules')))
      meta.messageIfAny(rulesField, (message) => {
        for (const [at, name] of ruleFields.entries()) {
          const text = textOf(rule.get(name))
          if (text !== '') message.text(at + 1, text)
        }
      })
  })
}

/** The values of each key, also those in lists. */
function collected(maps: readonly Entries[]): ReadonlyMap<string, readonly OptionValue[]> {
  const values = new Map<string, OptionValue[]>()
  for (const map of maps)
    for (const [key, value] of map) {
      const known = values.get(key) ?? []
      values.set(key, known)
      known.push(...(value.kind === 'list' ? value.items : [value]))
    }
  return values
}

function mapsOf(values: readonly OptionValue[] = []): readonly Entries[] {
  return values.flatMap((value) => (value.kind === 'map' ? [value.entries] : []))
}

function textOf(value: OptionValue | undefined): string {
  return value !== undefined && 'text' in value ? value.text : ''
}

import type { OptionValue, ProtoOption } from '../model/proto-file.ts'
import type { ProtoReader } from './proto-reader.ts'

/** Values in one another, and parts of a name. */
export const maxDepth = 100

/** The options in brackets after a field; none when there are none. @throws ProtobufError */
export function parseBracketedOptions(reader: ProtoReader): readonly ProtoOption[] {
  if (!reader.takes('[')) return []
  const options: ProtoOption[] = []
  for (;;) {
    options.push(parseOption(reader))
    if (reader.takes(']')) return options
    reader.require(',')
  }
}

/** `name = value`, with a name of parts: `(extension).part`. @throws ProtobufError */
export function parseOption(reader: ProtoReader): ProtoOption {
  const isExtension = reader.peek() === '('
  const name = isExtension ? extensionName(reader) : reader.typeName(reader.word(), 'an option')
  const parts: { name: string; isExtension: boolean }[] = []
  while (reader.takes('.')) {
    if (parts.length >= maxDepth) throw reader.error(`the option's name has more than ${maxDepth} parts`)
    const isPartExtension = reader.peek() === '('
    const part = isPartExtension ? extensionName(reader) : reader.checkedIdentifier(reader.word(false), 'a field')
    parts.push({ name: part, isExtension: isPartExtension })
  }
  reader.require('=')
  let value = parseValue(reader, 0)
  for (const part of parts.toReversed()) value = { kind: 'part', option: { ...part, value } }
  return { name, isExtension, value }
}

function extensionName(reader: ProtoReader): string {
  reader.require('(')
  const name = reader.typeName(reader.word(), 'an option')
  reader.require(')')
  return name
}

function parseValue(reader: ProtoReader, depth: number): OptionValue {
  if (depth > maxDepth) throw reader.error(`the option is nested more than ${maxDepth} deep`)
  const first = reader.peek()
  if (first === '{') return { kind: 'map', entries: parseMap(reader, depth) }
  if (first === '[') return { kind: 'list', items: parseList(reader, depth) }
  if (first === '"' || first === "'") return { kind: 'string', text: reader.string() }
  const text = reader.word()
  if (/^[\d-]/.test(text)) return { kind: 'number', text }
  return { kind: text === 'true' || text === 'false' ? 'boolean' : 'enum', text }
}

/** The text format of messages: `{ key: value, [extension]: value, message { … } }`. */
function parseMap(reader: ProtoReader, depth: number): ReadonlyMap<string, OptionValue> {
  reader.require('{')
  const entries = new Map<string, OptionValue>()
  const collected = new Map<string, OptionValue[]>()
  while (!reader.takes('}')) {
    const key = reader.takes('[') ? extensionKey(reader) : reader.checkedIdentifier(reader.word(), 'a field')
    if (!reader.takes(':') && reader.peek() !== '{') throw reader.error('":" is expected')
    add(entries, collected, key, parseValue(reader, depth + 1))
    if (!reader.takes(',')) reader.takes(';')
  }
  return entries
}

/** A field that is there several times is repeated. */
function add(
  entries: Map<string, OptionValue>,
  collected: Map<string, OptionValue[]>,
  key: string,
  value: OptionValue,
): void {
  const previous = entries.get(key)
  if (previous === undefined) {
    entries.set(key, value)
    return
  }
  const items = collected.get(key) ?? [...itemsOf(previous)]
  collected.set(key, items)
  items.push(...itemsOf(value))
  entries.set(key, { kind: 'list', items })
}

function itemsOf(value: OptionValue): readonly OptionValue[] {
  return value.kind === 'list' ? value.items : [value]
}

function extensionKey(reader: ProtoReader): string {
  const name = reader.typeName(reader.word(), 'an option')
  reader.require(']')
  return `[${name}]`
}

function parseList(reader: ProtoReader, depth: number): readonly OptionValue[] {
  reader.require('[')
  const items: OptionValue[] = []
  while (!reader.takes(']')) {
    items.push(parseValue(reader, depth + 1))
    if (!reader.takes(',') && reader.peek() !== ']') throw reader.error('"," or "]" is expected')
  }
  return items
}

import {
  isKeyType,
  maxFieldNumber,
  type ProtoConstant,
  type ProtoExtensions,
  type ProtoField,
  type ProtoFile,
  type ProtoGroup,
  type ProtoLabel,
  type ProtoOneof,
  type ProtoOption,
  type ProtoRange,
  type ProtoRanges,
} from '../model/proto-file.ts'
import { parseBracketedOptions, parseOption } from './parse-options.ts'
import type { ProtoReader } from './proto-reader.ts'

const labels: ReadonlySet<string> = new Set<ProtoLabel>(['required', 'optional', 'repeated'])

/** Returns true: only a field can begin with this word. @throws ProtobufError when a label is missing, or not allowed */
export function isFieldStart(reader: ProtoReader, word: string, syntax: ProtoFile['syntax']): true {
  if (syntax === 'proto3') {
    if (word === 'required') throw reader.error('proto3 has no label "required"')
    return true
  }
  if (labels.has(word) || (word === 'map' && reader.peek() === '<')) return true
  throw reader.error(`"${word}" is no label: a field of proto2 begins with required, optional or repeated`)
}

/** A field, or a group of fields. @param word its first one, which was read @throws ProtobufError */
export function parseField(reader: ProtoReader, word: string, syntax: ProtoFile['syntax']): ProtoField | ProtoGroup {
  const label = labelOf(word)
  const first = label === null ? word : reader.word()
  if (first === 'group' && syntax !== 'proto3') return parseGroup(reader, label, syntax)
  const type = parseType(reader, first)
  if (type.startsWith('map<') && label !== null) throw reader.error('a map has no label')
  return parseRest(reader, label, type)
}

function labelOf(word: string): ProtoLabel | null {
  return labels.has(word) ? (word as ProtoLabel) : null
}

function parseType(reader: ProtoReader, word: string): string {
  if (word !== 'map' || reader.peek() !== '<') return reader.typeName(word)
  reader.require('<')
  const key = reader.typeName()
  if (!isKeyType(key)) throw reader.error(`"${key}" cannot be the type of a map's keys`)
  reader.require(',')
  const value = reader.typeName()
  reader.require('>')
  return `map<${key}, ${value}>`
}

/** What comes after the type of a field. */
function parseRest(reader: ProtoReader, label: ProtoLabel | null, type: string): ProtoField {
  const name = reader.identifier('a field')
  reader.require('=')
  const number = reader.integer()
  const all = parseBracketedOptions(reader)
  reader.require(';')
  const special = (option: ProtoOption): boolean => option.name === 'default' || option.name === 'json_name'
  return {
    label,
    type,
    name,
    number,
    defaultValue: textOf(all, 'default'),
    jsonName: textOf(all, 'json_name'),
    options: all.filter((option) => option.isExtension || !special(option)),
  }
}

/** The text of the last option of this name. */
function textOf(options: readonly ProtoOption[], name: string): string | null {
  const value = options.findLast((option) => option.name === name && !option.isExtension)?.value
  return value !== undefined && 'text' in value ? value.text : null
}

function parseGroup(reader: ProtoReader, label: ProtoLabel | null, syntax: ProtoFile['syntax']): ProtoGroup {
  const name = reader.identifier('a group')
  reader.require('=')
  const number = reader.integer()
  const fields: ProtoField[] = []
  reader.require('{')
  while (!reader.takes('}')) {
    if (reader.takes(';')) continue
    const word = reader.word()
    if (!isFieldStart(reader, word, syntax)) continue
    const field = parseField(reader, word, syntax)
    if (!('type' in field)) throw reader.error('a group in a group is not supported')
    fields.push(field)
  }
  return { label, name, number, fields }
}

/** @throws ProtobufError */
export function parseOneof(reader: ProtoReader): ProtoOneof {
  const name = reader.identifier('a oneof')
  const fields: ProtoField[] = []
  const groups: ProtoGroup[] = []
  const options: ProtoOption[] = []
  reader.require('{')
  while (!reader.takes('}')) {
    if (reader.takes(';')) continue
    const word = reader.word()
    if (word === 'option') {
      options.push(parseOption(reader))
      reader.require(';')
    } else if (word === 'group') groups.push(parseGroup(reader, null, null))
    else if (labels.has(word)) throw reader.error(`a field of a oneof has no label, such as "${word}"`)
    else if (word === 'map' && reader.peek() === '<') throw reader.error('a oneof has no map')
    else fields.push(parseRest(reader, null, parseType(reader, word)))
  }
  return { name, options, fields, groups }
}

/** @param name which was read @throws ProtobufError */
export function parseConstant(reader: ProtoReader, name: string): ProtoConstant {
  reader.checkedIdentifier(name, 'a constant of an enum')
  reader.require('=')
  const number = reader.integer()
  const options = parseBracketedOptions(reader)
  reader.require(';')
  return { name, number, options }
}

/** @throws ProtobufError */
export function parseReserved(reader: ProtoReader): ProtoRanges {
  const values: ProtoRange[] = []
  do {
    const first = reader.peek()
    values.push(
      first === '"' || first === "'" ? reader.checkedIdentifier(reader.string(), 'a field') : parseRange(reader),
    )
  } while (reader.takes(','))
  reader.require(';')
  return { values }
}

/** @throws ProtobufError */
export function parseExtensions(reader: ProtoReader): ProtoExtensions {
  const values: ProtoRange[] = []
  do values.push(parseRange(reader))
  while (reader.takes(','))
  const options = parseBracketedOptions(reader)
  reader.require(';')
  return { values, options }
}

function parseRange(reader: ProtoReader): ProtoRange {
  const first = reader.integer()
  if (!/[a-z]/.test(reader.peek())) return first
  if (reader.word() !== 'to') throw reader.error('"to", "," or ";" is expected')
  const isMax = reader.peek() === 'm'
  const last = isMax ? maxOf(reader) : reader.integer()
  if (last < first) throw reader.error(`the range ${first} to ${last} is empty`)
  return [first, last]
}

function maxOf(reader: ProtoReader): number {
  if (reader.word() !== 'max') throw reader.error('a number or "max" is expected')
  return maxFieldNumber
}

import { isScalar, type OptionValue, type ProtoField, type ProtoOption } from '../model/proto-file.ts'

const escapes: Readonly<Record<string, string>> = {
  '\u0007': String.raw`\a`,
  '\b': String.raw`\b`,
  '\f': String.raw`\f`,
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
  '\v': String.raw`\v`,
  '\\': String.raw`\\`,
  "'": String.raw`\'`,
  '"': String.raw`\"`,
}

/** `name = value` */
export function optionText({ name, isExtension, value }: ProtoOption): string {
  const shown = isExtension ? `(${name})` : name
  if (value.kind === 'part') return `${shown}.${optionText(value.option)}`
  if (value.kind === 'list') return `${shown} = ${bracketed(value.items.map(valueText))}`
  return `${shown} = ${valueText(value)}`
}

/** ` [options]`; nothing when there are none. */
export function bracketedOptions(options: readonly ProtoOption[]): string {
  return options.length === 0 ? '' : ` ${bracketed(options.map(optionText))}`
}

/** The options of a field, with those that are not among its own. */
export function fieldOptions({ type, defaultValue, jsonName, options }: ProtoField): readonly ProtoOption[] {
  const special: ProtoOption[] = []
  if (defaultValue !== null) special.push({ name: 'default', isExtension: false, value: defaultOf(type, defaultValue) })
  if (jsonName !== null)
    special.push({ name: 'json_name', isExtension: false, value: { kind: 'string', text: jsonName } })
  return special.length === 0 ? options : [...options, ...special]
}

/** Confluent's registry quotes only defaults of strings, and so writes those of bytes that nothing can read. */
function defaultOf(type: string, text: string): OptionValue {
  if (type === 'string' || !/^[A-Za-z0-9_.-]+$/.test(text)) return { kind: 'string', text }
  if (type === 'bool') return { kind: 'boolean', text }
  return { kind: isScalar(type) ? 'number' : 'enum', text }
}

function valueText(value: OptionValue): string {
  switch (value.kind) {
    case 'string':
      return `"${escaped(value.text)}"`
    case 'map':
      return `{\n${separated([...value.entries].map(([key, entry]) => `${key}: ${valueText(entry)}`))}}`
    case 'list':
      return `[\n${separated(value.items.map(valueText))}]`
    case 'part':
      return optionText(value.option)
    default:
      return value.text
  }
}

/** One on the same line, several on lines of their own. */
function bracketed(texts: readonly string[]): string {
  return texts.length === 1 ? `[${texts.join('')}]` : `[\n${separated(texts)}]`
}

function separated(texts: readonly string[]): string {
  return texts
    .map((text, index) => (index < texts.length - 1 ? `${text},` : text))
    .map((text) => `${indentedLines(text)}\n`)
    .join('')
}

/** Only line feeds end lines: a text in quotes may have other separators. */
export function indentedLines(text: string): string {
  return `  ${text.replaceAll('\n', '\n  ')}`
}

function escaped(text: string): string {
  return Array.from(text, (character) => escapes[character] ?? character).join('')
}

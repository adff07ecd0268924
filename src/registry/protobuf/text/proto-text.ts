import {
  maxFieldNumber,
  type ProtoEnum,
  type ProtoExtend,
  type ProtoExtensions,
  type ProtoField,
  type ProtoFile,
  type ProtoGroup,
  type ProtoMessage,
  type ProtoOneof,
  type ProtoOption,
  type ProtoRange,
  type ProtoRanges,
  type ProtoRpc,
  type ProtoService,
  type ProtoType,
} from '../model/proto-file.ts'
import { bracketedOptions, fieldOptions, indentedLines, optionText } from './option-text.ts'

/**
 * The canonical text of a file: the one that Confluent's registry stores, without comments, weak imports, and the order of
 * declarations of different kinds. It is also what a file of the same declarations has.
 */
export function protoText(file: ProtoFile): string {
  const imports = [
    ...file.imports.map((name) => `import "${name}";\n`),
    ...file.publicImports.map((name) => `import public "${name}";\n`),
  ]
  const sections = [
    imports,
    file.options.map(optionStatement),
    typeTexts(file.types),
    file.extends.map(extendText),
    file.services.map(serviceText),
  ]
  const head = [
    ...(file.syntax === null ? [] : [`syntax = "${file.syntax}";\n`]),
    ...(file.packageName === null ? [] : [`package ${file.packageName};\n`]),
  ]
  return [...head, ...sections.filter(({ length }) => length > 0).map((texts) => `\n${texts.join('')}`)].join('')
}

/** Messages come before enums. */
function typeTexts(types: readonly ProtoType[]): readonly string[] {
  const messages = types.filter((type) => type.kind === 'message')
  const enums = types.filter((type) => type.kind === 'enum')
  return [...messages.map(messageText), ...enums.map(enumText)]
}

function messageText(message: ProtoMessage): string {
  return block(`message ${message.name} {`, [
    message.reserved.map(reservedText),
    message.options.map(optionStatement),
    message.fields.map(fieldText),
    message.oneofs.map(oneofText),
    message.groups.map(groupText),
    message.extensions.map(extensionsText),
    message.extends.map(extendText),
    typeTexts(message.types),
  ])
}

function enumText(type: ProtoEnum): string {
  const constants = type.constants.map(
    ({ name, number, options }) => `${name} = ${number}${bracketedOptions(options)};\n`,
  )
  return block(`enum ${type.name} {`, [
    [...type.reserved.map(reservedText), ...type.options.map(optionStatement), ...constants],
  ])
}

function oneofText({ name, options, fields, groups }: ProtoOneof): string {
  return block(`oneof ${name} {`, [options.map(optionStatement), fields.map(fieldText), groups.map(groupText)])
}

function groupText({ label, name, number, fields }: ProtoGroup): string {
  return block(`${labelText(label)}group ${name} = ${number} {`, [fields.map(fieldText)])
}

function extendText({ name, fields }: ProtoExtend): string {
  return block(`extend ${name} {`, [fields.map(fieldText)])
}

function serviceText({ name, options, rpcs }: ProtoService): string {
  return block(`service ${name} {`, [options.map(optionStatement), rpcs.map(rpcText)])
}

function rpcText(rpc: ProtoRpc): string {
  const request = `${rpc.requestStreaming ? 'stream ' : ''}${rpc.requestType}`
  const response = `${rpc.responseStreaming ? 'stream ' : ''}${rpc.responseType}`
  const options = rpc.options.length === 0 ? '' : ` {\n${indented(rpc.options.map(optionStatement))}}`
  return `rpc ${rpc.name} (${request}) returns (${response})${options};\n`
}

function fieldText(field: ProtoField): string {
  const { label, type, name, number } = field
  return `${labelText(label)}${type} ${name} = ${number}${bracketedOptions(fieldOptions(field))};\n`
}

function labelText(label: string | null): string {
  return label === null ? '' : `${label} `
}

function reservedText({ values }: ProtoRanges): string {
  return `reserved ${values.map(rangeText).join(', ')};\n`
}

function extensionsText({ values, options }: ProtoExtensions): string {
  return `extensions ${values.map(rangeText).join(', ')}${bracketedOptions(options)};\n`
}

function rangeText(range: ProtoRange): string {
  if (typeof range === 'string') return `"${range}"`
  if (typeof range === 'number') return String(range)
  return `${range[0]} to ${range[1] < maxFieldNumber ? range[1] : 'max'}`
}

function optionStatement(option: ProtoOption): string {
  return `option ${optionText(option)};\n`
}

/** Declarations in braces. Each section begins a line; the first one ends the line of the brace. */
function block(head: string, sections: readonly (readonly string[])[]): string {
  const texts = sections.filter(({ length }) => length > 0).map((section) => `\n${indented(section)}`)
  return `${head}${texts.join('')}}\n`
}

/** Blank lines are indented, too. */
function indented(texts: readonly string[]): string {
  return texts.map((text) => `${indentedLines(text.slice(0, -1))}\n`).join('')
}

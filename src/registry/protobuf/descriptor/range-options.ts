import type { OptionValue, ProtoOption } from '../model/proto-file.ts'
import type { WireMessage, WireWriter } from './wire-message.ts'

const declarationField = 2
const verificationField = 3
const verifications = ['DECLARATION', 'UNVERIFIED']

/** The fields of `ExtensionRangeOptions.Declaration`. */
const declarationFields = [
  { name: 'number', field: 1, kind: 'number' },
  { name: 'full_name', field: 2, kind: 'string' },
  { name: 'type', field: 3, kind: 'string' },
  { name: 'reserved', field: 5, kind: 'boolean' },
  { name: 'repeated', field: 6, kind: 'boolean' },
] as const

/** The options of an extension range: its declarations, and whether they are verified. */
export function readRangeOptions(message: WireMessage): readonly ProtoOption[] {
  const declarations = message.messages(declarationField).map((declaration) => ({
    name: 'declaration',
    isExtension: false,
    value: declarationValue(declaration),
  }))
  const verification = verifications[message.number(verificationField) ?? -1]
  if (verification === undefined) return declarations
  return [...declarations, { name: 'verification', isExtension: false, value: { kind: 'enum', text: verification } }]
}

function declarationValue(message: WireMessage): OptionValue {
  const entries = new Map<string, OptionValue>()
  for (const { name, field, kind } of declarationFields) {
    if (!message.has(field)) continue
    if (kind === 'string') entries.set(name, { kind, text: message.text(field) ?? '' })
    else {
      const value = message.number(field) ?? 0
      entries.set(name, { kind, text: kind === 'boolean' ? String(value !== 0) : String(value) })
    }
  }
  return { kind: 'map', entries }
}

/** Writes what {@link readRangeOptions} reads. */
export function writeRangeOptions(writer: WireWriter, options: readonly ProtoOption[]): void {
  for (const { name, value } of options)
    if (name === 'declaration' && value.kind === 'map')
      writer.message(declarationField, (inner) => writeDeclaration(inner, value.entries))
  const verification = options.findLast(({ name }) => name === 'verification')?.value
  const place = verification?.kind === 'enum' ? verifications.indexOf(verification.text) : -1
  if (place >= 0) writer.number(verificationField, place)
}

function writeDeclaration(writer: WireWriter, entries: ReadonlyMap<string, OptionValue>): void {
  for (const { name, field, kind } of declarationFields) {
    const value = entries.get(name)
    if (value === undefined || !('text' in value)) continue
    if (kind === 'string') writer.text(field, value.text)
    else if (kind === 'boolean') writer.number(field, value.text === 'true')
    else if (/^\d{1,9}$/.test(value.text)) writer.number(field, Number(value.text))
  }
}

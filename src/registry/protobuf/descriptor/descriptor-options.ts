import type { OptionValue, ProtoOption } from '../model/proto-file.ts'
import { readMeta, writeMeta } from './confluent-meta.ts'
import type { WireMessage, WireWriter } from './wire-message.ts'

/** The names of the values by their numbers. */
type Values = readonly string[]

/** An option of a descriptor: its field, and its type; an enum by its values. */
interface OptionField {
  readonly name: string
  readonly field: number
  readonly type: 'string' | 'bool' | Values
  readonly isRepeated?: boolean
}

/** The options of a kind of descriptor, in the order in which Confluent's registry writes them. */
interface OptionTable {
  readonly options: readonly OptionField[]
  /** The name of Confluent's extension, whose field is the same in all; null: there is none. */
  readonly meta: string | null
}

const deprecated = (field: number): OptionField => ({ name: 'deprecated', field, type: 'bool' })
const text = (name: string, field: number): OptionField => ({ name, field, type: 'string' })
const flag = (name: string, field: number): OptionField => ({ name, field, type: 'bool' })

/** Options of Protobuf that Confluent's registry keeps, and Confluent's own. */
export const optionTables = {
  file: {
    options: [
      text('java_package', 1),
      text('java_outer_classname', 8),
      flag('java_multiple_files', 10),
      flag('java_generate_equals_and_hash', 20),
      flag('java_string_check_utf8', 27),
      { name: 'optimize_for', field: 9, type: ['', 'SPEED', 'CODE_SIZE', 'LITE_RUNTIME'] },
      text('go_package', 11),
      flag('cc_generic_services', 16),
      flag('java_generic_services', 17),
      flag('py_generic_services', 18),
      deprecated(23),
      flag('cc_enable_arenas', 31),
      text('objc_class_prefix', 36),
      text('csharp_namespace', 37),
      text('swift_prefix', 39),
      text('php_class_prefix', 40),
      text('php_namespace', 41),
      text('php_metadata_namespace', 44),
      text('ruby_package', 45),
    ],
    meta: 'confluent.file_meta',
  },
  message: {
    options: [flag('no_standard_descriptor_accessor', 2), deprecated(3), flag('map_entry', 7)],
    meta: 'confluent.message_meta',
  },
  field: {
    options: [
      { name: 'ctype', field: 1, type: ['STRING', 'CORD', 'STRING_PIECE'] },
      flag('packed', 2),
      { name: 'jstype', field: 6, type: ['JS_NORMAL', 'JS_STRING', 'JS_NUMBER'] },
      deprecated(3),
      flag('debug_redact', 16),
      { name: 'retention', field: 17, type: ['RETENTION_UNKNOWN', 'RETENTION_RUNTIME', 'RETENTION_SOURCE'] },
      {
        name: 'targets',
        field: 19,
        isRepeated: true,
        type: [
          'TARGET_TYPE_UNKNOWN',
          'TARGET_TYPE_FILE',
          'TARGET_TYPE_EXTENSION_RANGE',
          'TARGET_TYPE_MESSAGE',
          'TARGET_TYPE_FIELD',
          'TARGET_TYPE_ONEOF',
          'TARGET_TYPE_ENUM',
          'TARGET_TYPE_ENUM_ENTRY',
          'TARGET_TYPE_SERVICE',
          'TARGET_TYPE_METHOD',
        ],
      },
    ],
    meta: 'confluent.field_meta',
  },
  enum: { options: [flag('allow_alias', 2), deprecated(3)], meta: 'confluent.enum_meta' },
  constant: { options: [deprecated(1), flag('debug_redact', 3)], meta: 'confluent.enum_value_meta' },
  service: { options: [deprecated(33)], meta: null },
  method: {
    options: [
      deprecated(33),
      { name: 'idempotency_level', field: 34, type: ['IDEMPOTENCY_UNKNOWN', 'NO_SIDE_EFFECTS', 'IDEMPOTENT'] },
    ],
    meta: null,
  },
} as const satisfies Readonly<Record<string, OptionTable>>

/** The field of Confluent's extensions. */
const metaField = 1088

/** The options of a descriptor. Extensions that are not Confluent's have no names there. */
export function readOptions(message: WireMessage, { options, meta }: OptionTable): readonly ProtoOption[] {
  const read = options.flatMap((option) => valuesOf(message, option).map((value) => plainOption(option.name, value)))
  const metaOption = meta === null || !message.has(metaField) ? null : readMeta(meta, message.message(metaField))
  return metaOption === null ? read : [...read, metaOption]
}

function plainOption(name: string, value: OptionValue): ProtoOption {
  return { name, isExtension: false, value }
}

function valuesOf(message: WireMessage, { field, type, isRepeated = false }: OptionField): readonly OptionValue[] {
  if (type === 'string')
    return message
      .texts(field)
      .slice(-1)
      .map((value) => ({ kind: 'string', text: value }))
  const numbers = isRepeated ? message.numbers(field) : message.numbers(field).slice(-1)
  if (type === 'bool') return numbers.map((value) => ({ kind: 'boolean', text: String(value !== 0) }))
  return numbers.flatMap((value) => (type[value] === undefined ? [] : [{ kind: 'enum', text: type[value] }]))
}

/** Writes the options that a descriptor has fields for. */
export function writeOptions(writer: WireWriter, given: readonly ProtoOption[], { options, meta }: OptionTable): void {
  for (const option of options.toSorted((a, b) => a.field - b.field)) writeOption(writer, option, given)
  if (meta !== null)
    writeMeta(
      writer,
      metaField,
      given.filter(({ name }) => name === meta || name === `.${meta}`),
    )
}

function writeOption(
  writer: WireWriter,
  { name, field, type, isRepeated = false }: OptionField,
  given: readonly ProtoOption[],
): void {
  const texts = given.flatMap((option) => (option.name === name && 'text' in option.value ? [option.value.text] : []))
  for (const value of isRepeated ? texts : texts.slice(-1)) {
    if (type === 'string') writer.text(field, value)
    else if (type === 'bool') writer.number(field, value.toLowerCase() === 'true')
    else if (type.includes(value)) writer.number(field, type.indexOf(value))
  }
}

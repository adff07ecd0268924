import protobuf from 'protobufjs'
import { checkParts, DataError, errorMessage, isJsonObject, type JsonValue, type SchemaText } from 'penstock/api'

import type { Label, ProtobufSchema, ProtoEnum, ProtoField, ProtoMessage, ProtoOneof, Scalar } from '../proto-types.ts'
import { mapEntryName } from '../names.ts'
import { knownProtos } from './known-protos.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type OpenField = Mutable<ProtoField>

/** A field whose type is known by its name only, and the full name of the message in which the name is used. */
interface Unlinked {
  readonly field: OpenField
  readonly typeName: string
  readonly scope: string
}

const scalars: ReadonlySet<string> = new Set<Scalar>([
  'double',
  'float',
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'fixed32',
  'fixed64',
  'sfixed32',
  'sfixed64',
  'bool',
  'string',
  'bytes',
])
const fieldMeta = /^\(\.?confluent\.field_meta\)$/
/** The parser keeps names in objects, of which this would set the prototype. */
const prototype = '__proto__'
const syntaxLine = /^(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*(syntax|edition)\s*=\s*["']([^"']*)["']/

/**
 * Parses a Protobuf schema. Its first message type is the one that is meant.
 * @throws DataError if it is invalid, has no message type, or refers to types that are not there
 */
export function parseProto(text: SchemaText): ProtobufSchema {
  try {
    return new ProtoFiles(text).schema()
  } catch (error) {
    if (error instanceof DataError) throw error
    const why = error instanceof RangeError ? 'it is nested too deeply' : errorMessage(error)
    throw invalid(why, error)
  }
}

function invalid(why: string, cause?: unknown): DataError {
  return new DataError(`the schema is not a Protobuf schema that can be used: ${why}`, {
    cause,
    code: 'PROTOBUF_SCHEMA_INVALID',
  })
}

/** A file of a schema, with the files that it imports, directly or not. */
class ProtoFiles {
  readonly #references: ReadonlyMap<string, string>
  readonly #types = new Map<string, ProtoMessage | ProtoEnum>()
  readonly #unlinked: Unlinked[] = []
  readonly #read = new Set<string>()
  readonly #messages: readonly ProtoMessage[]
  #parts = 0

  constructor({ text, references }: SchemaText) {
    this.#references = new Map(references.map((reference) => [reference.name, reference.text]))
    this.#messages = this.#file(text)
    for (const reference of references) this.#import(reference.name)
    for (const each of this.#unlinked) this.#link(each)
  }

  schema(): ProtobufSchema {
    const [message] = this.#messages
    if (message === undefined) throw invalid('it defines no message type')
    return { messages: this.#messages, message, indexes: [0] }
  }

  #import(name: string): void {
    if (this.#read.has(name)) return
    this.#read.add(name)
    // An import that is unknown may be of options only: a type that is missing is an error where it is used.
    const text = this.#references.get(name) ?? knownProtos.get(name)
    if (text !== undefined) this.#file(text)
  }

  #file(given: string): readonly ProtoMessage[] {
    const substitute = substituteFor(given)
    const text = given.replaceAll(prototype, substitute)
    const { root, package: packageName, imports = [], weakImports = [] } = protobuf.parse(text, { keepCase: true })
    const [, kind, version = 'proto2'] = syntaxLine.exec(text) ?? []
    const syntax = kind === 'edition' ? 'edition' : version
    const name = (of: string): string => of.replaceAll(substitute, prototype)
    const file = new FileReader({ syntax, name, types: this.#types, unlinked: this.#unlinked })
    let space: protobuf.NamespaceBase = root
    for (const part of packageName?.split('.') ?? []) {
      const inner = space.nestedArray.find((nested) => nested.name === part)
      if (inner instanceof protobuf.Namespace) space = inner
    }
    const messages = file.messages(space, packageName === undefined ? '' : name(packageName))
    this.#parts += file.parts
    checkParts(this.#parts)
    for (const imported of [...imports, ...weakImports]) this.#import(imported)
    return messages
  }

  #link({ field, typeName, scope }: Unlinked): void {
    const type = typeName.startsWith('.') ? this.#types.get(typeName.slice(1)) : this.#resolve(typeName, scope)
    if (type === undefined)
      throw invalid(
        `"${scope}" has the field "${field.name}" of the unknown type "${typeName}". The schema that defines it must be one of the references`,
      )
    field.type = type
    if (type.kind === 'enum') return
    field.isPacked = false
  }

  /** Looks a name up in the innermost scope first. */
  #resolve(typeName: string, scope: string): ProtoMessage | ProtoEnum | undefined {
    for (let around = scope; around !== ''; around = around.slice(0, Math.max(0, around.lastIndexOf('.')))) {
      const type = this.#types.get(`${around}.${typeName}`)
      if (type !== undefined) return type
    }
    return this.#types.get(typeName)
  }
}

interface FileContext {
  readonly syntax: string
  readonly name: (of: string) => string
  readonly types: Map<string, ProtoMessage | ProtoEnum>
  readonly unlinked: Unlinked[]
}

/** Takes over what the parser made of one file. */
class FileReader {
  readonly #context: FileContext
  parts = 0

  constructor(context: FileContext) {
    this.#context = context
  }

  /** The message types of a namespace or a message, without groups, which are part of their field. */
  messages(space: protobuf.NamespaceBase, scope: string): readonly ProtoMessage[] {
    const found: ProtoMessage[] = []
    for (const nested of space.nestedArray) {
      this.parts += 1
      if (nested instanceof protobuf.Enum) this.#enum(nested, scope)
      else if (nested instanceof protobuf.Type) {
        const message = this.#message(nested, scope)
        if (!isGroup(nested)) found.push(message)
      }
    }
    return found
  }

  #define<T extends ProtoMessage | ProtoEnum>(type: T): T {
    const { types } = this.#context
    if (types.has(type.fullName)) throw invalid(`"${type.fullName}" is defined twice`)
    types.set(type.fullName, type)
    return type
  }

  #enum(given: protobuf.Enum, scope: string): void {
    const name = this.#context.name(given.name)
    const values = Object.entries(given.values).map(([symbol, number]) => [this.#context.name(symbol), number] as const)
    const isOpen = this.#feature(given, 'enum_type', this.#context.syntax === 'proto2' ? 'CLOSED' : 'OPEN') !== 'CLOSED'
    this.#define({ kind: 'enum', name, fullName: within(scope, name), values: new Map(values), isOpen })
  }

  #message(given: protobuf.Type, scope: string): ProtoMessage {
    const name = this.#context.name(given.name)
    const fields: ProtoField[] = []
    const oneofs: ProtoOneof[] = []
    const nested: ProtoMessage[] = []
    const message = this.#define({
      kind: 'message',
      name,
      fullName: within(scope, name),
      fields,
      oneofs,
      nested,
    } as const)
    const byOneof = new Map<protobuf.OneOf, Mutable<ProtoOneof> & { readonly fields: ProtoField[] }>()
    for (const oneof of given.oneofsArray) {
      if (oneof.isProto3Optional) continue
      const own = { name: this.#context.name(oneof.name), index: oneofs.length, fields: [] }
      byOneof.set(oneof, own)
      oneofs.push(own)
    }
    for (const field of given.fieldsArray) {
      // A field that extends another message is none of this one.
      if (field.extend !== undefined || field.declaringField !== null) continue
      this.parts += 1
      const oneof = (field.partOf === null ? null : byOneof.get(field.partOf)) ?? null
      const own = this.#field(field, message, oneof)
      fields.push(own)
      oneof?.fields.push(own)
    }
    nested.push(...this.messages(given, message.fullName))
    return message
  }

  #field(given: protobuf.Field, { fullName }: ProtoMessage, oneof: ProtoOneof | null): ProtoField {
    const { name: nameOf, syntax, unlinked } = this.#context
    const options: unknown = given.parsedOptions
    const typeName = nameOf(given.type)
    const label = this.#label(given, oneof)
    const packs = syntax === 'proto2' ? 'EXPANDED' : 'PACKED'
    const field: OpenField = {
      name: nameOf(given.name),
      number: given.id,
      label,
      type: scalars.has(typeName) ? (typeName as Scalar) : 'bytes',
      isProto2: syntax === 'proto2',
      isGroup: this.#isDelimited(given),
      isPacked:
        label === 'repeated' &&
        typeName !== 'string' &&
        typeName !== 'bytes' &&
        (optionOf(options, 'packed') ?? this.#feature(given, 'repeated_field_encoding', packs) !== 'EXPANDED') === true,
      oneof,
      params: paramsOf(options, nameOf),
      defaultValue: optionOf(options, 'default'),
    }
    if (given instanceof protobuf.MapField) this.#entries(field, given, fullName)
    else if (!scalars.has(typeName)) unlinked.push({ field, typeName, scope: fullName })
    return field
  }

  /** A map is a repeated message with a key and a value. */
  #entries(field: OpenField, given: protobuf.MapField, scope: string): void {
    const member = (name: string, number: number, type: string): OpenField => ({
      ...field,
      name,
      number,
      label: 'implicit',
      isPacked: false,
      isGroup: false,
      params: new Map(),
      type: scalars.has(type) ? (type as Scalar) : 'bytes',
    })
    const [key, value] = [member('key', 1, given.keyType), member('value', 2, this.#context.name(given.type))]
    const valueType = this.#context.name(given.type)
    if (!scalars.has(valueType)) this.#context.unlinked.push({ field: value, typeName: valueType, scope })
    const name = mapEntryName(field.name)
    field.label = 'repeated'
    field.isPacked = false
    field.type = { kind: 'message', name, fullName: within(scope, name), fields: [key, value], oneofs: [], nested: [] }
  }

  #label(given: protobuf.Field, oneof: ProtoOneof | null): Label {
    if (given.repeated) return 'repeated'
    // What the parser has as `required` is known after it has resolved the types only.
    if (given.rule === 'required') return 'required'
    const { syntax } = this.#context
    if (oneof !== null || syntax === 'proto2' || given.options?.['proto3_optional'] === true) return 'optional'
    if (syntax === 'proto3') return 'implicit'
    const presence = this.#feature(given, 'field_presence', 'EXPLICIT')
    return presence === 'LEGACY_REQUIRED' ? 'required' : presence === 'IMPLICIT' ? 'implicit' : 'optional'
  }

  #isDelimited(given: protobuf.Field): boolean {
    const parent: unknown = given.parent
    const group = parent instanceof protobuf.Type ? parent.nested?.[given.type] : undefined
    if (group instanceof protobuf.Type && isGroup(group)) return true
    return this.#feature(given, 'message_encoding', 'LENGTH_PREFIXED') === 'DELIMITED'
  }

  /** A feature of an edition: that of a type or file counts for all that is in it. */
  #feature(given: protobuf.ReflectionObject, name: string, otherwise: string): string {
    if (this.#context.syntax !== 'edition') return otherwise
    for (let object: protobuf.ReflectionObject | null = given; object !== null; object = object.parent) {
      const value = Reflect.get(Object(object.options?.['features']), name) as unknown
      if (typeof value === 'string') return value
    }
    return otherwise
  }
}

/** The types of the parser do not have this. */
function isGroup(type: protobuf.Type): boolean {
  return Reflect.get(type, 'group') === true
}

/** Returns a name that is not in a text. */
function substituteFor(text: string): string {
  for (let substitute = 'proto_of_text'; ; substitute += '_') if (!text.includes(substitute)) return substitute
}

function within(scope: string, name: string): string {
  return scope === '' ? name : `${scope}.${name}`
}

/** Options are a list of objects with one member each. */
function optionOf(options: unknown, name: string): unknown {
  if (!Array.isArray(options)) return undefined
  const all = options as readonly JsonValue[]
  const found = all.find((option) => isJsonObject(option) && Object.hasOwn(option, name))
  return found === undefined ? undefined : (found as Readonly<Record<string, unknown>>)[name]
}

function paramsOf(options: unknown, nameOf: (of: string) => string): ReadonlyMap<string, string> {
  const params = new Map<string, string>()
  for (const option of Array.isArray(options) ? (options as readonly JsonValue[]) : []) {
    if (!isJsonObject(option)) continue
    for (const [name, meta] of Object.entries(option)) {
      if (!fieldMeta.test(name) || !isJsonObject(meta)) continue
      const listed = meta['params']
      for (const param of Array.isArray(listed) ? (listed as readonly JsonValue[]) : [listed]) {
        if (!isJsonObject(param)) continue
        const { key, value } = param
        if (typeof key === 'string') params.set(nameOf(key), nameOf(String(value)))
      }
    }
  }
  return params
}

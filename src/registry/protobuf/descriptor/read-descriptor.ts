import type {
  ProtoEnum,
  ProtoExtend,
  ProtoField,
  ProtoFile,
  ProtoLabel,
  ProtoMessage,
  ProtoOneof,
  ProtoRange,
  ProtoRanges,
  ProtoService,
} from '../model/proto-file.ts'
import { maxNesting } from '../parse/parse-proto.ts'
import { ProtobufError } from '../parse/proto-reader.ts'
import { optionTables, readOptions } from './descriptor-options.ts'
import { labelNumbers, scalarNumbers } from './field-types.ts'
import { readRangeOptions } from './range-options.ts'
import { WireMessage } from './wire-message.ts'

const labels = new Map(Object.entries(labelNumbers).map(([label, number]) => [number, label as ProtoLabel]))
const scalars = new Map([...scalarNumbers].map(([name, number]) => [number, name]))

/**
 * The file of a `FileDescriptorProto`, which clients in other languages than Java register. Names of types are full; the entries of
 * maps are messages. Options that are extensions have no names in a descriptor and are left out, but for Confluent's.
 * @throws ProtobufError
 */
export function readDescriptor(bytes: Uint8Array): ProtoFile {
  const message = new WireMessage(bytes)
  const syntax = message.text(12) ?? ''
  if (syntax !== '' && syntax !== 'proto2' && syntax !== 'proto3')
    throw new ProtobufError(`the syntax "${syntax}" of the descriptor is not supported: use "proto2" or "proto3"`)
  const imports = message.texts(3)
  const [publicPlaces, weakPlaces] = [new Set(message.numbers(10)), new Set(message.numbers(11))]
  const reader = new DescriptorReader(syntax === 'proto3')
  return {
    syntax: syntax === '' ? null : syntax,
    packageName: message.text(2) === '' ? null : message.text(2),
    imports: imports.filter((_name, at) => !publicPlaces.has(at) && !weakPlaces.has(at)),
    publicImports: imports.filter((_name, at) => publicPlaces.has(at)),
    weakImports: imports.filter((_name, at) => !publicPlaces.has(at) && weakPlaces.has(at)),
    options: readOptions(message.message(8), optionTables.file),
    types: [...message.messages(4).map((type) => reader.message(type, 0)), ...message.messages(5).map(readEnum)],
    extends: reader.extends(message.messages(7)),
    services: message.messages(6).map(readService),
  }
}

class DescriptorReader {
  readonly #isProto3: boolean

  constructor(isProto3: boolean) {
    this.#isProto3 = isProto3
  }

  message(message: WireMessage, depth: number): ProtoMessage {
    if (depth > maxNesting) throw new ProtobufError(`messages are nested more than ${maxNesting} deep`)
    const fields: ProtoField[] = []
    const oneofs = message.messages(8).map((oneof) => ({ name: nameOf(oneof), fields: [] as ProtoField[] }))
    for (const field of message.messages(2)) {
      const place = field.number(9)
      const isPresence = field.number(17) === 1
      const list = place === null || isPresence ? fields : oneofs[place]?.fields
      if (list === undefined) throw new ProtobufError(`the field ${nameOf(field)} is in a oneof that is not there`)
      list.push(this.#field(field, list !== fields))
    }
    return {
      kind: 'message',
      name: nameOf(message),
      reserved: [...rangesOf(message.messages(9), true), ...message.texts(10).map((name) => ({ values: [name] }))],
      options: readOptions(message.message(7), optionTables.message),
      fields,
      oneofs: oneofs
        .filter((oneof) => oneof.fields.length > 0)
        .map((oneof): ProtoOneof => ({ name: oneof.name, options: [], fields: oneof.fields, groups: [] })),
      groups: [],
      extensions: message.messages(5).map((range) => ({
        values: [rangeOf(range, true)],
        options: readRangeOptions(range.message(3)),
      })),
      extends: this.extends(message.messages(6)),
      types: [
        ...message.messages(3).map((type) => this.message(type, depth + 1)),
        ...message.messages(4).map(readEnum),
      ],
    }
  }

  /** Extensions of one message are together. */
  extends(fields: readonly WireMessage[]): readonly ProtoExtend[] {
    const byMessage = new Map<string, ProtoField[]>()
    for (const field of fields) {
      const name = field.text(2) ?? ''
      const known = byMessage.get(name) ?? []
      byMessage.set(name, known)
      known.push(this.#field(field, false))
    }
    return [...byMessage].map(([name, all]) => ({ name, fields: all }))
  }

  #field(field: WireMessage, isInOneof: boolean): ProtoField {
    return {
      label: isInOneof ? null : this.#label(field),
      type: field.text(6) ?? scalars.get(field.number(5) ?? 0) ?? '',
      name: nameOf(field),
      number: field.number(3) ?? 0,
      defaultValue: this.#isProto3 ? null : field.text(7),
      jsonName: field.text(10),
      options: readOptions(field.message(8), optionTables.field),
    }
  }

  #label(field: WireMessage): ProtoLabel | null {
    if (field.number(17) === 1) return 'optional'
    const label = labels.get(field.number(4) ?? labelNumbers.optional) ?? 'optional'
    return this.#isProto3 && label !== 'repeated' ? null : label
  }
}

function nameOf(message: WireMessage): string {
  return message.text(1) ?? ''
}

function readEnum(message: WireMessage): ProtoEnum {
  return {
    kind: 'enum',
    name: nameOf(message),
    reserved: [...rangesOf(message.messages(4), false), ...message.texts(5).map((name) => ({ values: [name] }))],
    options: readOptions(message.message(3), optionTables.enum),
    constants: message.messages(2).map((constant) => ({
      name: nameOf(constant),
      number: constant.number(2) ?? 0,
      options: readOptions(constant.message(3), optionTables.constant),
    })),
  }
}

function readService(message: WireMessage): ProtoService {
  return {
    name: nameOf(message),
    options: readOptions(message.message(3), optionTables.service),
    rpcs: message.messages(2).map((rpc) => ({
      name: nameOf(rpc),
      requestType: rpc.text(2) ?? '',
      requestStreaming: rpc.number(5) === 1,
      responseType: rpc.text(3) ?? '',
      responseStreaming: rpc.number(6) === 1,
      options: readOptions(rpc.message(4), optionTables.method),
    })),
  }
}

function rangesOf(messages: readonly WireMessage[], isExclusive: boolean): readonly ProtoRanges[] {
  return messages.map((range) => ({ values: [rangeOf(range, isExclusive)] }))
}

function rangeOf(message: WireMessage, isExclusive: boolean): ProtoRange {
  const first = message.number(1) ?? 0
  const last = (message.number(2) ?? 0) - (isExclusive ? 1 : 0)
  return first === last ? first : [first, last]
}

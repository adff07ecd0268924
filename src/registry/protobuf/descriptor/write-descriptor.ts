import {
  isScalar,
  mapTypes,
  type ProtoEnum,
  type ProtoExtend,
  type ProtoExtensions,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  type ProtoRange,
  type ProtoService,
  type ProtoType,
} from '../model/proto-file.ts'
import type { ProtoScope, ProtoTypes } from '../model/proto-types.ts'
import { optionTables, writeOptions } from './descriptor-options.ts'
import { enumType, labelNumbers, messageType, scalarNumbers } from './field-types.ts'
import { writeRangeOptions } from './range-options.ts'
import { WireWriter } from './wire-message.ts'

/** The name that Confluent's registry gives a file. */
const fileName = 'default'

/**
 * The `FileDescriptorProto` of a file, as Confluent's registry makes it: the types of fields have the names that the text has, groups
 * and options of other extensions than Confluent's are left out.
 * @param isKnownFile whether an import is there
 */
export function writeDescriptor(file: ProtoFile, types: ProtoTypes, isKnownFile: (name: string) => boolean): Buffer {
  return new DescriptorWriter(file, types).file(isKnownFile)
}

class DescriptorWriter {
  readonly #file: ProtoFile
  readonly #types: ProtoTypes

  constructor(file: ProtoFile, types: ProtoTypes) {
    this.#file = file
    this.#types = types
  }

  file(isKnownFile: (name: string) => boolean): Buffer {
    const { syntax, packageName, imports, publicImports, types, services, options } = this.#file
    const { scope } = this.#types
    const dependencies = [...new Set([...imports, ...publicImports].filter((name) => isKnownFile(name)))]
    const writer = new WireWriter()
    writer.text(1, fileName)
    writer.text(2, packageName)
    writer.texts(3, dependencies)
    this.#messages(writer, 4, types, scope)
    writeEnums(writer, 5, types)
    for (const service of services) writer.message(6, (inner) => writeService(inner, service))
    this.#extensions(writer, 7, this.#file.extends, scope)
    writer.messageIfAny(8, (inner) => writeOptions(inner, options, optionTables.file))
    for (const name of publicImports) if (isKnownFile(name)) writer.number(10, dependencies.indexOf(name))
    writer.text(12, syntax)
    return writer.finish()
  }

  #messages(writer: WireWriter, field: number, types: readonly ProtoType[], scope: ProtoScope): void {
    for (const type of types)
      if (type.kind === 'message') writer.message(field, (inner) => this.#message(inner, type, scope.child(type.name)))
  }

  #message(writer: WireWriter, message: ProtoMessage, scope: ProtoScope): void {
    // Fields of oneofs come first; the oneofs of optional fields of proto3 come after the others.
    const inOneofs = message.oneofs.flatMap((oneof, index) => oneof.fields.map((field) => ({ field, index })))
    const presence = new Map(
      message.fields
        .filter(({ label }) => label === 'optional' && this.#file.syntax === 'proto3')
        .map((field, index) => [field, message.oneofs.length + index]),
    )
    writer.text(1, message.name)
    for (const { field, index } of inOneofs)
      writer.message(2, (inner) => this.#field(inner, { ...field, label: 'optional' }, scope, { oneof: index }))
    for (const field of message.fields) {
      const oneof = presence.get(field) ?? null
      writer.message(2, (inner) => {
        this.#field(inner, field, scope, { oneof })
        if (oneof !== null) inner.number(17, true)
      })
    }
    this.#messages(writer, 3, message.types, scope)
    for (const field of message.fields) this.#mapEntry(writer, field, scope)
    writeEnums(writer, 4, message.types)
    for (const statement of message.extensions) writeExtensionRanges(writer, statement)
    this.#extensions(writer, 6, message.extends, scope)
    writer.messageIfAny(7, (inner) => writeOptions(inner, message.options, optionTables.message))
    for (const name of [
      ...message.oneofs.map((oneof) => oneof.name),
      ...[...presence.keys()].map((field) => `_${field.name}`),
    ])
      writer.message(8, (inner) => {
        inner.text(1, name)
        inner.message(2, () => undefined)
      })
    writeReserved(
      writer,
      message.reserved.flatMap(({ values }) => values),
      { ranges: 9, names: 10, isExclusive: true },
    )
  }

  #mapEntry(writer: WireWriter, field: ProtoField, scope: ProtoScope): void {
    const map = mapTypes(field.type)
    if (map === null) return
    const part = (name: string, number: number, type: string): ProtoField => ({
      label: null,
      type,
      name,
      number,
      defaultValue: null,
      jsonName: null,
      options: [],
    })
    writer.message(3, (entry) => {
      entry.text(1, mapEntryName(field.name))
      for (const one of [part('key', 1, map.key), part('value', 2, map.value)])
        entry.message(2, (inner) => this.#field(inner, one, scope, {}))
      entry.message(7, (options) => options.number(7, true))
    })
  }

  #extensions(writer: WireWriter, field: number, declarations: readonly ProtoExtend[], scope: ProtoScope): void {
    for (const { name, fields } of declarations)
      for (const one of fields) writer.message(field, (inner) => this.#field(inner, one, scope, { extendee: name }))
  }

  #field(
    writer: WireWriter,
    field: ProtoField,
    scope: ProtoScope,
    { oneof = null, extendee = null }: { readonly oneof?: number | null; readonly extendee?: string | null },
  ): void {
    const isMap = mapTypes(field.type) !== null
    const type = isMap ? mapEntryName(field.name) : field.type
    const label = isMap ? 'repeated' : field.label
    writer.text(1, field.name)
    writer.text(2, extendee)
    writer.number(3, field.number)
    writer.number(4, label === null ? null : labelNumbers[label])
    if (isScalar(type)) writer.number(5, scalarNumbers.get(type) ?? null)
    else {
      // Confluent leaves out that the entry of a map is a message: readers find out by its name.
      const kind = isMap ? null : this.#types.type(type, scope)?.type.kind
      if (kind !== null) writer.number(5, kind === 'enum' ? enumType : messageType)
      writer.text(6, type)
    }
    writer.text(7, field.defaultValue)
    writer.messageIfAny(8, (inner) => writeOptions(inner, field.options, optionTables.field))
    writer.number(9, oneof)
    writer.text(10, field.jsonName)
  }
}

/** Guava's `LOWER_UNDERSCORE.to(UPPER_CAMEL)` of names with a line below, as Confluent's registry makes them. */
function mapEntryName(name: string): string {
  if (!name.includes('_')) return `${name}Entry`
  const words = name.split('_').map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase())
  return `${words.join('')}Entry`
}

function writeEnums(writer: WireWriter, field: number, types: readonly ProtoType[]): void {
  for (const type of types) if (type.kind === 'enum') writer.message(field, (inner) => writeEnum(inner, type))
}

function writeEnum(writer: WireWriter, type: ProtoEnum): void {
  writer.text(1, type.name)
  for (const { name, number, options } of type.constants)
    writer.message(2, (inner) => {
      inner.text(1, name)
      inner.number(2, number)
      inner.messageIfAny(3, (own) => writeOptions(own, options, optionTables.constant))
    })
  writer.messageIfAny(3, (inner) => writeOptions(inner, type.options, optionTables.enum))
  writeReserved(
    writer,
    type.reserved.flatMap(({ values }) => values),
    { ranges: 4, names: 5, isExclusive: false },
  )
}

function writeReserved(
  writer: WireWriter,
  values: readonly ProtoRange[],
  { ranges, names, isExclusive }: { readonly ranges: number; readonly names: number; readonly isExclusive: boolean },
): void {
  for (const value of values)
    if (typeof value !== 'string') writer.message(ranges, (inner) => writeRange(inner, value, isExclusive))
  for (const value of values) if (typeof value === 'string') writer.text(names, value)
}

/** @param isExclusive whether the end is the number after the last one */
function writeRange(writer: WireWriter, value: number | readonly [number, number], isExclusive: boolean): void {
  const [first, last] = typeof value === 'number' ? [value, value] : value
  writer.number(1, first)
  writer.number(2, isExclusive ? last + 1 : last)
}

function writeExtensionRanges(writer: WireWriter, { values, options }: ProtoExtensions): void {
  for (const value of values)
    if (typeof value !== 'string')
      writer.message(5, (inner) => {
        writeRange(inner, value, true)
        inner.message(3, (own) => writeRangeOptions(own, options))
      })
}

function writeService(writer: WireWriter, service: ProtoService): void {
  writer.text(1, service.name)
  for (const rpc of service.rpcs)
    writer.message(2, (inner) => {
      inner.text(1, rpc.name)
      inner.text(2, rpc.requestType)
      inner.text(3, rpc.responseType)
      inner.messageIfAny(4, (own) => writeOptions(own, rpc.options, optionTables.method))
      inner.number(5, rpc.requestStreaming)
      inner.number(6, rpc.responseStreaming)
    })
  writer.messageIfAny(3, (inner) => writeOptions(inner, service.options, optionTables.service))
}

import { ProtobufError } from '../parse/proto-reader.ts'
import {
  maxFieldNumber,
  type ProtoEnum,
  type ProtoExtend,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  type ProtoRanges,
  type ProtoType,
} from './proto-file.ts'
import { namedType, type ProtoScope, type ProtoTypes } from './proto-types.ts'

const firstImplementationNumber = 19_000
const lastImplementationNumber = 19_999

/**
 * Checks what the text of a file cannot show by itself: that names and numbers are there once, and that what they refer to exists.
 * @throws ProtobufError
 */
export function checkProto(file: ProtoFile, types: ProtoTypes, isKnownFile: (name: string) => boolean): void {
  for (const name of [...file.imports, ...file.publicImports])
    if (!isKnownFile(name))
      throw new ProtobufError(
        `the import "${name}" is missing: register it under a subject and add a reference with this name`,
      )
  new ProtoChecker(types).file(file)
}

class ProtoChecker {
  readonly #types: ProtoTypes

  constructor(types: ProtoTypes) {
    this.#types = types
  }

  file(file: ProtoFile): void {
    const { scope } = this.#types
    checkOnce('the file', 'name', [...file.types, ...file.services].map(nameOf))
    this.#declarations(file.types, scope)
    for (const extend of file.extends) this.#extend(extend, scope)
    for (const service of file.services) {
      checkOnce(`the service ${service.name}`, 'rpc', service.rpcs.map(nameOf))
      for (const { requestType, responseType } of service.rpcs) {
        this.#resolve(requestType, scope)
        this.#resolve(responseType, scope)
      }
    }
  }

  #declarations(types: readonly ProtoType[], scope: ProtoScope): void {
    for (const type of types)
      if (type.kind === 'enum') checkEnum(type)
      else this.#message(type, scope.child(type.name))
  }

  #message(message: ProtoMessage, scope: ProtoScope): void {
    const where = `the message ${message.name}`
    const fields = [...message.fields, ...message.oneofs.flatMap((oneof) => oneof.fields)]
    const groups = [...message.groups, ...message.oneofs.flatMap((oneof) => oneof.groups)]
    const members = [...fields, ...groups]
    checkOnce(where, 'name', [...fields, ...groups, ...message.oneofs, ...message.types].map(nameOf))
    checkOnce(
      where,
      'number',
      members.map(({ number }) => number),
    )
    const isReserved = reservedBy(message.reserved)
    for (const member of members) {
      checkNumber(where, member)
      if (isReserved(member.number) || isReserved(member.name))
        throw new ProtobufError(`${where} reserves the name or the number of its field ${member.name}`)
    }
    for (const field of [...fields, ...groups.flatMap((group) => group.fields)]) this.#field(field, scope)
    for (const extend of message.extends) this.#extend(extend, scope)
    this.#declarations(message.types, scope)
  }

  #extend({ name, fields }: ProtoExtend, scope: ProtoScope): void {
    this.#resolve(name, scope)
    for (const field of fields) {
      checkNumber(`the extension of ${name}`, field)
      this.#field(field, scope)
    }
  }

  #field({ type }: ProtoField, scope: ProtoScope): void {
    const name = namedType(type)
    if (name !== null) this.#resolve(name, scope)
  }

  #resolve(name: string, scope: ProtoScope): void {
    if (this.#types.type(name, scope) === null) throw new ProtobufError(`Could not resolve type: ${name}`)
  }
}

function checkEnum(type: ProtoEnum): void {
  const where = `the enum ${type.name}`
  checkOnce(where, 'name', type.constants.map(nameOf))
  const isReserved = reservedBy(type.reserved)
  for (const { name, number } of type.constants)
    if (isReserved(name) || isReserved(number))
      throw new ProtobufError(`${where} reserves the name or the number of its constant ${name}`)
  const alias = type.options.findLast(({ name }) => name === 'allow_alias')?.value
  if (alias?.kind === 'boolean' && alias.text === 'true') return
  checkOnce(
    where,
    'number',
    type.constants.map(({ number }) => number),
  )
}

function checkNumber(where: string, { name, number }: { readonly name: string; readonly number: number }): void {
  if (number < 1 || number > maxFieldNumber)
    throw new ProtobufError(
      `${where}: the number ${number} of the field ${name} is not between 1 and ${maxFieldNumber}`,
    )
  if (number >= firstImplementationNumber && number <= lastImplementationNumber)
    throw new ProtobufError(
      `${where}: the number ${number} of the field ${name} is reserved for Protobuf itself, as all from ${firstImplementationNumber} to ${lastImplementationNumber}`,
    )
}

function checkOnce(where: string, what: string, values: readonly (string | number)[]): void {
  const seen = new Set<string | number>()
  for (const value of values) {
    if (seen.has(value)) throw new ProtobufError(`${where} has the ${what} ${value} twice`)
    seen.add(value)
  }
}

function nameOf({ name }: { readonly name: string }): string {
  return name
}

/** Whether a statement reserves a name or a number. */
function reservedBy(statements: readonly ProtoRanges[]): (value: string | number) => boolean {
  const values = statements.flatMap((statement) => statement.values)
  const names = new Set(values.filter((value) => typeof value === 'string'))
  const ranges = mergedRanges(values.flatMap((value) => (typeof value === 'string' ? [] : [rangeOf(value)])))
  return (value) => {
    if (typeof value === 'string') return names.has(value)
    // The last range that begins at the number or before it.
    let [low, high] = [0, ranges.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ranges[middle]?.[0] ?? 0) <= value) low = middle + 1
      else high = middle
    }
    return value <= (ranges[low - 1]?.[1] ?? Number.NEGATIVE_INFINITY)
  }
}

function rangeOf(value: number | readonly [number, number]): readonly [number, number] {
  return typeof value === 'number' ? [value, value] : value
}

/** Ascending, none within another one. */
function mergedRanges(ranges: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  const merged: (readonly [number, number])[] = []
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const before = merged.at(-1)
    if (before !== undefined && first <= before[1]) merged[merged.length - 1] = [before[0], Math.max(before[1], last)]
    else merged.push([first, last])
  }
  return merged
}

import { isScalar, mapTypes, type ProtoMessage, type ProtoType } from '../model/proto-file.ts'
import { mapOf, type ProtoScope, type ProtoTypes, type TypeInfo } from '../model/proto-types.ts'
import { membersOf, movedIntoOneofs, removedOneofs, type Member } from './message-members.ts'
import type { DifferenceType, ProtobufDifference } from './protobuf-difference.ts'

/** A schema that is compared. */
export interface ComparedProto {
  readonly packageName: string | null
  readonly types: readonly ProtoType[]
  readonly known: ProtoTypes
}

/** Of each pair of messages (I10). */
const maxDifferences = 100
/** Of one comparison: it runs in the thread that serves requests. */
const maxCompares = 200_000

/** Of schemas that are too large. */
class TooManyComparisonsError extends Error {
  override readonly name = 'TooManyComparisonsError'
}

/**
 * Returns the differences for which the update may not read data of the original; empty when it can. The rules are those of
 * Confluent's registry: what its `SchemaDiff` counts as compatible is left out.
 * @throws TooManyComparisonsError
 */
export function protobufDifferences(original: ComparedProto, update: ComparedProto): readonly ProtobufDifference[] {
  return new ProtobufComparison(original, update).differences()
}

/** Where a comparison is: the same place in both schemas. */
interface Place {
  readonly path: readonly (string | number)[]
  readonly original: ProtoScope
  readonly update: ProtoScope
}

interface FieldType {
  readonly kind: 'scalar' | 'map' | 'message'
  readonly type: string
  readonly info: TypeInfo | null
}

class ProtobufComparison {
  readonly #original: ComparedProto
  readonly #update: ComparedProto
  /** By both messages. Null while they are compared: they contain themselves. */
  readonly #done = new Map<ProtoMessage, Map<ProtoMessage, readonly ProtobufDifference[] | null>>()
  #compares = 0

  constructor(original: ComparedProto, update: ComparedProto) {
    this.#original = original
    this.#update = update
  }

  differences(): readonly ProtobufDifference[] {
    const [original, update] = [this.#original, this.#update]
    const place: Place = { path: [], original: original.known.scope, update: update.known.scope }
    const changed = original.packageName === update.packageName ? [] : [difference('PACKAGE_CHANGED', place)]
    return [...changed, ...this.#types(original.types, update.types, place)].slice(0, maxDifferences)
  }

  #types(original: readonly ProtoType[], update: readonly ProtoType[], place: Place): readonly ProtobufDifference[] {
    const updates = new Map(update.map((type) => [type.name, type]))
    return original.flatMap((type) => {
      if (type.kind === 'enum') return []
      const other = updates.get(type.name)
      const inside: Place = {
        path: [...place.path, type.name],
        original: place.original.child(type.name),
        update: place.update.child(type.name),
      }
      if (other?.kind === 'message') return this.#messages(type, other, inside)
      return mapOf(type) !== null ? [] : [difference('MESSAGE_REMOVED', inside)]
    })
  }

  #messages(original: ProtoMessage, update: ProtoMessage, place: Place): readonly ProtobufDifference[] {
    const results = this.#done.get(original) ?? new Map<ProtoMessage, readonly ProtobufDifference[] | null>()
    this.#done.set(original, results)
    const known = results.get(update)
    if (known !== undefined) return known ?? []
    results.set(update, null)
    const differences = [...this.#members(original, update, place), ...this.#types(original.types, update.types, place)]
    const kept = differences.slice(0, maxDifferences)
    results.set(update, kept)
    return kept
  }

  #members(original: ProtoMessage, update: ProtoMessage, place: Place): readonly ProtobufDifference[] {
    const [before, after] = [membersOf(original), membersOf(update)]
    const moved = movedIntoOneofs(before, update).map(({ oneof, type }) => difference(type, place, oneof))
    const removed = removedOneofs(original, update, after)
    const numbers = [...new Set([...before.keys(), ...after.keys()])].toSorted((a, b) => a - b)
    const changed = numbers.flatMap((number) =>
      this.#member(before.get(number), after.get(number), { place, number, removed }),
    )
    return [...moved, ...changed]
  }

  #member(
    before: Member | undefined,
    after: Member | undefined,
    { place, number, removed }: { place: Place; number: number; removed: ReadonlySet<string> },
  ): readonly ProtobufDifference[] {
    if (before !== undefined && after !== undefined) {
      const inside = after.oneof === null ? [number] : [after.oneof, number]
      return this.#fields(before, after, { ...place, path: [...place.path, ...inside] })
    }
    if (before === undefined)
      return after?.oneof === null && after.field.label === 'required'
        ? [difference('REQUIRED_FIELD_ADDED', place, number)]
        : []
    if (before.oneof !== null)
      return removed.has(before.oneof) ? [] : [difference('ONEOF_FIELD_REMOVED', place, before.oneof, number)]
    return before.field.label === 'required' ? [difference('REQUIRED_FIELD_REMOVED', place, number)] : []
  }

  #fields(before: Member, after: Member, place: Place): readonly ProtobufDifference[] {
    const [original, update] = this.#fieldTypes(before.field.type, after.field.type, place)
    const differences = this.#compared(original, update, place)
    if (differences.length > 0 || original.kind !== 'scalar') return differences
    const [one, other] = [before.field.label, after.field.label]
    const isNumber = scalarKind(original) !== 'text'
    return one !== null && other !== null && one !== other && isNumber
      ? [difference('FIELD_NUMERIC_LABEL_CHANGED', place)]
      : []
  }

  #compared(original: FieldType, update: FieldType, place: Place): readonly ProtobufDifference[] {
    if (original.kind !== update.kind) return [difference('FIELD_KIND_CHANGED', place)]
    if (original.kind === 'scalar')
      return scalarKind(original) === scalarKind(update) ? [] : [difference('FIELD_SCALAR_KIND_CHANGED', place)]
    if (original.kind === 'message') return this.#namedTypes(original, update, place)
    const [from, to] = [mapTypes(original.type), mapTypes(update.type)]
    if (from === null || to === null) return []
    return [
      ...this.#compared(...this.#fieldTypes(from.key, to.key, place), place),
      ...this.#compared(...this.#fieldTypes(from.value, to.value, place), place),
    ]
  }

  #fieldTypes(original: string, update: string, place: Place): readonly [FieldType, FieldType] {
    return [
      fieldType(original, this.#original.known, place.original),
      fieldType(update, this.#update.known, place.update),
    ]
  }

  #namedTypes(original: FieldType, update: FieldType, place: Place): readonly ProtobufDifference[] {
    const [one, other] = [original.info, update.info]
    const changed = [difference('FIELD_NAMED_TYPE_CHANGED', place)]
    if (one === null || other === null) return original.type === update.type ? [] : changed
    if (localName(one) !== localName(other)) return changed
    if (one.origin !== null && one.origin === other.origin) return []
    if (one.type.kind === 'enum' || other.type.kind === 'enum') return []
    this.#compares += 1
    if (this.#compares > maxCompares)
      throw new TooManyComparisonsError(`more than ${maxCompares} comparisons are needed`)
    const differences = this.#messages(one.type, other.type, {
      path: localName(one).split('.'),
      original: this.#original.known.scopeOf(one),
      update: this.#update.known.scopeOf(other),
    })
    return differences.length === 0 ? [] : [...differences, ...changed]
  }
}

function difference(type: DifferenceType, place: Place, ...inside: readonly (string | number)[]): ProtobufDifference {
  return { type, path: [...place.path, ...inside] }
}

function fieldType(written: string, types: ProtoTypes, scope: ProtoScope): FieldType {
  if (isScalar(written)) return { kind: 'scalar', type: written, info: null }
  const info = mapTypes(written) === null ? types.type(written, scope) : null
  const type = (info === null ? null : mapOf(info.type)) ?? written
  if (mapTypes(type) !== null) return { kind: 'map', type, info: null }
  return { kind: info?.type.kind === 'enum' ? 'scalar' : 'message', type, info }
}

/** The full name without the package. */
function localName({ fullName, packageName }: TypeInfo): string {
  return packageName === '' ? fullName : fullName.slice(packageName.length + 1)
}

/** Scalars of the same kind have the same form in data, or one that is read as the other. */
const scalarKinds: Readonly<Record<string, string>> = {
  int32: 'number',
  int64: 'number',
  uint32: 'number',
  uint64: 'number',
  bool: 'number',
  sint32: 'signed number',
  sint64: 'signed number',
  string: 'text',
  bytes: 'text',
  fixed32: 'fixed32',
  sfixed32: 'fixed32',
  fixed64: 'fixed64',
  sfixed64: 'fixed64',
  float: 'float',
  double: 'double',
}

function scalarKind({ type, info }: FieldType): string {
  // An enum is a number.
  return info === null ? (scalarKinds[type] ?? '') : 'number'
}

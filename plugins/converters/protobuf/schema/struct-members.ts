import { DataError } from 'penstock/api'

import type { ProtobufOptions } from '../protobuf-options.ts'
import type { ProtoField, ProtoMessage, ProtoOneof } from '../proto-types.ts'

/** What becomes a field of the struct of a message. */
export type StructMember =
  | { readonly kind: 'field'; readonly name: string; readonly field: ProtoField }
  | { readonly kind: 'oneof'; readonly name: string; readonly oneof: ProtoOneof }

/** Returns the members of a message in the order of the struct: oneofs first. @throws DataError if two have the same name */
export function structMembers({ fields, oneofs, fullName }: ProtoMessage, options: ProtobufOptions): StructMember[] {
  const member = (field: ProtoField): StructMember => ({ kind: 'field', name: field.name, field })
  const unions = oneofs
    .filter((oneof) => oneof.fields.length > 0)
    .flatMap((oneof): StructMember[] => {
      if (options.flattenUnions) return oneof.fields.map(member)
      const name = options.indexForUnions ? `${oneof.name}_${oneof.index}` : oneof.name
      return [{ kind: 'oneof', name, oneof }]
    })
  const members = [...unions, ...fields.filter(({ oneof }) => oneof === null).map(member)]
  const names = new Set<string>()
  for (const { name } of members) {
    if (names.has(name))
      throw new DataError(`the message ${fullName} has two members for the field "${name}" of a struct`)
    names.add(name)
  }
  return members
}

/** Returns whether a field that is missing is told from one that is zero or empty: null is no value of others. */
export function hasPresence({ label, isProto2, oneof }: ProtoField, { optionalForProto2 }: ProtobufOptions): boolean {
  return label === 'optional' && (!isProto2 || optionalForProto2 || oneof !== null)
}

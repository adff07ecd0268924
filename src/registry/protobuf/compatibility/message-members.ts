import type { ProtoField, ProtoMessage } from '../model/proto-file.ts'
import type { DifferenceType } from './protobuf-difference.ts'

/** A field of a message, by itself or in a oneof. */
export interface Member {
  readonly field: ProtoField
  readonly oneof: string | null
}

export type Members = ReadonlyMap<number, Member>

/** The fields of a message by their numbers. */
export function membersOf(message: ProtoMessage): Members {
  const members = new Map<number, Member>()
  for (const field of message.fields) members.set(field.number, { field, oneof: null })
  for (const { name, fields } of message.oneofs)
    for (const field of fields) members.set(field.number, { field, oneof: name })
  return members
}

/**
 * The oneofs of the update whose fields could be set together before: they come from several places, a field by itself being one.
 */
export function movedIntoOneofs(
  before: Members,
  update: ProtoMessage,
): readonly { readonly oneof: string; readonly type: DifferenceType }[] {
  return update.oneofs.flatMap(({ name, fields }) => {
    const members = fields.flatMap(({ number }) => before.get(number) ?? [])
    const single = members.filter(({ oneof }) => oneof === null).length
    const oneofs = new Set(members.flatMap(({ oneof }) => oneof ?? [])).size
    if (single + oneofs <= 1) return []
    const type = single > 1 ? 'MULTIPLE_FIELDS_MOVED_TO_ONEOF' : 'FIELD_MOVED_TO_EXISTING_ONEOF'
    return [{ oneof: name, type } as const]
  })
}

/** The oneofs of the original that the update does not have, nor any of their fields: they may be removed. */
export function removedOneofs(original: ProtoMessage, update: ProtoMessage, after: Members): ReadonlySet<string> {
  const kept = new Set(update.oneofs.map(({ name }) => name))
  const removed = original.oneofs.filter(
    ({ name, fields }) => !kept.has(name) && !fields.some(({ number }) => after.has(number)),
  )
  return new Set(removed.map(({ name }) => name))
}

import type { ProtoLabel } from '../model/proto-file.ts'

export const labelNumbers: Readonly<Record<ProtoLabel, number>> = { optional: 1, required: 2, repeated: 3 }

export const messageType = 11
export const enumType = 14

/** The numbers of scalars in `FieldDescriptorProto.Type`. */
export const scalarNumbers: ReadonlyMap<string, number> = new Map([
  ['double', 1],
  ['float', 2],
  ['int64', 3],
  ['uint64', 4],
  ['int32', 5],
  ['fixed64', 6],
  ['fixed32', 7],
  ['bool', 8],
  ['string', 9],
  ['bytes', 12],
  ['uint32', 13],
  ['sfixed32', 15],
  ['sfixed64', 16],
  ['sint32', 17],
  ['sint64', 18],
])

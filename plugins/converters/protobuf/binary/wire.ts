import type { Scalar } from '../proto-types.ts'

/** How the end of a value is found: the wire types of Protobuf's encoding. */
export const Wire = { varint: 0, fixed64: 1, delimited: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const

const wires: Readonly<Record<Scalar, number>> = {
  double: Wire.fixed64,
  float: Wire.fixed32,
  int32: Wire.varint,
  int64: Wire.varint,
  uint32: Wire.varint,
  uint64: Wire.varint,
  sint32: Wire.varint,
  sint64: Wire.varint,
  fixed32: Wire.fixed32,
  fixed64: Wire.fixed64,
  sfixed32: Wire.fixed32,
  sfixed64: Wire.fixed64,
  bool: Wire.varint,
  string: Wire.delimited,
  bytes: Wire.delimited,
}

export function wireOf(type: Scalar): number {
  return wires[type]
}

/** Returns what is before the value of a field: its number and the wire type. */
export function tagOf(number: number, wire: number): number {
  return ((number << 3) | wire) >>> 0
}

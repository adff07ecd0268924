const two32 = 0x1_0000_0000

/**
 * A signed big-endian 64-bit integer as a number. Offsets, producer ids and timestamps stay below 2^53; anything larger comes
 * out as the nearest double, which range checks reject.
 */
export function readInt64(buffer: Buffer, position: number): number {
  return buffer.readInt32BE(position) * two32 + buffer.readUInt32BE(position + 4)
}

/** Writes a number as a signed big-endian 64-bit integer; what does not fit is clamped to the nearest value that does. */
export function writeInt64(buffer: Buffer, value: number, position: number): void {
  if (value >= 0x7fff_ffff_ffff_fc00) {
    buffer.writeBigInt64BE(value >= 2 ** 63 ? 0x7fff_ffff_ffff_ffffn : BigInt(value), position)
    return
  }
  const clamped = Math.max(value, -(2 ** 63))
  const high = Math.floor(clamped / two32)
  buffer.writeInt32BE(high, position)
  buffer.writeUInt32BE(clamped - high * two32, position + 4)
}

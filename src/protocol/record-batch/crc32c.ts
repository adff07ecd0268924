import { createRequire } from 'node:module'

type Checksum = (bytes: Uint8Array) => number

/** Castagnoli's polynomial, bits reversed. Node's own `zlib.crc32` is the IEEE polynomial and of no use here. */
const polynomial = 0x82f63b78

let tables: Uint32Array | null = null

/** Eight tables of 256 entries, one after the other: entry n of table k is the checksum of byte n followed by k zero bytes. */
function slicingTables(): Uint32Array {
  const result = new Uint32Array(8 * 256)
  for (let n = 0; n < 256; n += 1) {
    let crc = n
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    result[n] = crc >>> 0
  }
  for (let n = 256; n < result.length; n += 1) {
    const previous = result[n - 256] ?? 0
    result[n] = (previous >>> 8) ^ (result[previous & 0xff] ?? 0)
  }
  return result
}

/** CRC-32C in plain JavaScript (slicing by 8, about 1.8 GB/s), for machines without the native module. */
export function crc32cInScript(bytes: Uint8Array): number {
  tables ??= slicingTables()
  const t = tables
  const end = bytes.length
  const endOfEights = end - (end % 8)
  let crc = -1
  let i = 0
  for (; i < endOfEights; i += 8) {
    const low =
      crc ^
      ((bytes[i] as number) |
        ((bytes[i + 1] as number) << 8) |
        ((bytes[i + 2] as number) << 16) |
        ((bytes[i + 3] as number) << 24))
    crc =
      (t[0x700 + (low & 0xff)] as number) ^
      (t[0x600 + ((low >>> 8) & 0xff)] as number) ^
      (t[0x500 + ((low >>> 16) & 0xff)] as number) ^
      (t[0x400 + (low >>> 24)] as number) ^
      (t[0x300 + (bytes[i + 4] as number)] as number) ^
      (t[0x200 + (bytes[i + 5] as number)] as number) ^
      (t[0x100 + (bytes[i + 6] as number)] as number) ^
      (t[bytes[i + 7] as number] as number)
  }
  for (; i < end; i += 1) crc = (crc >>> 8) ^ (t[(crc ^ (bytes[i] as number)) & 0xff] as number)
  return ~crc >>> 0
}

function loadNative(): Checksum | null {
  try {
    const loaded = createRequire(import.meta.url)('@node-rs/crc32') as { crc32c: (bytes: Uint8Array) => number }
    return (bytes) => loaded.crc32c(bytes)
  } catch {
    return null // No prebuilt module for this machine: the JavaScript version is a few times slower.
  }
}

const native = loadNative()

/** CRC-32C (Castagnoli) as an unsigned 32-bit integer: what guards a RecordBatch. */
export const crc32c: Checksum = native ?? crc32cInScript

/** Whether the native module is used. */
export const crc32cIsNative = native !== null

import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

import type { ChecksumAlgorithm } from '../../config/store-settings.ts'

/** The parameter that holds the checksum of an object or a part. */
export interface ChecksumInput {
  readonly ChecksumCRC32?: string
  readonly ChecksumCRC32C?: string
  readonly ChecksumSHA256?: string
}

/** Computes a checksum. The SDK would do it in JavaScript, byte by byte, for CRC-32C. */
export async function checksumInput(
  algorithm: ChecksumAlgorithm | null,
  body: { readonly pieces: readonly Uint8Array[]; readonly sha256: Buffer },
): Promise<ChecksumInput> {
  switch (algorithm) {
    case null:
      return {}
    case 'sha256':
      return { ChecksumSHA256: body.sha256.toString('base64') }
    case 'crc32':
      return { ChecksumCRC32: bigEndian(body.pieces.reduce((sum, piece) => crc32(piece, sum), 0)) }
    case 'crc32c': {
      const { crc32c } = await import('@node-rs/crc32')
      return { ChecksumCRC32C: bigEndian(body.pieces.reduce((sum, piece) => crc32c(asBuffer(piece), sum), 0)) }
    }
  }
}

/** The digest of bytes in pieces. */
export function digest(algorithm: 'md5' | 'sha256', pieces: readonly Uint8Array[]): Buffer {
  const hash = createHash(algorithm)
  for (const piece of pieces) hash.update(piece)
  return hash.digest()
}

function bigEndian(sum: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(sum >>> 0)
  return bytes.toString('base64')
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

import type { ChecksumAlgorithm, Encryption } from '../config/settings.ts'

/** A body's checksum in base64, as the store's header wants it. */
export async function checksumOf(algorithm: ChecksumAlgorithm, pieces: readonly Uint8Array[]): Promise<string> {
  switch (algorithm) {
    case 'sha256':
      return digest('sha256', pieces)
    case 'crc32':
      return bigEndian(pieces.reduce((sum, piece) => crc32(piece, sum), 0))
    case 'crc32c': {
      const { crc32c } = await import('@node-rs/crc32')
      return bigEndian(pieces.reduce((sum, piece) => crc32c(asBuffer(piece), sum), 0))
    }
  }
}

/** A digest in base64. */
export function digest(algorithm: 'md5' | 'sha256', pieces: readonly Uint8Array[]): string {
  const hash = createHash(algorithm)
  for (const piece of pieces) hash.update(piece)
  return hash.digest('base64')
}

/** Headers that choose the encryption of a new object. */
export function encryptionHeaders(encryption: Encryption | null): Record<string, string> {
  switch (encryption?.kind) {
    case undefined:
      return {}
    case 'AES256':
      return { 'x-amz-server-side-encryption': 'AES256' }
    case 'kms':
      return {
        'x-amz-server-side-encryption': 'aws:kms',
        ...(encryption.keyId === null ? {} : { 'x-amz-server-side-encryption-aws-kms-key-id': encryption.keyId }),
      }
    case 'customer':
      return customerKeyHeaders(encryption)
  }
}

/** Headers that every request about an object needs whose key is the customer's. */
export function customerKeyHeaders(encryption: Encryption | null): Record<string, string> {
  if (encryption?.kind !== 'customer') return {}
  return {
    'x-amz-server-side-encryption-customer-algorithm': 'AES256',
    'x-amz-server-side-encryption-customer-key': encryption.key.toString('base64'),
    'x-amz-server-side-encryption-customer-key-md5': digest('md5', [encryption.key]),
  }
}

function bigEndian(sum: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(sum >>> 0)
  return bytes.toString('base64')
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

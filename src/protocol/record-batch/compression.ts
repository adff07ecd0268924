import { errorMessage } from '../../foundation/error-message.ts'
import { createRequire } from 'node:module'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { ProtocolError } from '../protocol-error.ts'
import type { Codec } from './record-batch.ts'
import type * as Lz4 from 'lz4-napi'
import type * as Snappy from 'snappy'

/** Default limit for the decompressed size of a batch: a decompression bomb is rejected (I10). */
export const defaultMaxUncompressedBytes = 128 * 1024 * 1024

const require = createRequire(import.meta.url)
let snappyModule: typeof Snappy | null = null
let lz4Module: typeof Lz4 | null = null

// Native modules cost memory in every thread: loaded when the codec is first used.
function snappy(): typeof Snappy {
  snappyModule ??= native('snappy', () => require('snappy') as typeof Snappy)
  return snappyModule
}

function lz4(): typeof Lz4 {
  lz4Module ??= native('lz4', () => require('lz4-napi') as typeof Lz4)
  return lz4Module
}

function native<T>(codec: Codec, load: () => T): T {
  try {
    return load()
  } catch (error) {
    const advice = 'Install the package again with its optional dependencies, or use gzip or zstd.'
    throw new ProtocolError(`compression ${codec} has no native module for this machine. ${advice}`, { cause: error })
  }
}

/**
 * Loads what the codec needs.
 * @throws ProtocolError when this machine has no module for it.
 */
export function requireCodec(codec: Codec): void {
  if (codec === 'snappy') snappy()
  else if (codec === 'lz4') lz4()
}

/** The records of a batch, packed. `none` gives them back as they are. */
export function compress(codec: Codec, records: Buffer): Buffer {
  switch (codec) {
    case 'none':
      return records
    case 'gzip':
      return gzipSync(records)
    case 'snappy':
      return packXerial(records)
    case 'lz4':
      return lz4().compressFrameSync(records)
    case 'zstd':
      return zstdCompressSync(records)
  }
}

/**
 * The records of a batch, unpacked; at most `maxBytes`.
 * @throws ProtocolError when they are damaged or larger than that.
 */
export function decompress(codec: Codec, packed: Buffer, maxBytes = defaultMaxUncompressedBytes): Buffer {
  try {
    switch (codec) {
      case 'none':
        return packed
      case 'gzip':
        return gunzipSync(packed, { maxOutputLength: maxBytes })
      case 'snappy':
        return unpackSnappy(packed, maxBytes)
      case 'lz4':
        requireSize(lz4FrameBound(packed), maxBytes)
        return lz4().decompressFrameSync(packed)
      case 'zstd':
        return zstdDecompressSync(packed, { maxOutputLength: maxBytes })
    }
  } catch (error) {
    if (error instanceof ProtocolError) throw error
    const reason = errorMessage(error)
    throw new ProtocolError(`${codec} records cannot be unpacked (limit ${maxBytes} bytes): ${reason}`, {
      cause: error,
    })
  }
}

function requireSize(size: number, maxBytes: number): void {
  if (size > maxBytes) throw new ProtocolError(`packed records unpack to up to ${size} bytes, the limit is ${maxBytes}`)
}

// Java writes snappy in the stream framing of snappy-java ("xerial"): this magic, two version numbers, then blocks with their
// length before them. librdkafka and others send one raw block. Both are read, the first is written.
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const xerialHeader = Buffer.concat([xerialMagic, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
const xerialBlockSize = 32 * 1024

function packXerial(records: Buffer): Buffer {
  const parts: Buffer[] = [xerialHeader]
  for (let start = 0; start < records.length; start += xerialBlockSize) {
    const block = snappy().compressSync(records.subarray(start, start + xerialBlockSize), { copyOutputData: true })
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length, 0)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

function unpackSnappy(packed: Buffer, maxBytes: number): Buffer {
  const isXerial = packed.length >= xerialHeader.length && packed.subarray(0, xerialMagic.length).equals(xerialMagic)
  if (!isXerial) return unpackSnappyBlock(packed, maxBytes)
  const parts: Buffer[] = []
  let total = 0
  let position = xerialHeader.length
  while (position < packed.length) {
    const size = packed.length - position < 4 ? -1 : packed.readInt32BE(position)
    position += 4
    if (size < 0 || size > packed.length - position) throw new ProtocolError('a snappy block is cut short')
    const part = unpackSnappyBlock(packed.subarray(position, position + size), maxBytes - total)
    total += part.length
    parts.push(part)
    position += size
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, total)
}

function unpackSnappyBlock(block: Buffer, maxBytes: number): Buffer {
  requireSize(snappyBlockSize(block), maxBytes)
  return snappy().uncompressSync(block, { asBuffer: true, copyOutputData: true }) as Buffer
}

/** A raw snappy block begins with its unpacked size as an unsigned varint. */
function snappyBlockSize(block: Buffer): number {
  let size = 0
  for (let i = 0; i < 5; i += 1) {
    const byte = block[i]
    if (byte === undefined) break
    size += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return size
  }
  throw new ProtocolError('a snappy block has no size')
}

const lz4Magic = 0x184d2204
const lz4MaxRatio = 255

/** An upper bound of what an LZ4 frame unpacks to, from the headers of the frame and its blocks alone. */
function lz4FrameBound(packed: Buffer): number {
  if (packed.length < 7 || packed.readUInt32LE(0) !== lz4Magic)
    throw new ProtocolError('lz4 records do not start with a frame')
  const flags = packed.readUInt8(4)
  const blockMaxBytes = 1 << (8 + 2 * ((packed.readUInt8(5) >> 4) & 0b111))
  const hasBlockChecksum = (flags & 0b1_0000) !== 0
  let position = 7 + ((flags & 0b1000) === 0 ? 0 : 8) + ((flags & 1) === 0 ? 0 : 4)
  let bound = 0
  while (position + 4 <= packed.length) {
    const word = packed.readUInt32LE(position)
    if (word === 0) return bound
    const size = word & 0x7fff_ffff
    bound += Math.min(blockMaxBytes, word >>> 31 === 1 ? size : size * lz4MaxRatio)
    position += 4 + size + (hasBlockChecksum ? 4 : 0)
  }
  throw new ProtocolError('an lz4 frame is cut short')
}

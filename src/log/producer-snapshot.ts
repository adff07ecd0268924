import { crc32c } from '../protocol/crc32c.ts'
import { readInt64, writeInt64 } from '../protocol/int64.ts'
import { maxSequence, ProducerState } from './producer-state.ts'

/*
 * `<offset>.snapshot`, Kafka's format: the producers of the log before that offset.
 *
 *   version i16 = 1 · crc u32 (CRC-32C of the rest) · count i32 · then per producer
 *   producer id i64 · epoch i16 · last sequence i32 · last offset i64 · offset delta i32 · timestamp i64
 *   · coordinator epoch i32 · first offset of the open transaction i64 (-1 none)
 *
 * It holds the last batch of a producer only. Duplicates that are older are found again as long as they are replayed.
 */
const headSize = 10
const entrySize = 46
const version = 1

/** The snapshot file of a producer state. */
export function encodeSnapshot(state: ProducerState): Buffer {
  const bytes = Buffer.alloc(headSize + state.entries.size * entrySize)
  bytes.writeInt16BE(version, 0)
  bytes.writeInt32BE(state.entries.size, 6)
  let at = headSize
  for (const [producerId, entry] of state.entries) {
    const last = entry.batches.at(-1)
    writeInt64(bytes, producerId, at)
    bytes.writeInt16BE(entry.epoch, at + 8)
    bytes.writeInt32BE(last?.lastSequence ?? -1, at + 10)
    writeInt64(bytes, last?.lastOffset ?? -1, at + 14)
    bytes.writeInt32BE(last?.offsetDelta ?? 0, at + 22)
    writeInt64(bytes, entry.lastWriteMs, at + 26)
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34)
    writeInt64(bytes, entry.transactionFirstOffset, at + 38)
    at += entrySize
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(6)), 2)
  return bytes
}

/** The producer state of a snapshot file; null when the file is damaged or of another version. */
export function decodeSnapshot(bytes: Buffer): ProducerState | null {
  if (bytes.length < headSize || bytes.readInt16BE(0) !== version) return null
  if (bytes.readUInt32BE(2) !== crc32c(bytes.subarray(6))) return null
  const count = bytes.readInt32BE(6)
  if (bytes.length !== headSize + count * entrySize) return null
  const state = new ProducerState()
  for (let i = 0, at = headSize; i < count; i += 1, at += entrySize) {
    const lastSequence = bytes.readInt32BE(at + 10)
    const offsetDelta = bytes.readInt32BE(at + 22)
    const timestamp = readInt64(bytes, at + 26)
    state.restore(readInt64(bytes, at), {
      epoch: bytes.readInt16BE(at + 8),
      coordinatorEpoch: bytes.readInt32BE(at + 34),
      transactionFirstOffset: readInt64(bytes, at + 38),
      lastWriteMs: timestamp,
      batches:
        lastSequence < 0
          ? []
          : [
              {
                firstSequence: firstSequenceOf(lastSequence, offsetDelta),
                lastSequence,
                lastOffset: readInt64(bytes, at + 14),
                offsetDelta,
                timestamp,
              },
            ],
    })
  }
  return state
}

function firstSequenceOf(lastSequence: number, offsetDelta: number): number {
  const first = lastSequence - offsetDelta
  return first >= 0 ? first : first + maxSequence + 1
}

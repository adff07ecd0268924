import { crc32c } from '../../protocol/record-batch/crc32c.ts'
import { readInt64, writeInt64 } from '../../protocol/bytes/int64.ts'
import { maxSequence, ProducerState, type ProducedBatch } from './producer-state.ts'

/*
 * `<offset>.snapshot`, Kafka's format: the producers of the log before that offset.
 *
 *   version i16 = 1 · crc u32 (CRC-32C of the rest) · count i32 · then per entry
 *   producer id i64 · epoch i16 · last sequence i32 · last offset i64 · offset delta i32 · timestamp i64
 *   · coordinator epoch i32 · first offset of the open transaction i64 (-1 none)
 *
 * A producer has one entry for each remembered batch, the youngest last: after a restart it may send again any batch that was in
 * flight. Kafka writes one entry for each producer, and from this file takes the last entry of each.
 *
 * The timestamp in a producer's last entry is the time of its last write, from which it expires. In the others it is the largest
 * timestamp of the batch.
 */
const headSize = 10
const entrySize = 46
const version = 1

/** Encodes a producer state as a snapshot file. */
export function encodeSnapshot(state: ProducerState): Buffer {
  const rows = [...state.entries].flatMap(([producerId, entry]) =>
    (entry.batches.length === 0 ? [null] : entry.batches).map((batch) => ({ producerId, entry, batch })),
  )
  const bytes = Buffer.alloc(headSize + rows.length * entrySize)
  bytes.writeInt16BE(version, 0)
  bytes.writeInt32BE(rows.length, 6)
  let at = headSize
  for (const { producerId, entry, batch } of rows) {
    writeInt64(bytes, producerId, at)
    bytes.writeInt16BE(entry.epoch, at + 8)
    bytes.writeInt32BE(batch?.lastSequence ?? -1, at + 10)
    writeInt64(bytes, batch?.lastOffset ?? -1, at + 14)
    bytes.writeInt32BE(batch?.offsetDelta ?? 0, at + 22)
    const isYoungest = batch === null || batch === entry.batches.at(-1)
    writeInt64(bytes, isYoungest ? entry.lastWriteMs : batch.timestamp, at + 26)
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34)
    writeInt64(bytes, entry.transactionFirstOffset, at + 38)
    at += entrySize
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(6)), 2)
  return bytes
}

/** Decodes a snapshot file; returns null if it is damaged or of another version. */
export function decodeSnapshot(bytes: Buffer): ProducerState | null {
  if (bytes.length < headSize || bytes.readInt16BE(0) !== version) return null
  if (bytes.readUInt32BE(2) !== crc32c(bytes.subarray(6))) return null
  const count = bytes.readInt32BE(6)
  if (bytes.length !== headSize + count * entrySize) return null
  const state = new ProducerState()
  for (let i = 0, at = headSize; i < count; i += 1, at += entrySize) {
    const producerId = readInt64(bytes, at)
    const epoch = bytes.readInt16BE(at + 8)
    const known = state.entries.get(producerId)
    const earlier = known?.epoch === epoch ? known.batches : []
    const lastWriteMs = readInt64(bytes, at + 26)
    state.restore(producerId, {
      epoch,
      coordinatorEpoch: bytes.readInt32BE(at + 34),
      transactionFirstOffset: readInt64(bytes, at + 38),
      lastWriteMs,
      batches: [...earlier, ...batchAt(bytes, at, lastWriteMs)],
    })
  }
  return state
}

/** Returns the batch of the entry at `at`; none if only a marker is known of its producer. */
function batchAt(bytes: Buffer, at: number, timestamp: number): ProducedBatch[] {
  const lastSequence = bytes.readInt32BE(at + 10)
  if (lastSequence < 0) return []
  const offsetDelta = bytes.readInt32BE(at + 22)
  const firstSequence = firstSequenceOf(lastSequence, offsetDelta)
  return [{ firstSequence, lastSequence, lastOffset: readInt64(bytes, at + 14), offsetDelta, timestamp }]
}

function firstSequenceOf(lastSequence: number, offsetDelta: number): number {
  const first = lastSequence - offsetDelta
  return first >= 0 ? first : first + maxSequence + 1
}

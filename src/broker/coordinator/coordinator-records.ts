import type { TopicPartition } from '../../foundation/topic-partition.ts'
import { ByteReader } from '../../protocol/bytes/byte-reader.ts'
import { ByteWriter } from '../../protocol/bytes/byte-writer.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import type { StoredGroup } from './groups/group-protocol.ts'

/*
 * The records of `__consumer_offsets` in Kafka's formats (OffsetCommitKey, OffsetCommitValue, GroupMetadataKey and
 * GroupMetadataValue in https://github.com/apache/kafka/tree/4.0/group-coordinator/src/main/resources/common/message), so that
 * Kafka's tools read them. A null value is a tombstone.
 *
 *   offset   key  v1: group s, topic s, partition i32 (v0 the same)
 *            value v3: offset i64, leader epoch i32, metadata s, commit time i64
 *   group    key  v2: group s
 *            value v3: protocol type s, generation i32, protocol s?, leader s?, state time i64,
 *                      members[]{id s, instance id s?, client id s, client host s, rebalance timeout i32, session timeout i32,
 *                                subscription bytes, assignment bytes}
 *
 * Each begins with its version, an i16; s is an i16 length and UTF-8.
 */
const offsetKeyVersion = 1
const groupKeyVersion = 2
const valueVersion = 3
const firstValueWithTimestamp = 1

/** A committed offset; the time in milliseconds of the epoch. */
export interface CommittedOffset {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
}

/** The decoded key of a record. */
export type CoordinatorKey =
  | { readonly kind: 'offset'; readonly group: string; readonly topic: string; readonly partition: number }
  | { readonly kind: 'group'; readonly group: string }

/** A record to write; a null value is a tombstone. */
export interface CoordinatorRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** Returns the records that delete committed offsets of a group. */
export function offsetTombstones(group: string, partitions: readonly TopicPartition[]): CoordinatorRecord[] {
  return partitions.map(({ topic, partition }) => ({ key: encodeOffsetKey(group, topic, partition), value: null }))
}

/** Returns the record that deletes a group. */
export function groupTombstone(group: string): CoordinatorRecord {
  return { key: encodeGroupKey(group), value: null }
}

/** The key of a committed offset. */
export function encodeOffsetKey(group: string, topic: string, partition: number): Buffer {
  const writer = new RecordWriter(offsetKeyVersion)
  writer.text(group)
  writer.text(topic)
  writer.out.int32(partition)
  return writer.take()
}

export function encodeOffsetValue(committed: CommittedOffset): Buffer {
  const writer = new RecordWriter(valueVersion)
  writer.out.int64(committed.offset)
  writer.out.int32(committed.leaderEpoch)
  writer.text(committed.metadata)
  writer.out.int64(committed.commitTimestampMs)
  return writer.take()
}

/** The key of a group's members. */
export function encodeGroupKey(group: string): Buffer {
  const writer = new RecordWriter(groupKeyVersion)
  writer.text(group)
  return writer.take()
}

export function encodeGroupValue(group: StoredGroup): Buffer {
  const writer = new RecordWriter(valueVersion)
  writer.text(group.protocolType)
  writer.out.int32(group.generationId)
  writer.text(group.protocolName)
  writer.text(group.leaderId)
  writer.out.int64(group.stateTimestampMs)
  writer.out.int32(group.members.length)
  for (const { details, assignment } of group.members) {
    writer.text(details.memberId)
    writer.text(details.groupInstanceId)
    writer.text(details.clientId)
    writer.text(details.clientHost)
    writer.out.int32(details.rebalanceTimeoutMs)
    writer.out.int32(details.sessionTimeoutMs)
    const subscription = details.protocols.find(({ name }) => name === group.protocolName)?.metadata
    writer.bytes(subscription ?? Buffer.alloc(0))
    writer.bytes(assignment)
  }
  return writer.take()
}

/** Null for records of kinds or versions that are not known. @throws ProtocolError when the bytes are cut. */
export function decodeKey(bytes: Buffer): CoordinatorKey | null {
  const reader = new RecordReading(bytes)
  if (reader.version <= offsetKeyVersion) {
    return { kind: 'offset', group: reader.text(), topic: reader.text(), partition: reader.in.int32() }
  }
  return reader.version === groupKeyVersion ? { kind: 'group', group: reader.text() } : null
}

/** Versions 0 to 3. @throws ProtocolError when the bytes are cut. */
export function decodeOffsetValue(bytes: Buffer): CommittedOffset {
  const reader = new RecordReading(bytes)
  const offset = reader.in.int64()
  const leaderEpoch = reader.version >= valueVersion ? reader.in.int32() : -1
  const metadata = reader.text()
  return { offset, leaderEpoch, metadata, commitTimestampMs: reader.in.int64() }
}

/** Versions 0 to 3. @throws ProtocolError when the bytes are cut. */
export function decodeGroupValue(bytes: Buffer): StoredGroup {
  const reader = new RecordReading(bytes)
  const { version } = reader
  const protocolType = reader.text()
  const generationId = reader.in.int32()
  const protocolName = reader.nullableText()
  const leaderId = reader.nullableText()
  const stateTimestampMs = version >= 2 ? reader.in.int64() : 0
  const count = reader.in.int32()
  reader.in.elements(count)
  const members = Array.from({ length: count }, () => {
    const memberId = reader.text()
    const groupInstanceId = version >= valueVersion ? reader.nullableText() : null
    const clientId = reader.text()
    const clientHost = reader.text()
    const rebalanceTimeoutMs = version >= firstValueWithTimestamp ? reader.in.int32() : -1
    const sessionTimeoutMs = reader.in.int32()
    const protocols = [{ name: protocolName ?? '', metadata: reader.bytes() }]
    const timeouts = {
      rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
      sessionTimeoutMs,
    }
    const details = { memberId, groupInstanceId, clientId, clientHost, ...timeouts, protocols }
    return { details, assignment: reader.bytes() }
  })
  return { protocolType, generationId, protocolName, leaderId, stateTimestampMs, members }
}

class RecordWriter {
  readonly out = new ByteWriter(128)

  constructor(version: number) {
    this.out.int16(version)
  }

  text(value: string | null): void {
    const length = value === null ? -1 : Buffer.byteLength(value)
    if (length > 0x7fff) throw new ProtocolError(`a string of ${length} bytes does not fit a record of the coordinator`)
    this.out.int16(length)
    if (value !== null) this.out.utf8(value, length)
  }

  bytes(value: Buffer): void {
    this.out.int32(value.length)
    this.out.bytes(value)
  }

  take(): Buffer {
    return Buffer.concat(this.out.take())
  }
}

class RecordReading {
  readonly in: ByteReader
  readonly version: number

  constructor(bytes: Buffer) {
    this.in = new ByteReader(bytes)
    this.version = this.in.int16()
  }

  text(): string {
    return this.nullableText() ?? ''
  }

  nullableText(): string | null {
    const length = this.in.int16()
    return length < 0 ? null : this.in.utf8(length)
  }

  bytes(): Buffer {
    return Buffer.from(this.in.view(Math.max(this.in.int32(), 0)))
  }
}

import { DataError } from 'penstock/api'
import { readLsn } from '../offsets/lsn.ts'
import type { ReplicaIdentity } from '../schema/table-catalog.ts'
import type { DeliveredColumn, Relation } from '../schema/table-shape.ts'
import { pgEpochMicros } from './replication-protocol.ts'

/**
 * Parsers of the pgoutput messages, protocol version 1 (Postgres 10 and later).
 * @see https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */

export const messageTag = {
  begin: 0x42,
  commit: 0x43,
  origin: 0x4f,
  relation: 0x52,
  type: 0x59,
  insert: 0x49,
  update: 0x55,
  delete: 0x44,
  truncate: 0x54,
  message: 0x4d,
} as const

export interface Begin {
  /** LSN of the commit record. Transactions arrive in the order of their commits. */
  readonly finalLsn: number
  /** Commit time in microseconds of the Unix epoch. */
  readonly micros: number
  readonly xid: number
}

/** Reads a TimestampTz at `position` as microseconds of the Unix epoch. */
function readMicros(bytes: Buffer, position: number): number {
  return bytes.readInt32BE(position) * 2 ** 32 + bytes.readUInt32BE(position + 4) + pgEpochMicros
}

export function readBegin(bytes: Buffer, start: number): Begin {
  return {
    finalLsn: readLsn(bytes, start + 1),
    micros: readMicros(bytes, start + 9),
    xid: bytes.readUInt32BE(start + 17),
  }
}

/** Returns the LSN after the commit record. */
export function readCommitEnd(bytes: Buffer, start: number): number {
  return readLsn(bytes, start + 10)
}

export function readRelation(bytes: Buffer, start: number): Relation {
  let position = start + 5
  const text = (): string => {
    const end = bytes.indexOf(0, position)
    const value = bytes.toString('utf8', position, end)
    position = end + 1
    return value
  }
  const schema = text()
  const name = text()
  const identity = String.fromCharCode(bytes[position] ?? 0)
  if (!isIdentity(identity)) throw new DataError(`unknown replica identity "${identity}" of ${schema}.${name}`)
  const count = bytes.readInt16BE(position + 1)
  position += 3
  const columns: DeliveredColumn[] = []
  for (let i = 0; i < count; i += 1) {
    const inIdentity = ((bytes[position] ?? 0) & 1) === 1
    position += 1
    const column = text()
    columns.push({
      name: column,
      typeOid: bytes.readUInt32BE(position),
      typmod: bytes.readInt32BE(position + 4),
      inIdentity,
    })
    position += 8
  }
  // The schema pg_catalog is sent as an empty name.
  return { oid: bytes.readUInt32BE(start + 1), schema: schema === '' ? 'pg_catalog' : schema, name, identity, columns }
}

function isIdentity(text: string): text is ReplicaIdentity {
  return text === 'd' || text === 'n' || text === 'f' || text === 'i'
}

/** Returns the oids of the tables in a Truncate message. */
export function readTruncated(bytes: Buffer, start: number): number[] {
  const count = bytes.readInt32BE(start + 1)
  return Array.from({ length: count }, (_, i) => bytes.readUInt32BE(start + 6 + i * 4))
}

/** A message of `pg_logical_emit_message`. */
export interface LogicalMessage {
  /** Whether it is sent as part of its transaction. Others are sent at their place in the WAL, even if their transaction is rolled back. */
  readonly transactional: boolean
  /** The LSN after the WAL record of the message. */
  readonly lsn: number
  readonly prefix: string
  readonly content: Buffer
}

export function readMessage(bytes: Buffer, start: number): LogicalMessage {
  const prefixEnd = bytes.indexOf(0, start + 10)
  const contentStart = prefixEnd + 5
  const contentEnd = contentStart + bytes.readInt32BE(prefixEnd + 1)
  return {
    transactional: ((bytes[start + 1] ?? 0) & 1) === 1,
    lsn: readLsn(bytes, start + 2),
    prefix: bytes.toString('utf8', start + 10, prefixEnd),
    content: Buffer.from(bytes.subarray(contentStart, contentEnd)),
  }
}

/** Returns whether two Relation messages announce the same columns. */
export function sameRelation(a: Relation, b: Relation): boolean {
  return (
    a.schema === b.schema &&
    a.name === b.name &&
    a.identity === b.identity &&
    a.columns.length === b.columns.length &&
    a.columns.every((column, i) => {
      const other = b.columns[i]
      return (
        other !== undefined &&
        column.name === other.name &&
        column.typeOid === other.typeOid &&
        column.typmod === other.typmod &&
        column.inIdentity === other.inIdentity
      )
    })
  )
}

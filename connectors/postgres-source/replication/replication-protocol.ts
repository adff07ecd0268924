/** Microseconds from the Unix epoch to the Postgres epoch, 2000-01-01. */
export const pgEpochMicros = 946_684_800_000_000

/**
 * First bytes of the CopyData payloads that the server sends.
 * @see https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-XLOGDATA
 */
export const frame = { walData: 0x77, keepalive: 0x6b } as const
/** Offset of the pgoutput message in a walData frame. */
export const walDataHeader = 25

/**
 * Builds a standby status update: what was received, and what is durable downstream (I2). `nowMs` is the Unix time.
 * @see https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-STANDBY-STATUS-UPDATE
 */
export function statusUpdate(received: number, confirmed: number, nowMs: number, replyRequested: boolean): Buffer {
  const bytes = Buffer.alloc(34)
  bytes[0] = 0x72
  writeUnsigned(bytes, 1, Math.max(received, confirmed))
  writeUnsigned(bytes, 9, confirmed)
  writeUnsigned(bytes, 17, confirmed)
  writeUnsigned(bytes, 25, Math.max(0, Math.floor(nowMs * 1000) - pgEpochMicros))
  bytes[33] = replyRequested ? 1 : 0
  return bytes
}

function writeUnsigned(bytes: Buffer, position: number, value: number): void {
  const high = Math.floor(value / 2 ** 32)
  bytes.writeUInt32BE(high, position)
  bytes.writeUInt32BE(value - high * 2 ** 32, position + 4)
}

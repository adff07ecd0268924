import { DataError } from 'penstock/api'

/**
 * Log sequence numbers (LSN), positions in the WAL, as numbers: exact up to 2^53, which is 8 PiB of WAL.
 * The text form is that of `pg_lsn`: `16/B374D848`.
 * @see https://www.postgresql.org/docs/current/datatype-pg-lsn.html
 */
export function parseLsn(text: string): number {
  const [, high = '', low = ''] = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text) ?? []
  return checked(Number.parseInt(high, 16) * 2 ** 32 + Number.parseInt(low, 16), text)
}

export function formatLsn(lsn: number): string {
  const high = Math.floor(lsn / 2 ** 32)
  return `${high.toString(16).toUpperCase()}/${(lsn - high * 2 ** 32).toString(16).toUpperCase()}`
}

/** Reads an LSN, or any unsigned 64-bit number that fits a double, at `position`. */
export function readLsn(bytes: Buffer, position: number): number {
  const lsn = bytes.readUInt32BE(position) * 2 ** 32 + bytes.readUInt32BE(position + 4)
  return lsn <= Number.MAX_SAFE_INTEGER ? lsn : checked(lsn, `at byte ${position}`)
}

function checked(lsn: number, what: string): number {
  if (Number.isSafeInteger(lsn)) return lsn
  throw new DataError(`cannot parse the WAL position (LSN) ${what}`)
}

/**
 * The version of a row: (epoch × 2^43 + commit LSN / 8) × 1024 + the change's index in its transaction, at most 1023. WAL
 * records start at multiples of 8 bytes. A snapshot row has the position of its slot and index 0. Sinks use the version
 * to ignore replayed changes (I12). See docs/decisions/0014-row-version.md and 0018-lines-and-epochs.md.
 */
export const versionsPerCommit = 1024
const positionsPerEpoch = 2n ** 43n
const versionsPerEpoch = positionsPerEpoch * BigInt(versionsPerCommit)

/** The last epoch whose versions fit 63 bits, the limit of Elasticsearch. */
export const lastEpoch = 1023

/** A bigint for each index, because a lookup is cheaper than a conversion. */
const indexes = Array.from({ length: versionsPerCommit }, (_, index) => BigInt(index))
const lastIndex = BigInt(versionsPerCommit - 1)

/** The version of a transaction's first change. */
export function firstVersion(epoch: number, commitLsn: number): bigint {
  return BigInt(epoch) * versionsPerEpoch + BigInt(Math.floor(commitLsn / 8)) * BigInt(versionsPerCommit)
}

/** The version of the change with this index (from 0), given that of its transaction's first change. */
export function versionAt(first: bigint, index: number): bigint {
  return BigInt.asIntN(64, first + (indexes[index] ?? lastIndex))
}

/** The epoch of a version; 0 in the layout without epochs. LSNs past 64 TiB overflow into it. */
export function epochOf(version: bigint): number {
  return Number(version / versionsPerEpoch)
}

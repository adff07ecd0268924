import { BrokerError } from '../broker-error.ts'

const smallestLimit = 256
const largestShare = 16_384
/** Used where the limit of open files is unknown: the minimum of macOS. */
const unknownLimit = 1024

/** How the file descriptors of the process are divided. The rest is for clients, tasks and everything else in the process. */
export interface DescriptorBudget {
  readonly limit: number
  /** For files of partition logs. */
  readonly files: number
  readonly connections: number
}

/** @throws BrokerError when the limit is too small to run with. */
export function descriptorBudget(limit: number | null): DescriptorBudget {
  const known = limit ?? unknownLimit
  if (known < smallestLimit) {
    throw new BrokerError(
      `BROKER_FEW_DESCRIPTORS: this process may open ${known} files, and the broker needs ${smallestLimit} at least. Raise the ` +
        'limit before the start: ulimit -n 65536, LimitNOFILE= of systemd, or --ulimit nofile= of Docker.',
    )
  }
  return { limit: known, files: Math.min(Math.floor(known / 2), largestShare), connections: Math.floor(known / 4) }
}

/** Returns a warning when there are more partitions than descriptors for them; null when there are not. */
export function budgetWarning({ limit, files }: DescriptorBudget, partitions: number): string | null {
  if (partitions <= files) return null
  return (
    `${partitions} partitions share ${files} descriptors, half of the ${limit} files that this process may open: files are closed ` +
    `and opened again as they are used. To write to all of them at full speed, allow ${4 * partitions} (ulimit -n) or more`
  )
}

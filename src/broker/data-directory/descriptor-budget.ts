import { BrokerError } from '../broker-error.ts'

const smallestLimit = 256
const largestShare = 16_384
/** Where the system does not say how many files may be open: what macOS allows at least. */
const unknownLimit = 1024

/** How the descriptors of the process are divided: what is left is for clients, tasks and everything else in the process. */
export interface DescriptorBudget {
  readonly limit: number
  /** For files of the logs. */
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

/** What to say at the start when the partitions do not fit into the budget; null when they do. */
export function budgetWarning({ limit, files }: DescriptorBudget, partitions: number): string | null {
  if (partitions <= files) return null
  return (
    `${partitions} partitions share ${files} descriptors, half of the ${limit} files that this process may open: files are closed ` +
    `and opened again as they are used. To write to all of them at full speed, allow ${4 * partitions} (ulimit -n) or more`
  )
}

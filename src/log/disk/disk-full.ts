import type { FileSystem } from './file-system.ts'
import { LogError, StorageError } from '../log-error.ts'

const fullCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

/** Begins the text of every error that a full disk causes; clients show it as the code of a condition. */
export const diskFullCode = 'BROKER_DISK_FULL'

/** Space that is kept for what frees space. */
export interface SpaceReserve {
  /** Runs `action`; when the disk is full, once more with the room of the reserve. */
  use<T>(action: () => Promise<T>): Promise<T>
}

/** For a log without a reserve. */
export const noReserve: SpaceReserve = { use: (action) => action() }

/** Returns whether an error comes from the system: such errors have a code such as `EIO`. */
function isSystemError(error: unknown): error is Error & { readonly code: string } {
  if (error instanceof LogError || !(error instanceof Error) || !('code' in error)) return false
  return typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code)
}

/** Returns whether the reason is a full disk or an exhausted quota. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code: unknown = 'code' in error ? error.code : undefined
  return typeof code === 'string' && fullCodes.has(code)
}

/** Returns the message about a full disk below `path` with `free` bytes left: where it is, and what to do. */
export function diskFullAdvice(path: string, free: number | null): string {
  const amount = free === null ? '' : ` (${sizeText(free)} free)`
  return (
    `${diskFullCode}: the disk of ${path} is full${amount}. Free space on it, delete topics or records, or lower retention.ms; ` +
    'these work on a full disk. Acknowledged records are safe, and writes continue by themselves when there is room'
  )
}

/**
 * A failure of the system below `path` as a StorageError; `what` says what failed. Any other error is returned as it is: a
 * client would retry a programming error indefinitely.
 */
export function asStorageError(fs: FileSystem, path: string, cause: unknown, what = ''): unknown {
  if (!isSystemError(cause)) return cause
  const text = `${path}: ${what === '' ? '' : `${what}: `}${cause.message}`
  return new StorageError(isDiskFull(cause) ? `${diskFullAdvice(path, fs.freeBytes(path))} (${text})` : text, { cause })
}

function sizeText(bytes: number): string {
  const mebibytes = bytes / 1024 / 1024
  return mebibytes >= 1 ? `${Math.floor(mebibytes)} MiB` : `${Math.floor(bytes / 1024)} KiB`
}

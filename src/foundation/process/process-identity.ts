import { readFileSync } from 'node:fs'

/** A process. `start` distinguishes it from a later process with the same pid; empty if the system does not report it. */
export interface ProcessIdentity {
  readonly pid: number
  readonly start: string
}

/** Returns the identity of the process with that pid. */
export function identityOf(pid: number): ProcessIdentity {
  // Clock ticks since the system booted: field 22 of proc_pid_stat(5).
  return { pid, start: statusOf(pid)?.[19] ?? '' }
}

/** Returns whether the process still runs, and its pid was not reused. */
export function lives({ pid, start }: ProcessIdentity): boolean {
  return isAlive(pid) && (start === '' || start === identityOf(pid).start)
}

/** Returns whether a process with that pid runs. A zombie does not. */
export function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs as another user.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  return statusOf(pid)?.[0] !== 'Z'
}

/** Returns the fields of /proc/<pid>/stat from the state on; null if there is no such process or file. */
function statusOf(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The process name before it is in parentheses and may contain any character.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null // gone, or a system without /proc
  }
}

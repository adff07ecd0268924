import { readFileSync } from 'node:fs'

/** A process; its start tells it from a later one of the same number. Empty where the system does not tell it. */
export interface ProcessIdentity {
  readonly pid: number
  readonly start: string
}

/** Who the process of that number is. */
export function identityOf(pid: number): ProcessIdentity {
  // In ticks since the machine was started.
  return { pid, start: statusOf(pid)?.[19] ?? '' }
}

/** Whether the process still runs, and is not another one of its number. */
export function lives({ pid, start }: ProcessIdentity): boolean {
  return isAlive(pid) && (start === '' || start === identityOf(pid).start)
}

/** Whether a process of that number runs. One that ended and that its parent has not asked for yet does not. */
export function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, and is another user's.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  return statusOf(pid)?.[0] !== 'Z'
}

/** The fields of /proc/<pid>/stat from the state on; null without such a process or such a file. */
function statusOf(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name before it is in brackets, and may hold anything.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null // gone, or a system without /proc
  }
}

/** Places where a crash does the most harm. Tests kill the process there. */
export type FailPoint = 'segment-roll' | 'after-ack-before-offset' | 'after-upload-before-commit'

const [wanted, count] = (process.env['PENSTOCK_FAIL_POINT'] ?? '').split('@')
let left = Number(count ?? 1)

/**
 * Kills the process with SIGKILL at the n-th call in this thread if the environment has `PENSTOCK_FAIL_POINT=<name>@<n>`;
 * otherwise does nothing.
 */
export function failPoint(name: FailPoint): void {
  if (name !== wanted) return
  left -= 1
  if (left === 0) process.kill(process.pid, 'SIGKILL')
}

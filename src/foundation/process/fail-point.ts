/** Places where a crash is at its worst; a test ends the process there. */
export type FailPoint = 'segment-roll' | 'after-ack-before-offset' | 'after-upload-before-commit'

const [wanted, count] = (process.env['PENSTOCK_FAIL_POINT'] ?? '').split('@')
let left = Number(count ?? 1)

/**
 * Ends the process as `kill -9` would, when the environment says `PENSTOCK_FAIL_POINT=<name>@<n>` and this is the n-th
 * pass in this thread. Without the variable it does nothing.
 */
export function failPoint(name: FailPoint): void {
  if (name !== wanted) return
  left -= 1
  if (left === 0) process.kill(process.pid, 'SIGKILL')
}

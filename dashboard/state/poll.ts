/** At most one request per second, and the worker is busy with them for at most a twentieth of the time. */
const minIntervalMs = 1000
const dutyFactor = 20
const maxIntervalMs = 10_000

export interface Poll {
  /** Reads immediately instead of after the interval; while a reading is in progress, once more after it. */
  readonly now: () => void
  readonly stop: () => void
}

/**
 * Calls `read` again and again while the page is visible. Its errors are its own: it shows them.
 * @param intervalMs at least 1000
 */
export function poll(read: (signal: AbortSignal) => Promise<void>, intervalMs = minIntervalMs): Poll {
  let timer: number | undefined
  let isReading = false
  let isAskedAgain = false
  let isStopped = false
  const controller = new AbortController()
  const next = (): void => {
    clearTimeout(timer)
    if (isStopped || isReading || document.hidden) return
    void once()
  }
  const once = async (): Promise<void> => {
    isReading = true
    isAskedAgain = false
    const began = performance.now()
    await read(controller.signal)
    isReading = false
    const spent = performance.now() - began
    clearTimeout(timer)
    const wait = isAskedAgain ? minIntervalMs : intervalAfter(spent, intervalMs)
    if (!isStopped) timer = setTimeout(next, wait)
  }
  document.addEventListener('visibilitychange', next)
  next()
  return {
    now: () => {
      isAskedAgain = isReading
      next()
    },
    stop: () => {
      isStopped = true
      clearTimeout(timer)
      controller.abort()
      document.removeEventListener('visibilitychange', next)
    },
  }
}

/** A slow worker, or a large response, is asked less often. */
function intervalAfter(spentMs: number, intervalMs: number): number {
  return Math.max(minIntervalMs, intervalMs, Math.min(maxIntervalMs, spentMs * dutyFactor))
}

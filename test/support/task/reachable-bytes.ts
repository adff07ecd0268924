import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Collects what nothing refers to. A weak reference that was read in this turn of the event loop still holds its object. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}

/**
 * The bytes of this thread that a garbage collection leaves: heap and buffers. What a process takes of the machine (RSS) also
 * depends on when the collector finds time to run.
 */
export function reachableBytes(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

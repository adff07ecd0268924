import type { Clock } from '../../src/foundation/clock.ts'

/** `every` of a clock that has `after`; the answer stops it. */
export function repeating(clock: Pick<Clock, 'after'>, ms: number, action: () => void): () => void {
  let stop = (): void => undefined
  const again = (): void => {
    stop = clock.after(ms, () => {
      again()
      action()
    })
  }
  again()
  return () => stop()
}

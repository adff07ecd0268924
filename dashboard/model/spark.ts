import type { Point } from './history.ts'

import { ratesOf } from './history.ts'

interface Size {
  readonly width: number
  readonly height: number
}

/** How much of the past a line shows, and in how many steps. */
const shownMs = 5 * 60_000
const steps = 60

/** The path of the rates of the last five minutes, its right edge now; null while there are fewer than two rates. */
export function sparkPath(points: readonly Point[], value: 'read' | 'written', { width, height }: Size): string | null {
  const now = points.at(-1)?.time ?? 0
  const recent = points.filter(({ time }) => time >= now - shownMs)
  const rates = ratesOf(recent, value, shownMs / steps)
  if (rates.length < 2) return null
  const highest = Math.max(...rates.map(({ perSecond }) => perSecond ?? 0), 1e-9)
  const coordinates = rates.map(({ time, perSecond }) => {
    const x = width - ((now - time) / shownMs) * width
    const y = height - 1 - ((perSecond ?? 0) / highest) * (height - 2)
    return `${x.toFixed(1)} ${y.toFixed(1)}`
  })
  return `M${coordinates.join('L')}`
}

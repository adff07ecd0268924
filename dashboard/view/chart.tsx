import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'

import type { Columns } from '../model/chart-data.ts'

import { count } from '../model/format.ts'
import { theme } from '../state/theme.ts'

export interface ChartLine {
  readonly label: string
  /** Dashed lines are distinct without colour. */
  readonly isDashed?: boolean
}

interface ChartProps {
  /** What it shows, for screen readers. */
  readonly label: string
  readonly unit: string
  readonly lines: readonly ChartLine[]
  readonly columns: Columns
  readonly range: readonly [number, number]
}

const height = 168
/** Records are whole. */
const wholeSteps = [1, 2, 5]
  .flatMap((step) => Array.from({ length: 10 }, (_, power) => step * 10 ** power))
  .toSorted((a, b) => a - b)

/** Lines over the last fifteen minutes. */
export function Chart({ label, unit, lines, columns, range }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const shown = useRef(range)
  shown.current = range
  const names = lines.map((line) => line.label).join()
  useEffect(() => {
    const element = place.current
    if (element === null) return undefined
    const made = new uPlot(optionsOf(element, { lines, unit, range: () => shown.current }), dataOf(columns), element)
    plot.current = made
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    resized.observe(element)
    return () => {
      resized.disconnect()
      made.destroy()
    }
    // The data follows below.
  }, [names, unit, theme.value])
  useEffect(() => {
    plot.current?.setData(dataOf(columns))
  }, [columns])
  return <div class="chart" ref={place} role="img" aria-label={label} />
}

function dataOf(columns: Columns): uPlot.AlignedData {
  return columns.map((column) => [...column]) as uPlot.AlignedData
}

interface Appearance {
  readonly lines: readonly ChartLine[]
  readonly unit: string
  readonly range: () => readonly [number, number]
}

function optionsOf(element: HTMLElement, { lines, unit, range }: Appearance): uPlot.Options {
  const style = getComputedStyle(element)
  const colour = (name: string): string => style.getPropertyValue(name).trim()
  const axis = {
    stroke: colour('--muted'),
    font: `11px ${colour('--sans')}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width: element.clientWidth,
    height,
    padding: [8, 6, 0, 0],
    cursor: { y: false, points: { size: 6 } },
    legend: { live: true },
    scales: {
      x: { range: () => [...range()] as [number, number] },
      y: { range: (_, __, highest) => [0, Math.max(5, (highest ?? 0) * 1.1)] },
    },
    axes: [
      { ...axis, grid: { show: false }, values: (_, splits) => splits.map(clockTime), space: 70, size: 26 },
      { ...axis, size: 44, space: 34, incrs: wholeSteps, values: (_, splits) => splits.map((value) => count(value)) },
    ],
    series: [
      { label: 'Time', value: (_, at) => (at === null ? '–' : clockTime(at)) },
      ...lines.map(({ label, isDashed = false }, at) => ({
        label,
        stroke: at === 0 ? colour('--accent') : colour('--muted'),
        width: 1.4,
        ...(isDashed ? { dash: [4, 3] } : {}),
        points: { show: false },
        value: (_: uPlot, value: number | null) => (value === null ? '–' : `${count(value)}${unit}`),
      })),
    ],
  }
}

/** `14:03`, with seconds where they differ from 0. */
function clockTime(seconds: number): string {
  const text = new Date(seconds * 1000).toLocaleTimeString('en-GB')
  return text.endsWith(':00') ? text.slice(0, 5) : text
}

import { clippedTo, displayWidth, printable, wrapped } from './text.ts'
import type { Paint, Style } from './terminal.ts'

/** A cell: text, or text with a style. */
export type Cell = string | { readonly text: string; readonly style: Style }

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** What happens where the terminal is too narrow; columns without it keep their width. */
  readonly narrow?: 'cut' | 'wrap'
}

const gap = 2
/** A column that gives way keeps so much. */
const least = 12

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text)

/**
 * The lines of a table that fits into `width` columns: the columns with `narrow` give way, the widest first. Texts of others
 * cannot steer the terminal.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  { width, paint }: { readonly width: number; readonly paint: Paint },
): readonly string[] {
  const cells = rows.map((row) =>
    row.map((cell) => ({ text: printable(textOf(cell)), style: typeof cell === 'string' ? null : cell.style })),
  )
  const widths = fitted(
    columns,
    columns.map(({ title }, at) =>
      Math.max(displayWidth(title), ...cells.map((row) => displayWidth(row[at]?.text ?? ''))),
    ),
    width,
  )
  const aligned = (text: string, at: number): string => {
    const blanks = ' '.repeat(Math.max(0, (widths[at] ?? 0) - displayWidth(text)))
    if (columns[at]?.align === 'right') return blanks + text
    return at === columns.length - 1 ? text : text + blanks
  }
  const head = columns.map(({ title }, at) => paint('dim', aligned(clippedTo(title, widths[at] ?? 0), at)))
  const body = cells.flatMap((row) => {
    const parts = columns.map(({ narrow }, at) => {
      const [text, most] = [row[at]?.text ?? '', widths[at] ?? 0]
      return narrow === 'wrap' ? wrapped(text, most) : [clippedTo(text, most)]
    })
    const height = Math.max(...parts.map((lines) => lines.length))
    return Array.from({ length: height }, (_, line) =>
      columns
        .map((_column, at) => {
          const [text, style] = [aligned(parts[at]?.[line] ?? '', at), row[at]?.style ?? null]
          return style === null ? text : paint(style, text)
        })
        .join(' '.repeat(gap))
        .trimEnd(),
    )
  })
  return [head.join(' '.repeat(gap)).trimEnd(), ...body]
}

function fitted(columns: readonly Column[], natural: readonly number[], width: number): readonly number[] {
  const widths = [...natural]
  const over = (): number => widths.reduce((sum, each) => sum + each, gap * (widths.length - 1)) - width
  while (over() > 0) {
    const flexible = widths
      .map((each, at) => ({ each, at }))
      .filter(({ each, at }) => columns[at]?.narrow !== undefined && each > least)
      .toSorted((a, b) => b.each - a.each)
    const [widest, next] = flexible
    if (widest === undefined) break
    const step = Math.max(1, Math.min(over(), widest.each - Math.max(next?.each ?? least, least)))
    widths[widest.at] = widest.each - step
  }
  return widths
}

/** Lines `name  value`, the values below each other. */
export function pairs(
  entries: readonly (readonly [name: string, value: Cell])[],
  { width, paint, indent = 0 }: { readonly width: number; readonly paint: Paint; readonly indent?: number },
): readonly string[] {
  const most = Math.max(0, ...entries.map(([name]) => displayWidth(printable(name))))
  const margin = indent + most + gap
  return entries.flatMap(([name, value]) => {
    const style = typeof value === 'string' ? null : value.style
    const room = Math.max(least, width - margin)
    const lines = textOf(value)
      .split('\n')
      .flatMap((line) => wrapped(printable(line), room))
    const label = printable(name)
    return lines.map((line, at) => {
      const lead = ' '.repeat(indent) + (at === 0 ? paint('dim', label) : '')
      const blanks = ' '.repeat(margin - indent - (at === 0 ? displayWidth(label) : 0))
      return (lead + blanks + (style === null ? line : paint(style, line))).trimEnd()
    })
  })
}

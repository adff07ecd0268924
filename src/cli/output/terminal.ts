import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Where a command writes, and what that can show. */
export interface Terminal {
  /** Columns of a line; Infinity when it is not a terminal. */
  readonly columns: number
  readonly rows: number
  /** Whether a person looks at it, and can be asked. */
  readonly isInteractive: boolean
  /** Whether standard output and standard error are terminals. */
  readonly isTerminal: boolean
  readonly isErrorTerminal: boolean
  readonly hasColors: boolean
  write(text: string): void
  writeError(text: string): void
}

/** Colours only where a person sees them, and has not refused them: https://no-color.org. */
export function colorsWanted(
  stream: { readonly isTTY?: boolean; hasColors?(): boolean },
  env: NodeJS.ProcessEnv,
): boolean {
  return (
    stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb' && stream.hasColors?.() !== false
  )
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr } = process
  return {
    get columns() {
      return stdout.isTTY ? stdout.columns : Number.POSITIVE_INFINITY
    },
    get rows() {
      return stdout.isTTY ? stdout.rows : Number.POSITIVE_INFINITY
    },
    isInteractive: stdin.isTTY && stderr.isTTY,
    isTerminal: stdout.isTTY,
    isErrorTerminal: stderr.isTTY,
    hasColors: colorsWanted(stdout, process.env),
    write: (text) => void stdout.write(text),
    writeError: (text) => void stderr.write(text),
  }
}

/** Colours a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string

export function painter(hasColors: boolean): Paint {
  return (style, text) => (hasColors && text !== '' ? styleText(style, text, { validateStream: false }) : text)
}

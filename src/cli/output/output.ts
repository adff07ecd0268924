import { pairs, table, type Cell, type Column } from './table.ts'
import { painter, type Paint, type Terminal } from './terminal.ts'

/** Prints what a command found: for a person, or with `--json` for a program. */
export class Output {
  readonly terminal: Terminal
  readonly json: boolean
  readonly paint: Paint

  constructor(terminal: Terminal, json: boolean) {
    this.terminal = terminal
    this.json = json
    this.paint = painter(terminal.hasColors && !json)
  }

  /** Prints the result. `lines` is called for a person only. */
  result(value: unknown, lines: () => readonly string[]): void {
    if (this.json) this.terminal.write(`${JSON.stringify(value, null, 2)}\n`)
    else this.lines(lines())
  }

  /** Prints one of many results, as a line of JSON for a program. */
  event(value: unknown, lines: () => readonly string[]): void {
    if (this.json) this.terminal.write(`${JSON.stringify(value)}\n`)
    else this.lines(lines())
  }

  lines(lines: readonly string[]): void {
    if (lines.length > 0) this.terminal.write(`${lines.join('\n')}\n`)
  }

  /** Says something about the result, where it does not disturb a program that reads it. */
  remark(text: string): void {
    this.terminal.writeError(`${text}\n`)
  }

  table(columns: readonly Column[], rows: readonly (readonly Cell[])[], indent = 0): readonly string[] {
    const lines = table(columns, rows, { width: this.terminal.columns - indent, paint: this.paint })
    return lines.map((line) => `${' '.repeat(indent)}${line}`)
  }

  pairs(entries: readonly (readonly [name: string, value: Cell])[], indent = 0): readonly string[] {
    return pairs(entries, { width: this.terminal.columns, paint: this.paint, indent })
  }
}

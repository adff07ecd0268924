import type { Cell } from './table.ts'
import type { Style } from './terminal.ts'

const styles: Readonly<Record<string, Style>> = {
  RUNNING: 'green',
  PAUSED: 'yellow',
  STOPPED: 'yellow',
  FAILED: 'red',
  RESTARTING: 'cyan',
  UNASSIGNED: 'yellow',
}

/** The state of a connector or task as a cell. */
export function stateCell(state: string): Cell {
  const style = styles[state]
  return style === undefined ? state : { text: state, style }
}

/** The tasks of a connector in a few words: `2`, `1 of 2 running`, `1 FAILED of 2`. */
export function tasksText(states: readonly string[]): string {
  const failed = states.filter((state) => state === 'FAILED').length
  if (failed > 0) return `${failed} FAILED of ${states.length}`
  const running = states.filter((state) => state === 'RUNNING').length
  return running === states.length || running === 0 ? String(states.length) : `${running} of ${states.length} running`
}

/** The first line of a stack trace, which says what failed. */
export function causeOf(trace: string | undefined): string {
  return (trace ?? '').split('\n')[0]?.trim() ?? ''
}

import type { ShownState } from '../model/connector-view.ts'

const words: Readonly<Record<ShownState, string>> = {
  RUNNING: 'running',
  DEGRADED: 'degraded',
  FAILED: 'failed',
  PAUSED: 'paused',
  STOPPED: 'stopped',
  UNASSIGNED: 'unassigned',
  RESTARTING: 'restarting',
  DESTROYED: 'deleted',
}

/** A state as a word with a mark whose form and colour differ, too. */
export function StateMark({ state }: { readonly state: ShownState }) {
  return (
    <span class={`state ${words[state]}`}>
      <svg viewBox="0 0 10 10" aria-hidden="true">
        <path d={forms[state] ?? circle} />
      </svg>
      {words[state]}
    </span>
  )
}

const circle = 'M5 1.2a3.8 3.8 0 1 1 0 7.6a3.8 3.8 0 1 1 0-7.6z'
const forms: Readonly<Partial<Record<ShownState, string>>> = {
  FAILED: 'M1.2 1.2h7.6v7.6h-7.6z',
  DEGRADED: 'M5 .8 9.4 9H.6z',
  PAUSED: 'M1.8 1.2h2.2v7.6H1.8zM6 1.2h2.2v7.6H6z',
  STOPPED: 'M1.2 4h7.6v2H1.2z',
}

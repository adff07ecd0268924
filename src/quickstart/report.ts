import { errorMessage } from '../foundation/error-message.ts'
import { styleText } from 'node:util'

import type { Clock } from '../foundation/clock.ts'
import { withoutPassword } from '../servers/process/server.ts'

/** The events of the quickstart, in order. */
export type Event =
  | { readonly event: 'progress'; readonly step: string; readonly text: string }
  | { readonly event: 'step'; readonly step: string; readonly text: string; readonly seconds: number }
  | { readonly event: 'missing'; readonly step: string; readonly text: string }
  | { readonly event: 'summary'; readonly text: string; readonly [fact: string]: string | number }
  | { readonly event: 'hint'; readonly text: string }
  | { readonly event: 'end'; readonly text: string }

/** Writes events as text or as JSON. */
export class Report {
  readonly #write: (line: string) => void
  readonly #json: boolean
  readonly #colors: boolean
  readonly #clock: Clock
  readonly #signal: AbortSignal

  constructor(options: {
    readonly json: boolean
    readonly colors?: boolean
    readonly clock: Clock
    readonly signal: AbortSignal
    readonly write: (line: string) => void
  }) {
    this.#write = options.write
    this.#json = options.json
    this.#colors = options.colors ?? false
    this.#clock = options.clock
    this.#signal = options.signal
  }

  tell(event: Event): void {
    this.#write(this.#json ? JSON.stringify(event) : asText(event, this.#colors))
  }

  /** Runs a step and reports its text and duration. Reports an error as `missing`, unless the signal fired, and returns null. */
  async step<T>(step: string, action: () => Promise<{ readonly text: string; readonly value: T }>): Promise<T | null> {
    const started = this.#clock.monotonic()
    try {
      const { text, value } = await action()
      this.tell({ event: 'step', step, text, seconds: Math.round(this.#clock.monotonic() - started) / 1000 })
      return value
    } catch (error) {
      if (!this.#signal.aborted) this.tell({ event: 'missing', step, text: withoutPassword(errorMessage(error)) })
      return null
    }
  }
}

const labelWidth = 14
/** The text of a step is a place, two spaces and a description. Lines fit into 100 columns. */
const [whereWidth, whatWidth] = [34, 38]
const indent = ' '.repeat(labelWidth + 3)

function asText(event: Event, colors: boolean): string {
  const paint = (style: 'green' | 'red' | 'dim' | 'bold', text: string): string =>
    colors ? styleText(style, text, { validateStream: false }) : text
  switch (event.event) {
    case 'progress':
      return paint('dim', `… ${event.step.padEnd(labelWidth)} ${event.text}`)
    case 'step': {
      const [where = '', ...what] = event.text.split('  ')
      const text = `${where.padEnd(whereWidth)}  ${what.join('  ').padEnd(whatWidth)}`
      const time = paint('dim', `${event.seconds.toFixed(1).padStart(5)} s`)
      return `${paint('green', '✔')} ${event.step.padEnd(labelWidth)} ${text} ${time}`
    }
    case 'missing':
      return `${paint('red', '✖')} ${event.step.padEnd(labelWidth)} ${event.text.replaceAll('\n', `\n${indent}`)}`
    case 'summary':
    case 'hint':
    case 'end': {
      const [title = '', ...lines] = event.text.split('\n')
      if (lines.length === 0) return `  ${title}`
      return ['', `  ${paint('bold', title)}`, ...lines.map((line) => `  ${line}`), ''].join('\n')
    }
  }
}

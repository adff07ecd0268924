import type { Clock } from '../../foundation/clock.ts'
import { withoutPassword } from '../../servers/server.ts'
import { reasonOf } from '../../servers/server-error.ts'

/** What the quickstart tells, in its order. */
export type Event =
  | { readonly event: 'progress'; readonly step: string; readonly text: string }
  | { readonly event: 'step'; readonly step: string; readonly text: string; readonly seconds: number }
  | { readonly event: 'missing'; readonly step: string; readonly text: string }
  | { readonly event: 'summary'; readonly text: string; readonly [fact: string]: string | number }
  | { readonly event: 'hint'; readonly text: string }
  | { readonly event: 'end'; readonly text: string }

/** Writes events as text for a person or as JSON for a program. */
export class Report {
  readonly #write: (line: string) => void
  readonly #json: boolean
  readonly #clock: Clock
  readonly #signal: AbortSignal

  constructor(options: {
    readonly json: boolean
    readonly clock: Clock
    readonly signal: AbortSignal
    readonly write: (line: string) => void
  }) {
    this.#write = options.write
    this.#json = options.json
    this.#clock = options.clock
    this.#signal = options.signal
  }

  tell(event: Event): void {
    this.#write(this.#json ? JSON.stringify(event) : asText(event))
  }

  /** Times a step. Its answer's text is told; a failure is told as missing, unless the signal was its cause, and answers null. */
  async step<T>(step: string, action: () => Promise<{ readonly text: string; readonly value: T }>): Promise<T | null> {
    const started = this.#clock.monotonic()
    try {
      const { text, value } = await action()
      this.tell({ event: 'step', step, text, seconds: Math.round(this.#clock.monotonic() - started) / 1000 })
      return value
    } catch (error) {
      if (!this.#signal.aborted) this.tell({ event: 'missing', step, text: withoutPassword(reasonOf(error)) })
      return null
    }
  }
}

const labelWidth = 14
/** A step fits into a terminal of 100 columns. */
const textWidth = 74

function asText(event: Event): string {
  switch (event.event) {
    case 'progress':
      return `… ${event.step.padEnd(labelWidth)} ${event.text}`
    case 'step':
      return `✔ ${event.step.padEnd(labelWidth)} ${event.text.padEnd(textWidth)} ${event.seconds.toFixed(1)} s`
    case 'missing':
      return `✖ ${event.step.padEnd(labelWidth)} ${event.text.replaceAll('\n', `\n${' '.repeat(labelWidth + 3)}`)}`
    case 'summary':
    case 'hint':
    case 'end':
      return `  ${event.text.replaceAll('\n', '\n  ')}`
  }
}

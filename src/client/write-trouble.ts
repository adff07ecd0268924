import type { Clock } from '../foundation/clock.ts'
import { BrokerError } from './errors.ts'

/** What keeps records from being written while they are retried. */
export interface WriteTrouble {
  /** Capital letters: the broker's own code where its text begins with one, such as `BROKER_DISK_FULL`. */
  readonly code: string
  /** What is wrong, and what to do. */
  readonly message: string
}

/** What passes sooner (a leader that moves, a broker that restarts) is nobody's concern. */
const shownAfterMs = 3000
const codeAndText = /^([A-Z][A-Z0-9_]{3,63}): (.+)$/s

function troubleOf(error: Error): WriteTrouble & { readonly isNamed: boolean } {
  if (!(error instanceof BrokerError)) return { code: 'LOG_UNREACHABLE', message: retried(error), isNamed: false }
  const [, code, message] = codeAndText.exec(error.detail) ?? []
  if (code !== undefined && message !== undefined) return { code, message, isNamed: true }
  return { code: 'LOG_REFUSES_WRITES', message: retried(error), isNamed: false }
}

function retried({ message }: Error): string {
  return `records cannot be written and are retried: ${message}`
}

/** Places (partitions, topics) that records cannot be written to. Tells of one of them, for as long as there is one. */
export class TroubleWatch {
  /** Told of the trouble that stands, and null when it is over. Must not throw. */
  onChange: (trouble: WriteTrouble | null) => void = () => undefined
  readonly #clock: Clock
  readonly #places = new Map<string, WriteTrouble>()
  #shown: WriteTrouble | null = null
  #cancel: (() => void) | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A write failed and will be retried. The first error of a place stands until that place is over. */
  note(place: string, error: Error): void {
    const { isNamed, code, message } = troubleOf(error)
    const known = this.#places.get(place)
    if (known === undefined || (isNamed && known.code !== code)) this.#places.set(place, { code, message })
    if (isNamed) this.#show()
    else if (this.#shown === null) this.#cancel ??= this.#clock.after(shownAfterMs, () => this.#show())
  }

  /** Something was written there, or is given up. */
  over(place: string): void {
    if (this.#places.size === 0 || !this.#places.delete(place)) return
    if (this.#places.size === 0) this.close()
    else if (this.#shown !== null) this.#show()
  }

  /** Nothing is retried any more. */
  close(): void {
    this.#places.clear()
    this.#cancel?.()
    this.#cancel = null
    if (this.#shown === null) return
    this.#shown = null
    this.onChange(null)
  }

  #show(): void {
    this.#cancel?.()
    this.#cancel = null
    const all = [...this.#places.values()]
    const next = all.find(({ code }) => code === this.#shown?.code) ?? all[0]
    if (next === undefined || next.code === this.#shown?.code) return
    this.#shown = next
    this.onChange(next)
  }
}

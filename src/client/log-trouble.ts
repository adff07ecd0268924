import type { Clock } from '../foundation/clock.ts'
import { BrokerError } from './errors.ts'

/** Why records cannot be written or read. Attempts are being retried. */
export interface LogTrouble {
  /** A code in capital letters; the broker's own one if its message begins with one, such as `BROKER_DISK_FULL`. */
  readonly code: string
  /** What is wrong, and what to do. */
  readonly message: string
}

/** Trouble that ends sooner (a new leader, a broker that restarts) is not reported. */
export const shownAfterMs = 3000
const codeAndText = /^([A-Z][A-Z0-9_]{3,63}): (.+)$/s

/** The operation that is retried, for code and text. */
export type TroubledUse = 'written' | 'read'

const refusals: Readonly<Record<TroubledUse, string>> = { written: 'LOG_REFUSES_WRITES', read: 'LOG_REFUSES_READS' }

function troubleOf(use: TroubledUse, error: Error): LogTrouble & { readonly isNamed: boolean } {
  const retried = `records cannot be ${use} and are retried: ${error.message}`
  if (!(error instanceof BrokerError)) return { code: 'LOG_UNREACHABLE', message: retried, isNamed: false }
  const [, code, message] = codeAndText.exec(error.detail) ?? []
  if (code !== undefined && message !== undefined) return { code, message, isNamed: true }
  return { code: refusals[use], message: retried, isNamed: false }
}

/** Raises a condition or changes its text; null withdraws it. */
export type ConditionSetter = (code: string, message: string | null) => void

/** Returns a listener that raises a condition for each trouble, and withdraws the previous one. */
export function troubleConditions(setCondition: ConditionSetter): (trouble: LogTrouble | null) => void {
  let standing: string | null = null
  return (trouble) => {
    if (standing !== null && standing !== trouble?.code) setCondition(standing, null)
    standing = trouble?.code ?? null
    if (trouble !== null) setCondition(trouble.code, trouble.message)
  }
}

/**
 * The places (partitions, topics) that records cannot be written to or read from. Reports one of them at a time, until there is
 * none left.
 */
export class TroubleWatch {
  readonly #clock: Clock
  readonly #use: TroubledUse
  readonly #onChange: (trouble: LogTrouble | null) => void
  readonly #places = new Map<string, LogTrouble>()
  #shown: LogTrouble | null = null
  #cancel: (() => void) | null = null

  /** @param onChange receives the trouble to report, and null when there is none left. Must not throw. */
  constructor(clock: Clock, use: TroubledUse, onChange: (trouble: LogTrouble | null) => void) {
    this.#clock = clock
    this.#use = use
    this.#onChange = onChange
  }

  /** A write or read failed and is retried. The first error of a place is kept until that place recovers. */
  note(place: string, error: Error): void {
    const { isNamed, code, message } = troubleOf(this.#use, error)
    const known = this.#places.get(place)
    if (known === undefined || (isNamed && known.code !== code)) this.#places.set(place, { code, message })
    if (isNamed) this.#show()
    else if (this.#shown === null) this.#cancel ??= this.#clock.after(shownAfterMs, () => this.#show())
  }

  /** A write or read at that place succeeded, or was given up. */
  over(place: string): void {
    if (this.#places.size === 0 || !this.#places.delete(place)) return
    if (this.#places.size === 0) this.close()
    else if (this.#shown !== null) this.#show()
  }

  /** Withdraws all trouble, because nothing is retried any more. */
  close(): void {
    this.#places.clear()
    this.#cancel?.()
    this.#cancel = null
    if (this.#shown === null) return
    this.#shown = null
    this.#onChange(null)
  }

  #show(): void {
    this.#cancel?.()
    this.#cancel = null
    const all = [...this.#places.values()]
    const next = all.find(({ code }) => code === this.#shown?.code) ?? all[0]
    if (next === undefined || next.code === this.#shown?.code) return
    this.#shown = next
    this.#onChange(next)
  }
}

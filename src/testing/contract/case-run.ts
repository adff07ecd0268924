import { ConnectError, RetriableError } from '../../api/errors.ts'
import { abortable } from '../../foundation/async/abortable.ts'
import { systemClock } from '../../foundation/clock.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import { clipped } from '../../foundation/logging/clipped.ts'
import { ContractError } from './contract-error.ts'
import { OpenWork } from './open-work.ts'
import { rules, type Rule } from './rules.ts'

const lookMs = 10

export interface CaseRunOptions {
  readonly subject: string
  readonly name: string
  /** How long a call of the plugin may take, and how long a case waits for what has to happen. Milliseconds. */
  readonly waitMs: number
}

/** One run of a case: makes the calls of the plugin, bounds them, and keeps a list of them for the message. */
export class CaseRun {
  readonly waitMs: number
  readonly #subject: string
  readonly #name: string
  readonly #calls: string[] = []
  #work: OpenWork | null = null

  constructor({ subject, name, waitMs }: CaseRunOptions) {
    this.#subject = subject
    this.#name = name
    this.waitMs = waitMs
  }

  /** Adds a line to the list of calls. */
  note(line: string): void {
    this.#calls.push(clipped(line, 300))
  }

  /** Returns the error of a plugin that does not hold a rule. */
  broken(rule: Rule, did: string, cause?: unknown): ContractError {
    return new ContractError({ subject: this.#subject, name: this.#name, rule, did, calls: this.#calls, cause })
  }

  /** Returns the error for what is no fault of the plugin, or is unexpected. */
  impossible(cause: unknown): ConnectError {
    const calls = this.#calls.map((line) => `  ${line}`).join('\n')
    const text = `${this.#subject}: the case "${this.#name}" cannot be carried out: ${errorMessage(cause)}\nIt made these calls:\n${calls}`
    return new ConnectError(text, { cause })
  }

  /** From here on, what the plugin's code opens is known: see {@link nothingOpen}. */
  watchWork(): void {
    this.#work = new OpenWork()
  }

  /**
   * Makes a call of the plugin.
   * @param rule the rule that a call breaks which does not return in time
   * @throws the ConnectError that the plugin throws; ContractError if it does not return, or throws another error
   */
  async call<T>(what: string, rule: Rule, action: () => T | Promise<T>): Promise<T> {
    this.note(what)
    const late = new AbortController()
    const cancel = systemClock.after(this.waitMs, () => late.abort())
    try {
      return await abortable(
        this.#inside(async () => await action()),
        late.signal,
      )
    } catch (error) {
      if (late.signal.aborted && error === late.signal.reason)
        throw this.broken(rule, `${what} did not return within ${this.waitMs} ms.`)
      this.note(`${what} failed: ${describeError(error)}`)
      throw this.named(what, error)
    } finally {
      cancel()
    }
  }

  /** Returns the error if it is named, that is a ConnectError, and otherwise the error about it. */
  named(what: string, error: unknown): ConnectError {
    if (error instanceof ConnectError) return error
    // By name: the plugin may have another copy of the API. The worker retries it too.
    if (error instanceof Error && error.name === 'DeadlineExceededError')
      return new RetriableError(error.message, { cause: error })
    const did = `${what} threw ${describeError(error)}. Throw a ConnectError with a code, or a RetriableError if the same call may succeed later.`
    return this.broken(rules.errors, did, error)
  }

  /** Waits until a condition holds. @returns whether it does before `waitMs` have passed */
  async until(condition: () => boolean | Promise<boolean>): Promise<boolean> {
    const end = systemClock.monotonic() + this.waitMs
    while (!(await condition())) {
      if (systemClock.monotonic() > end) return false
      await systemClock.sleep(lookMs)
    }
    return true
  }

  /** Fails if the plugin has left something open that it opened after {@link watchWork}. */
  async nothingOpen(rule: Rule, after: string): Promise<void> {
    const work = this.#work
    if (work === null || (await this.until(() => work.list().length === 0))) return
    const open = work.list()
    throw this.broken(
      rule,
      `${this.waitMs} ms after ${after}, it still had open:\n${open.map((each) => `  - ${each}`).join('\n')}`,
    )
  }

  end(): void {
    this.#work?.end()
  }

  #inside<T>(action: () => T): T {
    return this.#work === null ? action() : this.#work.run(action)
  }
}

/** Returns the class and message of anything thrown. */
export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : `${String(error)}, which is no Error`
}

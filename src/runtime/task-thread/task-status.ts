import type { TaskRun, TaskState } from '../task-run.ts'
import { ConnectError } from '../../api/errors.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { Gauge, TaskMetrics } from '../../foundation/metrics/metrics.ts'
import type { TaskProgressListener } from '../task-listener.ts'
import type { TaskControl } from './task-control.ts'

/** Limits of what a task can write to its status record (I10). */
const maxConditions = 16
const maxMessageLength = 1000
const codePattern = /^[A-Z][A-Z0-9_]{0,63}$/

export interface TaskStatusOptions {
  readonly control: TaskControl
  readonly run: TaskRun
  readonly listener: TaskProgressListener<TaskRun>
  readonly logger: Logger
  readonly metrics: TaskMetrics
}

/** A change of the status: a new state, the reason of a wait (null: the wait is over), or both. */
export interface StatusChange {
  readonly state?: TaskState
  readonly waiting?: {
    readonly by: object
    readonly reason: string | null
    /** The code of the error, for the metric. */
    readonly code?: string | null
  }
}

/**
 * The status of a running task: its state, the conditions that it has raised, and its waits. Conditions and waits stand
 * until they are withdrawn, each by itself. The trace lists all of them. The listener is called only when the state or the
 * trace has changed, and never once the task ends: a failure has a trace of its own.
 */
export class TaskStatus {
  readonly #options: TaskStatusOptions
  readonly #conditions = new Map<string, string>()
  readonly #waits = new Map<object, { readonly reason: string; readonly code: string | null }>()
  /** The codes of the waits that the metrics show. */
  #waitCodes: ReadonlySet<string | null> = new Set()
  #omitted = false
  #state: TaskState | null = null
  #shown: { readonly state: TaskState; readonly trace: string | null } | null = null

  constructor(options: TaskStatusOptions) {
    this.#options = options
  }

  /** RUNNING, or PAUSED if requested. */
  get active(): TaskState {
    return this.#options.control.paused ? 'PAUSED' : 'RUNNING'
  }

  show({ state, waiting }: StatusChange): void {
    if (state !== undefined) this.#state = state
    if (waiting !== undefined) {
      if (waiting.reason === null) this.#waits.delete(waiting.by)
      else this.#waits.set(waiting.by, { reason: waiting.reason, code: waiting.code ?? null })
      this.#showWaits()
    }
    this.#send()
  }

  /** Raises a condition, or changes its text; null withdraws it. See `TaskContext.setCondition`. */
  setCondition(code: string, message: string | null): void {
    if (!codePattern.test(code)) {
      throw new ConnectError(
        `a condition needs a code of at most 64 capital letters, digits and underscores, not "${code.slice(0, 100)}"`,
        { code: 'CONDITION_CODE' },
      )
    }
    if (this.#options.control.isEnding) return
    if (message === null) this.#withdraw(code)
    else this.#raise(code, message.length > maxMessageLength ? `${message.slice(0, maxMessageLength)}…` : message)
  }

  /** Withdraws all conditions, and the wait of `by`: the instance that has raised them has stopped. */
  withdrawAll(by?: object): void {
    for (const code of this.#conditions.keys()) this.#gauge(code).remove()
    this.#conditions.clear()
    this.#omitted = false
    this.show(by === undefined ? {} : { waiting: { by, reason: null } })
  }

  #raise(code: string, message: string): void {
    const known = this.#conditions.get(code)
    if (known === message) return
    if (known === undefined && this.#conditions.size >= maxConditions) {
      if (!this.#omitted) {
        this.#options.logger.warn(`more than ${maxConditions} conditions stand: ${code} is not shown: ${message}`)
      }
      this.#omitted = true
    } else {
      this.#options.logger.warn(`${code}: ${message}`)
      this.#conditions.set(code, message)
      this.#gauge(code).set(1)
    }
    this.#send()
  }

  #withdraw(code: string): void {
    if (!this.#conditions.delete(code)) return
    this.#gauge(code).remove()
    this.#options.logger.warn(`${code} is over`)
    this.#send()
  }

  #gauge(code: string): Gauge {
    return conditionGauge(this.#options.metrics, code)
  }

  /** A wait that is over has no gauge. */
  #showWaits(): void {
    const codes = new Set([...this.#waits.values()].map(({ code }) => code))
    for (const code of this.#waitCodes) if (!codes.has(code)) this.#waitGauge(code).remove()
    for (const code of codes) this.#waitGauge(code).set(1)
    this.#waitCodes = codes
  }

  #waitGauge(code: string | null) {
    const labels = code === null ? {} : { code }
    return this.#options.metrics.gauge('task_waiting', 'A call of the task failed and is retried', labels)
  }

  #send(): void {
    const state = this.#state
    if (state === null || this.#options.control.isEnding) return
    const trace = this.#trace()
    if (this.#shown?.state !== state) this.#options.logger.info(`the task is ${state}`)
    if (this.#shown?.state === state && this.#shown.trace === trace) return
    this.#shown = { state, trace }
    this.#options.listener.onTaskState(this.#options.run, state, trace)
  }

  #trace(): string | null {
    const lines = [...this.#conditions].map(([code, message]) => `${code}: ${message}`)
    if (this.#omitted)
      lines.push(`CONDITIONS_OMITTED: more than ${maxConditions} conditions stand; the logs have the rest`)
    for (const { reason } of this.#waits.values()) lines.push(reason)
    return lines.length === 0 ? null : lines.join('\n')
  }
}

/** Returns the gauge of a condition that a task or its host has raised. */
export function conditionGauge(metrics: TaskMetrics, code: string): Gauge {
  return metrics.gauge('task_condition', 'A named condition of the task stands', { code })
}

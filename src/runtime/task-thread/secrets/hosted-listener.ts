import type { Logger } from '../../../foundation/logging/logger.ts'
import type { TaskMetrics } from '../../../foundation/metrics/metrics.ts'
import type { TaskProgressListener } from '../../task-listener.ts'
import type { TaskRun, TaskState } from '../../task-run.ts'
import { conditionGauge } from '../task-status.ts'

/** Passes on the states of a run, with the condition that its host raises in front of the trace of its loop. */
export class HostedListener implements TaskProgressListener<TaskRun> {
  readonly #listener: TaskProgressListener<TaskRun>
  readonly #logger: Logger
  readonly #metrics: TaskMetrics
  #condition: string | null = null
  #last: { readonly run: TaskRun; readonly state: TaskState; readonly trace: string | null } | null = null

  constructor(listener: TaskProgressListener<TaskRun>, logger: Logger, metrics: TaskMetrics) {
    this.#listener = listener
    this.#logger = logger
    this.#metrics = metrics
  }

  onTaskState(run: TaskRun, state: TaskState, trace: string | null): void {
    this.#last = { run, state, trace }
    this.#send()
  }

  onTaskTopic(run: TaskRun, topic: string): void {
    this.#listener.onTaskTopic(run, topic)
  }

  /** Raises the condition, or changes its text; null withdraws it. */
  setCondition(code: string, message: string | null): void {
    const text = message === null ? null : `${code}: ${message}`
    if (text === this.#condition) return
    this.#logger.warn(text ?? `${code} is over`)
    const gauge = conditionGauge(this.#metrics, code)
    if (text === null) gauge.remove()
    else gauge.set(1)
    this.#condition = text
    this.#send()
  }

  #send(): void {
    if (this.#last === null) return
    const { run, state, trace } = this.#last
    const lines = [this.#condition, trace].filter((line) => line !== null)
    this.#listener.onTaskState(run, state, lines.length === 0 ? null : lines.join('\n'))
  }
}

import { type TaskId, formatTaskId } from '../../config/connector/task-id.ts'
import type { LabelledSample, Sample } from '../../foundation/metrics/meters.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { TaskFlow } from '../../diagnosis/flow/task-flow.ts'
import { TaskWindow } from '../../diagnosis/flow/task-window.ts'

/** The last samples of each task, as their threads post them once a second. */
export class TaskSampleTable {
  readonly #clock: Clock
  readonly #tasks = new Map<string, { readonly id: TaskId; readonly samples: readonly Sample[] }>()
  readonly #windows = new Map<string, TaskWindow>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  take(id: TaskId, samples: readonly Sample[]): void {
    const name = formatTaskId(id)
    this.#tasks.set(name, { id, samples })
    const window = this.#windows.get(name) ?? new TaskWindow()
    this.#windows.set(name, window)
    window.take(samples, this.#clock.monotonic())
  }

  forget(id: TaskId): void {
    this.#tasks.delete(formatTaskId(id))
    this.#windows.delete(formatTaskId(id))
  }

  /** What moves through the task; null if it does not run here. */
  flow(id: TaskId): TaskFlow | null {
    return this.#windows.get(formatTaskId(id))?.flow(this.#clock.monotonic()) ?? null
  }

  /** The task has failed: its gauges would say what is not so any more. */
  keepCounts(id: TaskId): void {
    const name = formatTaskId(id)
    const known = this.#tasks.get(name)
    if (known === undefined) return
    this.#tasks.set(name, { id, samples: known.samples.filter(({ kind }) => kind !== 'gauge') })
  }

  labelled(): readonly LabelledSample[] {
    return [...this.#tasks.values()].flatMap(({ id, samples }) => {
      const labels = { connector: id.connector, task: String(id.task) }
      return samples.map((sample) => ({ sample, labels: { ...labels, ...sample.labels } }))
    })
  }
}

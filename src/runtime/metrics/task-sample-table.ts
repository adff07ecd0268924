import { type TaskId, formatTaskId } from '../../config/connector/task-id.ts'
import type { LabelledSample, Sample } from '../../foundation/metrics/meters.ts'

/** The last samples of each running task, as their threads post them once a second. */
export class TaskSampleTable {
  readonly #tasks = new Map<string, { readonly id: TaskId; readonly samples: readonly Sample[] }>()

  take(id: TaskId, samples: readonly Sample[]): void {
    this.#tasks.set(formatTaskId(id), { id, samples })
  }

  forget(id: TaskId): void {
    this.#tasks.delete(formatTaskId(id))
  }

  labelled(): readonly LabelledSample[] {
    return [...this.#tasks.values()].flatMap(({ id, samples }) => {
      const labels = { connector: id.connector, task: String(id.task) }
      return samples.map((sample) => ({ sample, labels: { ...labels, ...sample.labels } }))
    })
  }
}

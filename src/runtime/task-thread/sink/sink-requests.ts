import { formatTopicPartition, type TopicPartition } from '../../../foundation/topic-partition.ts'
import type { ErrantRecordReporter, OffsetToCommit, SinkTaskContext } from '../../../api/task.ts'
import type { HostContext } from '../host-context.ts'
import { type SinkPositions } from './sink-positions.ts'
import type { TaskControl } from '../task-control.ts'
import type { TaskStatus } from '../task-status.ts'

/** What requests of the task act on immediately. */
export interface SinkRequestTargets {
  readonly positions: SinkPositions
  readonly control: TaskControl
  readonly pause: (partitions: readonly TopicPartition[]) => void
  /** Resumes fetching, unless all partitions are paused. */
  readonly resume: (partitions: readonly TopicPartition[]) => void
  /** Null before it is known. */
  readonly highWatermark: (partition: TopicPartition) => number | null
  readonly status: TaskStatus
  readonly clusterId: string | null
  readonly topicId: (topic: string) => string | null
  readonly reporter: ErrantRecordReporter | null
}

/** Requests that a sink task has made through its context, and that the loop has not carried out. */
export class SinkRequests {
  commit = false
  /** When the task wants `put` to be called, in monotonic milliseconds. */
  wakeAt = Number.POSITIVE_INFINITY
  readonly #paused = new Set<string>()
  #seeks: OffsetToCommit[] = []

  /** The seeks since the last {@link takeSeeks}. */
  get seeks(): readonly OffsetToCommit[] {
    return this.#seeks
  }

  /** Returns the seeks since the last call, and removes them. */
  takeSeeks(): readonly OffsetToCommit[] {
    if (this.#seeks.length === 0) return this.#seeks
    const seeks = this.#seeks
    this.#seeks = []
    return seeks
  }

  /** Returns those of the partitions that the task has not paused. */
  notPaused(partitions: readonly TopicPartition[]): readonly TopicPartition[] {
    return partitions.filter((partition) => !this.#paused.has(formatTopicPartition(partition)))
  }

  /** A partition that is assigned again is not paused. */
  forget(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.delete(formatTopicPartition(partition))
  }

  /** The context of the task, through which it makes requests. */
  context(context: HostContext, targets: SinkRequestTargets): SinkTaskContext {
    const { positions, control, pause, resume, highWatermark, status, clusterId, topicId, reporter } = targets
    return {
      ...context,
      setCondition: (code, message) => status.setCondition(code, message),
      clusterId,
      topicId,
      assignment: () => positions.assignment(),
      highWatermark,
      seek: (offsets) => {
        this.#seeks.push(...offsets)
        control.wakeUp()
      },
      pause: (partitions) => {
        for (const partition of partitions) this.#paused.add(formatTopicPartition(partition))
        pause(partitions)
      },
      resume: (partitions) => {
        this.forget(partitions)
        resume(partitions)
      },
      requestCommit: () => {
        this.commit = true
        control.wakeUp()
      },
      wakeWithin: (ms) => {
        const at = context.clock.monotonic() + ms
        if (at >= this.wakeAt) return
        this.wakeAt = at
        control.wakeUp()
      },
      showWaiting: (reason) => status.show({ waiting: { by: this, reason } }),
      raiseError: (error) => control.fail(error),
      errantRecordReporter: reporter,
    }
  }
}

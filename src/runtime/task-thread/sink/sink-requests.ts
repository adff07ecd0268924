import type { TopicPartition } from '../../../foundation/topic-partition.ts'
import type { OffsetToCommit, SinkTaskContext } from '../../../api/task.ts'
import type { HostContext } from '../host-context.ts'
import { keyOf, type SinkPositions } from './sink-positions.ts'
import type { TaskControl } from '../task-control.ts'
import type { TaskStatus } from '../task-status.ts'

/** What a request has to reach at once. */
export interface SinkRequestTargets {
  readonly positions: SinkPositions
  readonly control: TaskControl
  /** Pauses, or resumes unless everything is held back. */
  readonly hold: (partitions: readonly TopicPartition[]) => void
  readonly release: (partitions: readonly TopicPartition[]) => void
  /** The end of a partition's log; null before it is known. */
  readonly endOf: (partition: TopicPartition) => number | null
  readonly status: TaskStatus
  readonly clusterId: string | null
  readonly topicId: (topic: string) => string | null
}

/** What a sink task asked for through its context and the loop has yet to honour. */
export class SinkRequests {
  commit = false
  /** Monotonic milliseconds at which the task wants `put` to be called. */
  wakeAt = Number.POSITIVE_INFINITY
  readonly #paused = new Set<string>()
  #seeks: OffsetToCommit[] = []

  /** The seeks that wait to be taken. */
  get seeks(): readonly OffsetToCommit[] {
    return this.#seeks
  }

  /** The seeks since the last call. */
  takeSeeks(): readonly OffsetToCommit[] {
    if (this.#seeks.length === 0) return this.#seeks
    const seeks = this.#seeks
    this.#seeks = []
    return seeks
  }

  /** Of these partitions those that the task did not pause. */
  notPaused(partitions: readonly TopicPartition[]): readonly TopicPartition[] {
    return partitions.filter(({ topic, partition }) => !this.#paused.has(keyOf(topic, partition)))
  }

  /** A partition that comes back comes unpaused. */
  forget(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#paused.delete(keyOf(topic, partition))
  }

  /** The task's side. */
  context(context: HostContext, targets: SinkRequestTargets): SinkTaskContext {
    const { positions, control, hold, release, status, clusterId, topicId, endOf } = targets
    return {
      ...context,
      setCondition: (code, message) => status.setCondition(code, message),
      clusterId,
      topicId,
      assignment: () => positions.assignment(),
      highWatermark: endOf,
      seek: (offsets) => {
        this.#seeks.push(...offsets)
        control.wakeUp()
      },
      pause: (partitions) => {
        for (const { topic, partition } of partitions) this.#paused.add(keyOf(topic, partition))
        hold(partitions)
      },
      resume: (partitions) => {
        this.forget(partitions)
        release(partitions)
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
      errantRecordReporter: null,
    }
  }
}

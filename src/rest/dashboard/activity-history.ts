import type { Clock } from '../../foundation/clock.ts'
import type { LabelledSample } from '../../foundation/metrics/meters.ts'

import { taskActivities, type TaskActivity } from './task-activity.ts'

/** Between two points, in ms. */
export const historyStepMs = 10_000
/** Fifteen minutes. */
const maxPoints = 90

/** The sums of a connector's tasks on this worker at one time. */
export interface ActivityPoint {
  /** In ms of the epoch. */
  readonly time: number
  readonly read: number
  readonly written: number
  /** Null for a source. */
  readonly lag: number | null
}

/**
 * The last fifteen minutes of each connector that has tasks here, so that a page that is opened has a past to show. It takes
 * 40 bytes a point: 0.7 MB for 200 connectors.
 */
export class ActivityHistory {
  readonly #clock: Clock
  readonly #samples: () => readonly LabelledSample[]
  readonly #points = new Map<string, ActivityPoint[]>()
  #stop: () => void = () => undefined

  constructor(clock: Clock, samples: () => readonly LabelledSample[]) {
    this.#clock = clock
    this.#samples = samples
  }

  start(): void {
    this.#stop = this.#clock.every(historyStepMs, () => this.#take())
  }

  close(): void {
    this.#stop()
  }

  /** Oldest first; empty for a connector without tasks here. */
  pointsOf(connector: string): readonly ActivityPoint[] {
    return this.#points.get(connector) ?? []
  }

  #take(): void {
    const time = this.#clock.now()
    const activities = taskActivities(this.#samples())
    for (const [connector, tasks] of activities) {
      const points = this.#points.get(connector) ?? []
      points.push(pointOf(time, [...tasks.values()]))
      this.#points.set(connector, points.slice(-maxPoints))
    }
    for (const connector of this.#points.keys()) if (!activities.has(connector)) this.#points.delete(connector)
  }
}

function pointOf(time: number, tasks: readonly TaskActivity[]): ActivityPoint {
  const sum = (value: (task: TaskActivity) => number): number => tasks.reduce((total, task) => total + value(task), 0)
  const lags = tasks.flatMap(({ partitions }) => partitions)
  return {
    time,
    read: sum(({ recordsRead }) => recordsRead),
    written: sum(({ recordsWritten }) => recordsWritten),
    lag: lags.length === 0 ? null : lags.reduce((total, { records }) => total + records, 0),
  }
}

import { clipped } from '../../foundation/logging/clipped.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { StatusBackingStore, StatusListener } from '../../storage/status-backing-store.ts'
import type { RunState, RunStatus } from '../../storage/status-record.ts'
import type { InstanceStatus, TaskStatus } from '../entities/connector-status.ts'
import type { TaskId } from '../../config/connector/task-id.ts'
import { StatusAges } from './status-ages.ts'

/** The status topic, which the owner of the store flushes and closes. */
export type StatusTopic = Omit<StatusBackingStore, 'flush' | 'refresh' | 'close'>

/** Characters of a trace. An error may quote a record of megabytes, and the status topic must accept the status. */
const maxTraceLength = 64 * 1024

/** Reads the statuses of the group, and writes those of this worker: under its name and its generation (I3). */
export class WorkerStatusStore {
  readonly #store: StatusTopic
  readonly #workerId: string
  readonly #clock: Clock
  readonly #ages = new StatusAges()
  #generation = 0

  /** @param workerId `host:port` of this worker's REST API */
  constructor(store: StatusTopic, workerId: string, clock: Clock) {
    this.#store = store
    this.#workerId = workerId
    this.#clock = clock
  }

  /** Reads the status topic to its end. @param onStatus as in the topic's `start` @throws ConfigError, ConnectError */
  async start(signal: AbortSignal, onStatus: StatusListener): Promise<void> {
    await this.#store.start(signal, (record) => {
      const { connector, status } = record
      const task = record.type === 'task' ? record.task : null
      if (status === null) this.#ages.forget(connector, task)
      else this.#ages.note(connector, task, status, this.#clock.now())
      onStatus(record)
    })
  }

  /** The generation of the statuses that are written from now on. */
  setGeneration(generation: number): void {
    if (generation >= 0) this.#generation = generation
  }

  putConnector(name: string, state: RunState, trace: string | null): void {
    this.#store.putConnector(name, this.#noted(name, null, state, trace))
  }

  /** As {@link putConnector}, unless a worker of a later generation has written since. */
  putConnectorSafe(name: string, state: RunState, trace: string | null): void {
    this.#store.putConnectorSafe(name, this.#noted(name, null, state, trace))
  }

  putTask(id: TaskId, state: RunState, trace: string | null): void {
    this.#store.putTask(id.connector, id.task, this.#noted(id.connector, id.task, state, trace))
  }

  /** As {@link putTask}, unless a worker of a later generation has written since. */
  putTaskSafe(id: TaskId, state: RunState, trace: string | null): void {
    this.#store.putTaskSafe(id.connector, id.task, this.#noted(id.connector, id.task, state, trace))
  }

  /** Also deletes the connector's active-topics records. */
  removeConnector(name: string): void {
    this.#ages.forget(name, null)
    this.#store.putConnector(name, null)
    this.#store.resetTopics(name)
  }

  /** Removes the record of the topics that a connector has used. */
  resetTopics(connector: string): void {
    this.#store.resetTopics(connector)
  }

  removeTask(id: TaskId): void {
    this.#ages.forget(id.connector, id.task)
    this.#store.putTask(id.connector, id.task, null)
  }

  /**
   * Removes the status of a connector that has stopped here and is not configured any more. The leader has removed it too, but
   * what this worker wrote meanwhile may have come later.
   */
  connectorGone(name: string): void {
    this.#ages.forget(name, null)
    if (this.#store.removeConnectorOf(this.#workerId, name)) this.#store.resetTopics(name)
  }

  /** As {@link connectorGone}. */
  taskGone({ connector, task }: TaskId): void {
    this.#ages.forget(connector, task)
    this.#store.removeTaskOf(this.#workerId, connector, task)
  }

  putTopic({ connector, task }: TaskId, topic: string): void {
    this.#store.putTopic({ topic, connector, task, discoverTimestamp: this.#clock.now() })
  }

  connector(name: string): InstanceStatus | null {
    return withoutGeneration(this.#store.connector(name))
  }

  task({ connector, task }: TaskId): InstanceStatus | null {
    return withoutGeneration(this.#store.task(connector, task))
  }

  /** By number. */
  tasks(connector: string): readonly TaskStatus[] {
    const tasks = [...this.#store.tasks(connector)].toSorted(([a], [b]) => a - b)
    return tasks.map(([id, { state, workerId, trace }]) => ({ id, state, workerId, trace }))
  }

  topics(connector: string): readonly string[] {
    return this.#store.topics(connector).map(({ topic }) => topic)
  }

  /**
   * Since when a connector (`task` is null) or task has a state, or a code in its trace: milliseconds of the epoch. Null if it had it
   * before this worker started.
   */
  since(connector: string, task: number | null, name: string): number | null {
    return this.#ages.since(connector, task, name)
  }

  /** The connectors and tasks that have a status. */
  known(): { readonly connectors: readonly string[]; readonly tasks: readonly TaskId[] } {
    const names = this.#store.connectors()
    return {
      connectors: names.filter((name) => this.#store.connector(name) !== null),
      tasks: names.flatMap((connector) =>
        [...this.#store.tasks(connector).keys()].map((task) => ({ connector, task })),
      ),
    }
  }

  #noted(connector: string, task: number | null, state: RunState, trace: string | null): RunStatus {
    const status = this.#status(state, trace)
    this.#ages.note(connector, task, status, this.#clock.now())
    return status
  }

  #status(state: RunState, trace: string | null): RunStatus {
    const shortTrace = trace === null ? null : clipped(trace, maxTraceLength)
    return { state, trace: shortTrace, workerId: this.#workerId, generation: this.#generation }
  }
}

function withoutGeneration(status: RunStatus | null): InstanceStatus | null {
  if (status === null) return null
  const { state, workerId, trace } = status
  return { state, workerId, trace }
}

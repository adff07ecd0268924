import type { TaskId } from '../config/connector/task-id.ts'
import { clipped } from '../foundation/logging/clipped.ts'
import type { Clock } from '../foundation/clock.ts'
import type { StatusBackingStore } from '../storage/status-backing-store.ts'
import type { RunStatus } from '../storage/status-record.ts'
import type { InstanceStatus, TaskStatus } from './entities/connector-status.ts'
import type { RunState } from '../storage/status-record.ts'
import type { Statuses } from './worker-herder.ts'

/** Characters of a trace: an error may quote a record of megabytes, and the status topic has to take the status. */
const maxTraceLength = 64 * 1024

/** The states of the group in the status topic, written in this worker's name. */
export class GroupStatuses implements Statuses {
  readonly #store: StatusBackingStore
  readonly #workerId: string
  readonly #clock: Clock
  #generation = 0

  /** @param workerId `host:port` of this worker's REST API. */
  constructor(store: StatusBackingStore, workerId: string, clock: Clock) {
    this.#store = store
    this.#workerId = workerId
    this.#clock = clock
  }

  setGeneration(generation: number): void {
    if (generation >= 0) this.#generation = generation
  }

  putConnector(name: string, state: RunState, trace: string | null): void {
    this.#store.putConnector(name, this.#status(state, trace))
  }

  putConnectorSafely(name: string, state: RunState, trace: string | null): void {
    this.#store.putConnectorSafe(name, this.#status(state, trace))
  }

  putTask(id: TaskId, state: RunState, trace: string | null): void {
    this.#store.putTask(id.connector, id.task, this.#status(state, trace))
  }

  putTaskSafely(id: TaskId, state: RunState, trace: string | null): void {
    this.#store.putTaskSafe(id.connector, id.task, this.#status(state, trace))
  }

  /** With its tasks' states go the topics it used. */
  removeConnector(name: string): void {
    this.#store.putConnector(name, null)
    this.#store.resetTopics(name)
  }

  removeTask(id: TaskId): void {
    this.#store.putTask(id.connector, id.task, null)
  }

  topic(id: TaskId, topic: string): void {
    const { connector, task } = id
    this.#store.putTopic({ topic, connector, task, discoverTimestamp: this.#clock.now() })
  }

  connector(name: string): InstanceStatus | null {
    return shown(this.#store.connector(name))
  }

  task({ connector, task }: TaskId): InstanceStatus | null {
    return shown(this.#store.task(connector, task))
  }

  tasks(connector: string): readonly TaskStatus[] {
    const tasks = [...this.#store.tasks(connector)].toSorted(([a], [b]) => a - b)
    return tasks.map(([id, { state, workerId, trace }]) => ({ id, state, workerId, trace }))
  }

  topics(connector: string): readonly string[] {
    return this.#store.topics(connector).map(({ topic }) => topic)
  }

  known(): { readonly connectors: readonly string[]; readonly tasks: readonly TaskId[] } {
    const names = this.#store.connectors()
    return {
      connectors: names.filter((name) => this.#store.connector(name) !== null),
      tasks: names.flatMap((connector) =>
        [...this.#store.tasks(connector).keys()].map((task) => ({ connector, task })),
      ),
    }
  }

  #status(state: RunState, trace: string | null): RunStatus {
    const shown = trace === null ? null : clipped(trace, maxTraceLength)
    return { state, trace: shown, workerId: this.#workerId, generation: this.#generation }
  }
}

function shown(status: RunStatus | null): InstanceStatus | null {
  if (status === null) return null
  const { state, workerId, trace } = status
  return { state, workerId, trace }
}

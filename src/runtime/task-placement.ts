import type { TaskStart } from './task-run.ts'
import type { RawConfig } from '../api/config-def.ts'
import type { HostedTaskThread, TaskThreadRequest } from './hosted-task-thread.ts'
import { formatTaskId } from '../config/connector/task-id.ts'

/** Starts a thread for the task. */
export type StartThread = (
  request: Pick<TaskThreadRequest, 'number' | 'className' | 'dedicated' | 'id'>,
) => HostedTaskThread

/**
 * Chooses the thread that a task runs on (ADR 0005): each task has a thread of its own until `maxThreads`, then tasks of
 * one plugin share. A task that blocked a shared thread has its own from then on, until its connector's config changes.
 */
export class TaskPlacement {
  readonly threads = new Set<HostedTaskThread>()
  readonly #maxThreads: number
  readonly #startThread: StartThread
  /** Tasks that blocked a shared thread, with the config that they had at that time. */
  readonly #isolated = new Map<string, RawConfig>()
  #number = 0

  constructor(maxThreads: number, startThread: StartThread) {
    this.#maxThreads = maxThreads
    this.#startThread = startThread
  }

  /** Returns the thread for a run of the task; starts one where none can be shared. */
  place(start: TaskStart, className: string): HostedTaskThread {
    const name = formatTaskId(start.id)
    if (this.#isolated.get(name) !== start.connectorConfig) this.#isolated.delete(name)
    const dedicated = this.#isolated.has(name)
    const inUse = [...this.threads].filter(({ ending }) => ending === null)
    const shareable = inUse.filter((host) => host.className === className && !host.dedicated)
    const leastUsed = shareable.toSorted((a, b) => a.tasks.size - b.tasks.size)[0]
    if (!dedicated && leastUsed !== undefined && inUse.length >= this.#maxThreads) return leastUsed
    this.#number += 1
    const host = this.#startThread({ number: this.#number, className, dedicated, id: start.id })
    this.threads.add(host)
    return host
  }

  /** The task blocked a shared thread. */
  isolate({ id, connectorConfig }: TaskStart): void {
    this.#isolated.set(formatTaskId(id), connectorConfig)
  }
}

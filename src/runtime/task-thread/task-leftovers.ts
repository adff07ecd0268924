import type { SinkTask, SourceTask } from '../../api/task.ts'

/**
 * What a task may have left behind: calls that have not returned, and a `stop` that failed. Such a task may still read,
 * write or confirm something after its loop has ended, so its thread must end before the next run starts (I3).
 */
export class TaskLeftovers {
  readonly #running = new Set<{ readonly name: string; readonly over: Promise<unknown> }>()
  #stopFailed = false

  /** For messages, such as `poll did not return`. Empty when nothing of the task can run. */
  get list(): readonly string[] {
    const running = new Set([...this.#running].map(({ name }) => `${name} did not return`))
    return [...running, ...(this.#stopFailed ? ['stop failed'] : [])]
  }

  /** Resolves when every call has returned, including those that start meanwhile. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running].map(({ over }) => over))
  }

  source(task: SourceTask): SourceTask {
    return {
      start: (context) => this.#track('start', task.start(context)),
      poll: (signal) => this.#track('poll', task.poll(signal)),
      commit: (offsets) => this.#track('commit', task.commit(offsets)),
      stop: async () => await this.#stop(task),
    }
  }

  sink(task: SinkTask): SinkTask {
    return {
      start: (context) => this.#track('start', task.start(context)),
      open: (partitions) => this.#track('open', task.open(partitions)),
      put: (records) => this.#track('put', task.put(records)),
      preCommit: (current) => this.#track('preCommit', task.preCommit(current)),
      committed: (offsets) => task.committed?.(offsets),
      commitFailed: (offsets) => task.commitFailed?.(offsets),
      close: (partitions) => this.#track('close', task.close(partitions)),
      flush: (signal, partitions) => this.#track('flush', task.flush(signal, partitions)),
      stop: async () => await this.#stop(task),
    }
  }

  async #stop(task: { stop(): Promise<void> }): Promise<void> {
    this.#stopFailed = true
    await this.#track('stop', task.stop())
    this.#stopFailed = false
  }

  /** A plugin in JavaScript may return a value instead of a promise. */
  #track<T>(name: string, result: Promise<T>): Promise<T> {
    const promise = Promise.resolve(result)
    const end = (): void => void this.#running.delete(call)
    const call = { name, over: promise.then(end, end) }
    this.#running.add(call)
    return promise
  }
}

import type { SinkTask, SourceTask } from '../../api/task.ts'

/**
 * What a task may have left behind: calls that have not returned, and a `stop` that failed. After the end of its loop such
 * a task may yet read, write or confirm something: its thread has to end before a successor starts.
 */
export class TaskLeftovers {
  readonly #running = new Set<{ readonly name: string; readonly over: Promise<unknown> }>()
  #stopFailed = false

  /** In words: `poll did not return`. Empty when nothing can be left. */
  get list(): readonly string[] {
    const running = new Set([...this.#running].map(({ name }) => `${name} did not return`))
    return [...running, ...(this.#stopFailed ? ['stop failed'] : [])]
  }

  /** Resolves when every call has returned, those that come meanwhile included. */
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
      flush: (signal) => this.#track('flush', task.flush(signal)),
      stop: async () => await this.#stop(task),
    }
  }

  async #stop(task: { stop(): Promise<void> }): Promise<void> {
    this.#stopFailed = true
    await this.#track('stop', task.stop())
    this.#stopFailed = false
  }

  /** A plugin in JavaScript may return a bare value. */
  #track<T>(name: string, result: Promise<T>): Promise<T> {
    const promise = Promise.resolve(result)
    const end = (): void => void this.#running.delete(call)
    const call = { name, over: promise.then(end, end) }
    this.#running.add(call)
    return promise
  }
}

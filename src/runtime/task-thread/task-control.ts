import { deferred, type Deferred } from '../../foundation/async/deferred.ts'

/** The reason of a task's signals when it is asked to stop. */
export class StopRequestedError extends Error {
  override readonly name = 'StopRequestedError'
}

/** The reason of {@link TaskControl.wakeSignal} when the task is asked to pause, resume, or handle a request. */
export class WakeUpError extends Error {
  override readonly name = 'WakeUpError'
}

/**
 * Requests to a running task: stop, fail, pause, resume. The loop checks them; the signals end its waits. The first of
 * stop and fail decides how the task ends.
 */
export class TaskControl {
  readonly #end = new AbortController()
  #wake = new AbortController()
  #paused: boolean
  #resumed: Deferred<void> | null = null
  #failure: unknown = undefined
  #failed = false

  constructor(paused: boolean) {
    this.#paused = paused
  }

  /** Fires when the task must end, because it was stopped or has failed. */
  get stopSignal(): AbortSignal {
    return this.#end.signal
  }

  /** Fires at the end and at every {@link wakeUp}. Get a new one after it has fired. */
  get wakeSignal(): AbortSignal {
    if (this.#wake.signal.aborted && !this.#end.signal.aborted) this.#wake = new AbortController()
    return this.#wake.signal
  }

  get isEnding(): boolean {
    return this.#end.signal.aborted
  }

  get paused(): boolean {
    return this.#paused
  }

  /** What made the task fail; null when it was stopped or runs. */
  get failure(): { readonly error: unknown } | null {
    return this.#failed ? { error: this.#failure } : null
  }

  stop(): void {
    this.#finish(new StopRequestedError('the task was asked to stop'))
  }

  fail(error: unknown): void {
    if (this.isEnding) return
    this.#failed = true
    this.#failure = error
    this.#finish(error)
  }

  pause(): void {
    this.#paused = true
    this.wakeUp()
  }

  resume(): void {
    this.#paused = false
    this.#resumed?.resolve()
    this.#resumed = null
    this.wakeUp()
  }

  /** Ends the current wait of the loop. */
  wakeUp(): void {
    this.#wake.abort(new WakeUpError('something changed'))
  }

  /** Resolves when the task is not paused, or ends. */
  async untilResumed(): Promise<void> {
    while (this.#paused && !this.isEnding) {
      this.#resumed ??= deferred<void>()
      await this.#resumed.promise
    }
  }

  #finish(reason: unknown): void {
    this.#end.abort(reason)
    this.#wake.abort(reason)
    this.#resumed?.resolve()
    this.#resumed = null
  }
}

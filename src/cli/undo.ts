import type { Logger } from '../foundation/logger.ts'
import { messageOf } from '../runtime/failures.ts'

/** What has to be undone when a process ends, or does not get up: the last first, every step, also when one fails. */
export class Undo {
  readonly #logger: Logger
  readonly #steps: { readonly what: string; readonly action: () => Promise<void> }[] = []

  constructor(logger: Logger) {
    this.#logger = logger
  }

  add(what: string, action: () => Promise<void>): void {
    this.#steps.push({ what, action })
  }

  async run(): Promise<void> {
    for (const { what, action } of this.#steps.splice(0).toReversed()) {
      try {
        await action()
      } catch (error) {
        this.#logger.error(`${what} did not stop in order: ${messageOf(error)}`, { error })
      }
    }
  }
}

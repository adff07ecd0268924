import { NotReadyError } from '../../api/errors.ts'
import type { CaseRun } from '../contract/case-run.ts'
import { rules } from '../contract/rules.ts'

/** A schema may need others, each of which is a wait. */
const maxWaits = 100

/** Makes a call, again when the plugin was not ready and says that it is now. @throws what the call does, once it is ready */
export async function whenReady<T>(run: CaseRun, call: () => T): Promise<T> {
  for (let waits = 0; ; waits += 1) {
    try {
      return call()
    } catch (error) {
      if (!(error instanceof NotReadyError)) throw error
      if (waits === maxWaits) throw run.broken(rules.ready, `after ${waits} times it was still not ready.`, error)
      await error.ready(new AbortController().signal)
    }
  }
}

import type { AskTasks } from '../../herder/diagnosis/diagnosis-reader.ts'

import { DeadlineExceededError, withDeadline } from '../../foundation/async/deadline.ts'
import type { Clock } from '../../foundation/clock.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import { tasksOf } from '../json/diagnosis-json.ts'
import type { WorkerCall } from './worker-call.ts'

/** A diagnosis returns within a second, whether or not other workers respond. Milliseconds. */
const patienceMs = 700

/**
 * Asks another worker for what it knows of its tasks of a connector: `GET /connectors/{connector}/diagnosis?scope=worker`.
 * @param protocol that of this worker, which all of a group share
 */
export function tasksRequest(call: WorkerCall, protocol: string, clock: Clock): AskTasks {
  return async (workerId, connector, signal) => {
    const path = `/connectors/${encodeURIComponent(connector)}/diagnosis?scope=worker`
    const url = `${protocol}://${workerId}`
    try {
      const { status, text } = await withDeadline(
        { clock, ms: patienceMs, signal },
        async (bound) => await call({ what: `GET ${url}${path}`, url, path, method: 'GET', signal: bound }),
      )
      // Another release, or one that this worker may not ask, runs all the same.
      return { kind: 'tasks', tasks: status === 200 ? tasksOf(text) : [] }
    } catch (error) {
      signal.throwIfAborted()
      return { kind: 'silent', reason: errorMessage(error), isGone: !(error instanceof DeadlineExceededError) }
    }
  }
}

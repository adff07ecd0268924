import type { SendTaskConfigs } from '../../herder/internal/task-config-writer.ts'

import { ConnectError } from '../../api/errors.ts'
import { clipped } from '../../foundation/logging/clipped.ts'
import type { WorkerCall } from './worker-call.ts'

const timeoutMs = 30_000

/** Sends task configs to the leader, over its REST API: `POST /connectors/{connector}/tasks`. */
export function taskConfigsRequest(call: WorkerCall): SendTaskConfigs {
  return async ({ url, connector, body, headers }) => {
    const what = `sending the task configs of ${connector} to the leader at ${url}`
    const { status, text } = await call({
      what,
      url,
      path: `/connectors/${encodeURIComponent(connector)}/tasks`,
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (status < 200 || status > 299) throw new ConnectError(`${what} failed with status ${status}: ${clipped(text)}`)
  }
}

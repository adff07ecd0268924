import type { ForwardTls } from '../../config/worker/rest/listener-tls.ts'
import type { SendTaskConfigs } from '../../herder/internal/task-config-writer.ts'

import { ConnectError } from '../../api/errors.ts'
import { clipped } from '../../foundation/logging/clipped.ts'
import { AccessToken } from '../request/access-token.ts'
import { failureOf, workerFetch } from './worker-fetch.ts'

const timeoutMs = 30_000

/**
 * Sends task configs to the leader, over its REST API: `POST /connectors/{connector}/tasks`.
 * @param token that of the API; null: it needs none
 * @param tls null: that of the system
 */
export function taskConfigsRequest(token: string | null, tls: ForwardTls | null): SendTaskConfigs {
  const authorization = token === null ? {} : { Authorization: new AccessToken(token).authorization }
  return async ({ url, connector, body, headers }) => {
    const target = `${url.replace(/\/$/, '')}/connectors/${encodeURIComponent(connector)}/tasks`
    const what = `sending the task configs of ${connector} to the leader at ${url}`
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers, ...authorization },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    }
    const response = await workerFetch(target, init, tls).catch((error: unknown) => {
      throw new ConnectError(`${what} failed: ${failureOf(error, target)}`, { cause: error })
    })
    const text = await response.text()
    if (response.status < 200 || response.status > 299)
      throw new ConnectError(`${what} failed with status ${response.status}: ${clipped(text)}`)
  }
}

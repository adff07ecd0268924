import type { SendTaskConfigs } from '../herder/internal/task-config-writer.ts'

import { ConnectError } from '../api/errors.ts'
import { clipped } from '../foundation/logging/clipped.ts'
import { AccessToken } from './request/access-token.ts'
import { errorMessage } from '../foundation/error-message.ts'

const timeoutMs = 30_000

/**
 * Sends task configs to the leader, over its REST API: `POST /connectors/{connector}/tasks`.
 * @param token that of the API; null: it needs none
 */
export function taskConfigsRequest(token: string | null): SendTaskConfigs {
  const authorization = token === null ? {} : { Authorization: new AccessToken(token).authorization }
  return async ({ url, connector, body, headers }) => {
    const target = `${url.replace(/\/$/, '')}/connectors/${encodeURIComponent(connector)}/tasks`
    const what = `sending the task configs of ${connector} to the leader at ${url}`
    const response = await fetch(target, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...headers,
        ...authorization,
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((error: unknown) => {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      throw new ConnectError(`${what} failed: ${errorMessage(cause)}`, { cause: error })
    })
    const text = await response.text()
    if (!response.ok) throw new ConnectError(`${what} failed with status ${response.status}: ${clipped(text)}`)
  }
}

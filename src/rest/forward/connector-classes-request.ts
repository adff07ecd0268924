import type { ForwardTls } from '../../config/worker/rest/listener-tls.ts'
import type { ListClasses } from '../../herder/group/member-plugins.ts'

import { ConnectError } from '../../api/errors.ts'
import { clipped } from '../../foundation/logging/clipped.ts'
import { AccessToken } from '../request/access-token.ts'
import { failureOf, workerFetch } from './worker-fetch.ts'

/**
 * Asks another worker for its connector classes: `GET /connector-plugins`.
 * @param token that of the API; null: it needs none
 * @param tls null: that of the system
 */
export function connectorClassesRequest(token: string | null, tls: ForwardTls | null): ListClasses {
  const headers = token === null ? {} : { Authorization: new AccessToken(token).authorization }
  return async (url, signal) => {
    const target = `${url.replace(/\/$/, '')}/connector-plugins`
    const response = await workerFetch(target, { method: 'GET', headers, signal }, tls).catch((error: unknown) => {
      throw new ConnectError(`GET ${target} failed: ${failureOf(error, target)}`, { cause: error })
    })
    const text = await response.text()
    const classes = response.status === 200 ? classesIn(text) : null
    if (classes === null) throw new ConnectError(`GET ${target} returned status ${response.status}: ${clipped(text)}`)
    return classes
  }
}

/** Null: it is not a list of plugins. */
function classesIn(text: string): readonly string[] | null {
  try {
    const plugins = JSON.parse(text) as readonly { readonly class: unknown }[]
    return plugins.map((plugin) => String(plugin.class))
  } catch {
    return null
  }
}

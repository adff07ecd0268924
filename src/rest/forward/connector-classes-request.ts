import type { ListClasses } from '../../herder/group/member-plugins.ts'

import { ConnectError } from '../../api/errors.ts'
import { clipped } from '../../foundation/logging/clipped.ts'
import { workerTarget, type WorkerCall } from './worker-call.ts'

const path = '/connector-plugins'

/** Asks another worker for its connector classes: `GET /connector-plugins`. */
export function connectorClassesRequest(call: WorkerCall): ListClasses {
  return async (url, signal) => {
    const what = `GET ${workerTarget(url, path)}`
    const { status, text } = await call({ what, url, path, method: 'GET', signal })
    const classes = status === 200 ? classesIn(text) : null
    if (classes === null) throw new ConnectError(`${what} returned status ${status}: ${clipped(text)}`)
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

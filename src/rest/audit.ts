import type { LogStreaks } from '../foundation/logging/log-streaks.ts'
import type { Answer, Route } from './route.ts'

import { clipped } from '../foundation/logging/clipped.ts'

/** A request that may have changed something. No header, query or body: secrets may stand there. */
export interface ChangeRequest {
  readonly route: Route
  /** As it came in, still encoded. */
  readonly path: string
  /** The address that the connection comes from. */
  readonly remote: string | undefined
}

/** What the last part of a path has done to a connector or task. */
const actions: Readonly<Record<string, string>> = {
  pause: 'paused',
  resume: 'resumed',
  stop: 'stopped',
  restart: 'restarted',
}

/**
 * Logs a line for each request that changes something, or was refused to: who, what, and how it ended. Of what a client repeats,
 * one line stands for many.
 */
export function logChange(streaks: LogStreaks, { route, path, remote }: ChangeRequest, answer: Answer): void {
  const { method, path: pattern } = route
  if (method === 'GET' || pattern.endsWith('/validate')) return
  const fields = { method, path: clipped(path), status: answer.status, remote: remote ?? null }
  const client = remote ?? ''
  if (answer.status >= 400) {
    const text = `a request ${answer.status >= 500 ? 'failed' : 'was refused'}: ${method} ${pattern}`
    streaks.log('info', { kind: `${text} ${answer.status}`, client }, text, fields)
    return
  }
  const text = `REST: ${subjectOf(route, path, answer)} ${actionOf(route, answer)}`
  streaks.log('info', { kind: text, client }, text, fields)
}

function actionOf({ method, path }: Route, { status }: Answer): string {
  const action = actions[path.slice(path.lastIndexOf('/') + 1)]
  if (action !== undefined) return action
  if (method === 'DELETE') return 'deleted'
  return status === 201 ? 'created' : 'updated'
}

/** The connector, or its task; the one that was created stands in the response's Location. */
function subjectOf(route: Route, path: string, { headers }: Answer): string {
  const created = route.path === '/connectors' ? new URL(headers?.['Location'] ?? 'http://x').pathname : path
  const [, , connector = '', kind, task] = created.split('/')
  const name = clipped(decodeURIComponent(connector))
  return kind === 'tasks' ? `task ${name}-${task ?? ''}` : `connector ${name}`
}

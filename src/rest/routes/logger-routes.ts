import type { ConnectValue } from '../../api/schema.ts'
import type { LoggerSetting } from '../../foundation/logging/log-levels.ts'

import { NotFoundError } from '../../api/errors.ts'
import { loggerLevelOf } from '../../foundation/logging/log-levels.ts'
import { BadRequestError } from '../../herder/herder-errors.ts'
import { objectOf, parseBody, textOf } from '../request/json-body.ts'
import { param, quick, type Route } from '../route.ts'

/** The levels of loggers, of this worker or of all (KIP-495, KIP-976). They last until the worker ends. */
export const loggerRoutes: readonly Route[] = [
  {
    operationId: 'listLoggers',
    method: 'GET',
    path: '/admin/loggers',
    needs: { role: 'read', of: 'worker' },
    isQuick: quick,
    async handle(_request, { herder }) {
      const settings = [...herder.loggers()].toSorted(([a], [b]) => (a < b ? -1 : 1))
      return { status: 200, json: Object.fromEntries(settings.map(([name, setting]) => [name, settingJson(setting)])) }
    },
  },
  {
    operationId: 'getLogger',
    method: 'GET',
    path: '/admin/loggers/{logger}',
    needs: { role: 'read', of: 'worker' },
    isQuick: quick,
    async handle(request, { herder }) {
      const name = param(request, 'logger')
      const setting = herder.loggers().get(name)
      if (setting === undefined) throw new NotFoundError(`Logger ${name} not found.`)
      return { status: 200, json: settingJson(setting) }
    },
  },
  {
    operationId: 'putLogger',
    method: 'PUT',
    path: '/admin/loggers/{logger}',
    // Lines of a lower level may show what other connectors do, and a higher one hides it.
    needs: { role: 'admin', of: 'all connectors' },
    async handle(request, { herder }) {
      const name = param(request, 'logger')
      const text = textOf(objectOf(parseBody(request.body), 'body with "level"')['level'], 'level')
      if (text === null) throw new BadRequestError("Desired 'level' parameter was not specified in request.")
      const level = loggerLevelOf(text)
      if (level === null) throw new NotFoundError(`invalid log level '${text}'.`)
      // As in Connect, any other scope is that of the worker.
      if (request.query.get('scope')?.toLowerCase() !== 'cluster') {
        return { status: 200, json: [...herder.setLoggerLevel(name, level)] }
      }
      await herder.setClusterLoggerLevel(name, level, request.signal)
      return { status: 204 }
    },
  },
]

function settingJson({ level, lastModified }: LoggerSetting): ConnectValue {
  return { level, last_modified: lastModified }
}

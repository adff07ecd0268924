import type { RawConfig } from '../../api/config-def.ts'
import type { PlainMap } from '../../api/schema.ts'
import type { TaskInfo } from '../../herder/entities/task-info.ts'

import { formatTaskId, type TaskId } from '../../config/connector/task-id.ts'
import { configOf, parseBody } from '../request/json-body.ts'
import { signedRequestOf } from '../request/worker-signature.ts'
import { httpError, malformed, RestError } from '../rest-error.ts'
import { param, type RestRequest, type Route } from '../route.ts'
import { shows } from './connector-operation.ts'
import { taskStatusJson } from './state-routes.ts'

/** The tasks of a connector. */
export const taskRoutes: readonly Route[] = [
  shows(['getTasks', '/tasks'], async (herder, connector) => (await herder.taskInfos(connector)).map(taskInfoJson)),
  shows(['getTasksConfig', '/tasks-config'], async (herder, connector) => {
    const infos = await herder.taskInfos(connector)
    return Object.fromEntries(infos.map((info) => [formatTaskId(info.id), info.config]))
  }),
  {
    // Workers of a group send it to their leader.
    operationId: 'putTaskConfigs',
    method: 'POST',
    path: '/connectors/{connector}/tasks',
    needs: { role: 'admin', of: 'connector' },
    async handle(request, { herder }) {
      const connector = param(request, 'connector')
      await herder.putTaskConfigs(connector, taskConfigs(request.body), signedRequestOf(request), request.signal)
      return { status: 204 }
    },
  },
  {
    // Workers with exactly-once delivery send it to their leader.
    operationId: 'fenceZombies',
    method: 'PUT',
    path: '/connectors/{connector}/fence',
    needs: { role: 'admin', of: 'connector' },
    forwardable: true,
    async handle(request, { herder }) {
      await herder.fenceZombies(param(request, 'connector'), signedRequestOf(request), request.signal)
      return { status: 204 }
    },
  },
  {
    operationId: 'getTaskStatus',
    method: 'GET',
    path: '/connectors/{connector}/tasks/{task}/status',
    needs: { role: 'read', of: 'connector' },
    async handle(request, { herder }) {
      return { status: 200, json: taskStatusJson(await herder.taskStatus(taskId(request))) }
    },
  },
  {
    operationId: 'restartTask',
    method: 'POST',
    path: '/connectors/{connector}/tasks/{task}/restart',
    needs: { role: 'operate', of: 'connector' },
    forwardable: true,
    async handle(request, { herder }) {
      await herder.restartTask(taskId(request), request.signal)
      return { status: 204 }
    },
  },
]

export function taskIdJson(id: TaskId): PlainMap {
  return { connector: id.connector, task: id.task }
}

function taskInfoJson({ id, config }: TaskInfo): PlainMap {
  return { id: taskIdJson(id), config }
}

/** `[{"key":"value"}]`. @throws RestError */
function taskConfigs(body: string): readonly RawConfig[] {
  const parsed = parseBody(body)
  if (!Array.isArray(parsed)) throw new RestError(malformed, 'the body is not an array of task configs')
  return parsed.map((item: unknown) => {
    const entries = Object.entries(configOf(item, 'task config'))
    return Object.fromEntries(entries.flatMap(([key, value]) => (value === null ? [] : [[key, value] as const])))
  })
}

/** @throws RestError 404 when the task is not a number, as for an unknown path */
function taskId(request: RestRequest): TaskId {
  const task = param(request, 'task')
  if (!/^[+-]?\d{1,9}$/.test(task)) throw httpError(404)
  return { connector: param(request, 'connector'), task: Number(task) }
}

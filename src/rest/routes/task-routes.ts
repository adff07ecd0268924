import { type TaskId, formatTaskId } from '../../config/connector/task-id.ts'
import { httpError } from '../rest-error.ts'
import { param, type RestRequest, type Route } from '../route.ts'
import { taskInfoJson, taskStatusJson } from '../wire.ts'
import { shows } from './connector-operation.ts'

/** The tasks of a connector. */
export const taskRoutes: readonly Route[] = [
  shows('/tasks', async (herder, connector) => (await herder.taskInfos(connector)).map(taskInfoJson)),
  shows('/tasks-config', async (herder, connector) => {
    const infos = await herder.taskInfos(connector)
    return Object.fromEntries(infos.map((info) => [formatTaskId(info.id), info.config]))
  }),
  {
    method: 'GET',
    path: '/connectors/{connector}/tasks/{task}/status',
    async handle(request, { herder }) {
      return { status: 200, json: taskStatusJson(await herder.taskStatus(taskId(request))) }
    },
  },
  {
    method: 'POST',
    path: '/connectors/{connector}/tasks/{task}/restart',
    forwardable: true,
    async handle(request, { herder }) {
      await herder.restartTask(taskId(request), request.signal)
      return { status: 204 }
    },
  },
]

/** @throws RestError 404 when the task is no number, as for a path that leads nowhere */
function taskId(request: RestRequest): TaskId {
  const task = param(request, 'task')
  if (!/^[+-]?\d{1,9}$/.test(task)) throw httpError(404)
  return { connector: param(request, 'connector'), task: Number(task) }
}

import type { ConnectValue, PlainMap } from '../../api/schema.ts'
import type { ConnectorStatus, InstanceStatus, TaskStatus } from '../../herder/entities/connector-status.ts'

import { flag, param, type Route } from '../route.ts'
import { commands, shows } from './connector-operation.ts'

/** The state of connectors, and the commands that change it. */
export const stateRoutes: readonly Route[] = [
  shows(['getConnectorStatus', '/status'], async (herder, connector) =>
    connectorStatusJson(await herder.connectorStatus(connector)),
  ),
  {
    operationId: 'restartConnector',
    method: 'POST',
    path: '/connectors/{connector}/restart',
    needs: { role: 'operate', of: 'connector' },
    forwardable: true,
    async handle(request, { herder }) {
      const connector = param(request, 'connector')
      const [includeTasks, onlyFailed] = [flag(request, 'includeTasks'), flag(request, 'onlyFailed')]
      if (!includeTasks && !onlyFailed) {
        await herder.restartConnector(connector, request.signal)
        return { status: 204 }
      }
      const plan = await herder.restartConnectorAndTasks({ connector, includeTasks, onlyFailed }, request.signal)
      return { status: 202, json: connectorStatusJson(plan) }
    },
  },
  commands(['pauseConnector', '/pause'], {
    role: 'operate',
    method: 'PUT',
    status: 202,
    forwardable: false,
    run: (herder, connector, signal) => herder.pauseConnector(connector, signal),
  }),
  commands(['resumeConnector', '/resume'], {
    role: 'operate',
    method: 'PUT',
    status: 202,
    forwardable: false,
    run: (herder, connector, signal) => herder.resumeConnector(connector, signal),
  }),
  commands(['stopConnector', '/stop'], {
    role: 'operate',
    method: 'PUT',
    status: 204,
    forwardable: true,
    run: (herder, connector, signal) => herder.stopConnector(connector, signal),
  }),
  shows(['getConnectorTopics', '/topics'], async (herder, connector) =>
    Object.fromEntries([[connector, { topics: await herder.activeTopics(connector) }]]),
  ),
  commands(['resetConnectorTopics', '/topics/reset'], {
    role: 'admin',
    method: 'PUT',
    status: 202,
    forwardable: false,
    run: (herder, connector) => herder.resetActiveTopics(connector),
  }),
]

export function connectorStatusJson(status: ConnectorStatus): PlainMap {
  return {
    name: status.name,
    connector: instanceJson(status.connector),
    tasks: status.tasks.map(taskStatusJson),
    type: status.type,
  }
}

export function taskStatusJson(status: TaskStatus): PlainMap {
  return { id: status.id, ...instanceJson(status) }
}

function instanceJson({ state, workerId, trace }: InstanceStatus): Record<string, ConnectValue> {
  return { state, worker_id: workerId, ...(trace === null || trace === '' ? {} : { trace }) }
}

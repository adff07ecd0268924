import { flag, param, type Route } from '../route.ts'
import { connectorStatusJson } from '../wire.ts'

/** What connectors do: status, restart, pause, resume, stop, topics, offsets. */
export const stateRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/connectors/{connector}/status',
    async handle(request, { herder }) {
      return { status: 200, json: connectorStatusJson(await herder.connectorStatus(param(request, 'connector'))) }
    },
  },
  {
    method: 'POST',
    path: '/connectors/{connector}/restart',
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
  {
    method: 'PUT',
    path: '/connectors/{connector}/pause',
    async handle(request, { herder }) {
      await herder.pauseConnector(param(request, 'connector'), request.signal)
      return { status: 202 }
    },
  },
  {
    method: 'PUT',
    path: '/connectors/{connector}/resume',
    async handle(request, { herder }) {
      await herder.resumeConnector(param(request, 'connector'), request.signal)
      return { status: 202 }
    },
  },
  {
    method: 'PUT',
    path: '/connectors/{connector}/stop',
    forwardable: true,
    async handle(request, { herder }) {
      await herder.stopConnector(param(request, 'connector'), request.signal)
      return { status: 204 }
    },
  },
  {
    method: 'GET',
    path: '/connectors/{connector}/topics',
    async handle(request, { herder }) {
      const connector = param(request, 'connector')
      return { status: 200, json: Object.fromEntries([[connector, { topics: await herder.activeTopics(connector) }]]) }
    },
  },
  {
    method: 'GET',
    path: '/connectors/{connector}/offsets',
    async handle(request, { herder }) {
      const offsets = await herder.connectorOffsets(param(request, 'connector'), request.signal)
      return { status: 200, json: { offsets: offsets.map(({ partition, offset }) => ({ partition, offset })) } }
    },
  },
]

import { flag, param, type Route } from '../route.ts'
import { connectorStatusJson } from '../wire.ts'
import { commands, shows } from './connector-operation.ts'

/** What connectors do: status, restart, pause, resume, stop, topics, offsets. */
export const stateRoutes: readonly Route[] = [
  shows('/status', async (herder, connector) => connectorStatusJson(await herder.connectorStatus(connector))),
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
  commands({
    method: 'PUT',
    path: '/pause',
    status: 202,
    forwardable: false,
    run: (herder, connector, signal) => herder.pauseConnector(connector, signal),
  }),
  commands({
    method: 'PUT',
    path: '/resume',
    status: 202,
    forwardable: false,
    run: (herder, connector, signal) => herder.resumeConnector(connector, signal),
  }),
  commands({
    method: 'PUT',
    path: '/stop',
    status: 204,
    forwardable: true,
    run: (herder, connector, signal) => herder.stopConnector(connector, signal),
  }),
  shows('/topics', async (herder, connector) =>
    Object.fromEntries([[connector, { topics: await herder.activeTopics(connector) }]]),
  ),
  shows('/offsets', async (herder, connector, signal) => {
    const offsets = await herder.connectorOffsets(connector, signal)
    return { offsets: offsets.map(({ partition, offset }) => ({ partition, offset })) }
  }),
]

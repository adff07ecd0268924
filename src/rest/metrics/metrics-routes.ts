import type { Herder } from '../../herder/herder.ts'

import { NotFoundError } from '../../api/errors.ts'
import { prometheusText } from '../../foundation/metrics/prometheus-text.ts'
import { quick, type RestResponse, type Route } from '../route.ts'
import { connectMetrics, type LocalConnector } from './connect-metrics.ts'

/** Pages for Prometheus. Labels name connectors. */
export const metricsRoutes: readonly Route[] = [
  {
    operationId: 'getMetrics',
    method: 'GET',
    path: '/metrics',
    needs: { role: 'read', of: 'all connectors' },
    isQuick: quick,
    respondsWith: 'text',
    async handle(_request, { metrics }) {
      return page(await metrics())
    },
  },
  {
    operationId: 'getConnectMetrics',
    method: 'GET',
    path: '/metrics/connect',
    needs: { role: 'read', of: 'all connectors' },
    isQuick: quick,
    respondsWith: 'text',
    async handle(_request, { herder, worker }) {
      const names = await herder.connectors()
      const connectors = await Promise.all(names.map(async (name) => await localConnector(herder, name, worker.id)))
      return page(prometheusText(connectMetrics(worker.samples(), connectors.flat()), 'kafka_connect_'))
    },
  },
]

function page(text: string): RestResponse {
  return { status: 200, text, headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' } }
}

/** Empty for a connector that has no state yet. */
async function localConnector(herder: Herder, name: string, worker: string): Promise<readonly LocalConnector[]> {
  try {
    const { connector, tasks, type } = await herder.connectorStatus(name)
    const { config } = await herder.connectorInfo(name)
    const isHere = connector.workerId === worker && connector.state !== 'UNASSIGNED'
    const here = tasks.filter(({ workerId, state }) => workerId === worker && state !== 'UNASSIGNED')
    return [{ name, type, className: config['connector.class'] ?? '', isHere, tasks: here }]
  } catch (error) {
    if (error instanceof NotFoundError) return []
    throw error
  }
}

import type { Route } from '../route.ts'
import type { WorkerHealth } from '../../herder/entities/worker-health.ts'

import { unreachable } from '../../foundation/assert.ts'
import { quick } from '../route.ts'

/** The worker itself: its version and health. */
export const workerRoutes: readonly Route[] = [
  {
    operationId: 'getWorker',
    method: 'GET',
    path: '/',
    needs: { role: 'read', of: 'worker' },
    isQuick: quick,
    async handle(_request, { herder }) {
      const { version, commit, kafkaClusterId } = herder.serverInfo()
      return { status: 200, json: { version, commit, kafka_cluster_id: kafkaClusterId } }
    },
  },
  {
    operationId: 'getHealth',
    method: 'GET',
    path: '/health',
    needs: { role: 'read', of: 'worker' },
    timeoutMs: 10_000,
    isQuick: quick,
    probe: true,
    async handle({ signal, isTrusted }, { herder, conditions = () => [] }) {
      const health = await herder.health(signal)
      const message = isTrusted
        ? [messageOf(health), ...stagesOf(health), ...conditions()].join(' ')
        : messageOf(health)
      return { status: statusOf(health), json: { status: health.status, message } }
    },
  },
]

function statusOf(health: WorkerHealth): number {
  const statuses = { healthy: 200, starting: 503, unhealthy: 500 }
  return statuses[health.status]
}

/** The stage of a worker that is not healthy. */
function stagesOf(health: WorkerHealth): readonly string[] {
  return health.status === 'healthy' ? [] : [health.stage]
}

function messageOf(health: WorkerHealth): string {
  switch (health.status) {
    case 'healthy':
      return 'Worker has completed startup and is ready to handle requests.'
    case 'starting':
      return 'Worker is still starting up.'
    case 'unhealthy':
      return 'Worker was unable to handle this request and may be unable to handle other requests.'
    default:
      return unreachable(health, 'health')
  }
}

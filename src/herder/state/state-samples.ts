import type { LabelledSample } from '../../foundation/metrics/meters.ts'
import { gauge } from '../../foundation/metrics/prometheus-text.ts'
import type { WorkerStatusStore } from './worker-status-store.ts'

/** The states of all connectors and tasks of the group: 1 under the state that each has. */
export function stateSamples(statuses: WorkerStatusStore): readonly LabelledSample[] {
  const { connectors, tasks } = statuses.known()
  return [
    ...connectors.map((connector) => {
      const state = statuses.connector(connector)?.state ?? 'UNASSIGNED'
      return gauge('connector_state', 'State of a connector', 1, { connector, state })
    }),
    ...tasks.map((id) => {
      const state = statuses.task(id)?.state ?? 'UNASSIGNED'
      return gauge('task_state', 'State of a task', 1, { connector: id.connector, task: String(id.task), state })
    }),
  ]
}

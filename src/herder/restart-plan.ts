import type { ConnectorStatus } from './entities/connector-status.ts'
import type { RestartRequest } from './entities/restart-request.ts'

/** Returns the status in which everything that the request restarts is RESTARTING. */
export function planRestart({ onlyFailed, includeTasks }: RestartRequest, status: ConnectorStatus): ConnectorStatus {
  const restarts = (state: string): boolean => !onlyFailed || state === 'FAILED'
  return {
    ...status,
    connector: restarts(status.connector.state) ? restarting(status.connector) : status.connector,
    tasks: status.tasks.map((task) => (includeTasks && restarts(task.state) ? restarting(task) : task)),
  }
}

/** Keeps the trace, which shows why. */
function restarting<T extends { readonly trace: string | null }>(status: T): T & { readonly state: 'RESTARTING' } {
  return { ...status, state: 'RESTARTING' }
}

import type { TaskFlow } from '../../../src/diagnosis/flow/task-flow.ts'
import type { ConnectorObservations, ObservedTask } from '../../../src/diagnosis/observations.ts'

/** A sink task that has nothing to do. */
export const idleFlow: TaskFlow = {
  seconds: 30,
  recordsPerSecond: 0,
  idleSeconds: 3600,
  stalledSeconds: 0,
  lagRecords: 0,
  lagPerSecond: 0,
  uncommittedRecords: 0,
  partitions: 1,
  withoutPartitionsSeconds: 0,
  putShare: 0,
  rebalances: 0,
  behindSeconds: null,
  retainedBytes: null,
}

export function observedTask(changes: Partial<ObservedTask> = {}): ObservedTask {
  return { id: 0, state: 'RUNNING', workerId: 'w:1', trace: null, flow: idleFlow, restarts: 0, ...changes }
}

/** A sink with one task that runs and has nothing to do. */
export function observedSink(changes: Partial<ConnectorObservations> = {}): ConnectorObservations {
  return {
    connector: 'search',
    type: 'sink',
    target: 'STARTED',
    config: { topics: 'orders' },
    status: { state: 'RUNNING', workerId: 'w:1', trace: null },
    tasks: [observedTask()],
    configuredTasks: 1,
    backlog: { group: 'connect-search', records: 0, missingTopics: [] },
    probe: { kind: 'found', findings: [] },
    conditions: [],
    silentWorkers: [],
    since: () => null,
    now: Date.UTC(2026, 0, 1),
    restUrl: 'http://w:1',
    ...changes,
  }
}

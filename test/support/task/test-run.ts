import type { TaskRun } from '../../../src/runtime/task-run.ts'

/** A run of the first task of connector `c`. */
export const testRun: TaskRun = {
  id: { connector: 'c', task: 0 },
  connectorConfig: {},
  taskConfig: {},
  paused: false,
  incarnation: 1,
}

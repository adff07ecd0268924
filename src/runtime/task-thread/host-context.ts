import type { TaskContext } from '../../api/task.ts'

/** What the host gives to a loop for its task; the loop adds what only it can do. */
export type HostContext = Omit<TaskContext, 'setCondition'>

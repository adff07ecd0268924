import type { TaskContext } from '../../api/task.ts'

/** The part of a task's context that its host provides; the loop adds the rest. */
export type HostContext = Omit<TaskContext, 'setCondition'>

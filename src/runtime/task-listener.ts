import type { SecretRefresh } from '../config/providers/secret-watch.ts'
import type { TaskStart, TaskState } from './task-run.ts'

/**
 * Why a task has ended: by an error of its own, by one whose reason may pass, so that a restart may help, or because its thread
 * died.
 */
export type FailureCause = 'task' | 'transient' | 'thread'

/**
 * Receives the states of tasks. The loops call it in their threads; each thread forwards the calls to the main thread, where
 * the herder implements it. A run is identified by the object that it was started with: a later run of the same task has
 * another one.
 */
export interface TaskListener<Run extends TaskStart = TaskStart> {
  /**
   * The state of the task, or the reason why it waits, has changed. RESTARTING: its start failed and is retried.
   * @param trace why the task waits; null when nothing is wrong
   */
  onTaskState(run: Run, state: TaskState, trace: string | null): void
  /** The task wrote to this topic, or read from it, for the first time. */
  onTaskTopic(run: Run, topic: string): void
  /** The task lost its thread and is started on another one; its states follow. */
  onTaskMoved(run: Run, trace: string): void
  /** Secrets of the task were read again. If one has changed, the task has to restart with it. */
  onTaskSecrets(run: Run, refresh: SecretRefresh): void
  onTaskFailed(run: Run, trace: string, cause: FailureCause): void
}

/** What a loop reports of its task; the host reports the end of a task. */
export type TaskProgressListener<Run extends TaskStart = TaskStart> = Pick<
  TaskListener<Run>,
  'onTaskState' | 'onTaskTopic'
>

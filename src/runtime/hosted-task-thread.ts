import type { TaskStart, TaskState } from './task-run.ts'
import type { LogLevels } from '../foundation/logging/log-levels.ts'
import type { WorkerProviders } from '../config/providers/provider-settings.ts'
import type { PluginDescriptor } from '../plugin/plugin-descriptor.ts'
import { formatTaskId, type TaskId } from '../config/connector/task-id.ts'
import type { TaskSettings } from './task-settings.ts'
import type {
  FromTaskThread,
  TaskThreadData,
  ToTaskThread,
  ToTaskThreadResponses,
} from './task-thread/task-thread-messages.ts'
import type { Lease } from './thread/lease.ts'
import { BeatWatch, newBeat } from './thread/heartbeat.ts'
import { HostedThread } from './thread/hosted-thread.ts'

type Thread = HostedThread<ToTaskThread, ToTaskThreadResponses, FromTaskThread>

/** One run of a task, from its start until nothing of it can run any more. */
export interface HostedTask {
  readonly incarnation: number
  /** The object that the herder started the task with, which identifies the run to the listener. */
  readonly start: TaskStart
  readonly host: HostedTaskThread
  /** Whether the last request was to pause. */
  paused: boolean
  /** The last state and trace that the task reported. */
  state: TaskState
  trace: string | null
}

/** A task thread as the main thread sees it. */
export interface HostedTaskThread {
  readonly className: string
  /** Whether the thread belongs to one task even where other tasks share threads. */
  readonly dedicated: boolean
  /** By incarnation. */
  readonly tasks: Map<number, HostedTask>
  readonly thread: Thread
  readonly beat: BeatWatch
  /** Null while the thread is in use. Otherwise resolves when it has ended, and nothing of its tasks can run. */
  ending: Promise<void> | null
}

export interface TaskThreadOptions {
  readonly settings: TaskSettings
  readonly foundPlugins: readonly PluginDescriptor[]
  readonly providers: WorkerProviders
  readonly logLevels: LogLevels
  /** Until when the worker may act upon its assignment. */
  readonly lease: Lease
}

/** What differs from one task thread to the next. */
export interface TaskThreadRequest {
  /** Unique among the worker's task threads. */
  readonly number: number
  readonly className: string
  readonly dedicated: boolean
  /** The first task of the thread, which gives it its name. */
  readonly id: TaskId
  readonly receive: (message: FromTaskThread) => unknown
  readonly onDeath: (reason: Error) => void
}

/**
 * Limits of a task thread. A small young generation keeps idle tasks small. A task that needs more than the old
 * generation fails with its thread and is restarted, instead of ending the process.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 512 }

const entry = new URL(
  `./task-thread/task-thread-entry${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
)

export function startTaskThread(
  { settings, foundPlugins, providers, logLevels, lease }: TaskThreadOptions,
  { number, className, dedicated, id, receive, onDeath }: TaskThreadRequest,
): HostedTaskThread {
  const name = formatTaskId(id)
  const beat = newBeat()
  const workerData: TaskThreadData = {
    settings,
    foundPlugins,
    providers,
    logLevels: logLevels.buffer,
    clientId: `connector-${name}`,
    beat,
    lease: lease.buffer,
  }
  const thread: Thread = new HostedThread<ToTaskThread, ToTaskThreadResponses, FromTaskThread>({
    name: `task-thread-${number} ${name}`,
    entry,
    workerData,
    resourceLimits,
    handle: receive,
    onDeath,
  })
  return { className, dedicated, tasks: new Map(), thread, beat: new BeatWatch(beat), ending: null }
}

/** Removes a task that has ended from its thread, and ends the thread after its last task. Returns whether it ended. */
export async function releaseTask({ host, incarnation }: HostedTask): Promise<boolean> {
  host.tasks.delete(incarnation)
  if (host.tasks.size > 0 || host.ending !== null) return false
  host.ending = host.thread.close()
  await host.ending
  return true
}

import { type TaskId, formatTaskId } from '../config/connector/task-id.ts'
import type { LogLevel } from '../foundation/logging/log-levels.ts'
import type { PluginDescriptor } from '../plugin/plugin-descriptor.ts'
import type { TaskSettings } from './task-settings.ts'
import type { TaskState } from './task-thread/task-control.ts'
import type {
  FromTaskThread,
  TaskStart,
  TaskThreadData,
  ToTaskThread,
  ToTaskThreadAnswers,
} from './task-thread/task-thread-messages.ts'
import { BeatWatch, newBeat } from './thread/heartbeat.ts'
import { HostedThread } from './thread/hosted-thread.ts'

type Thread = HostedThread<ToTaskThread, ToTaskThreadAnswers, FromTaskThread>

/** One run of a task, from its start to the end of all that runs of it. */
export interface HostedTask {
  readonly incarnation: number
  /** What it was started with; who started it knows it by this object. */
  readonly start: TaskStart
  readonly hosting: Hosting
  /** As asked for last. */
  paused: boolean
  /** As the task said last. */
  state: TaskState
  trace: string | null
}

/** A thread with the tasks that were given to it. */
export interface Hosting {
  readonly className: string
  /** Belongs to one task, also where others share. */
  readonly own: boolean
  /** By incarnation. */
  readonly tasks: Map<number, HostedTask>
  readonly thread: Thread
  readonly beat: BeatWatch
  /** Resolves when the thread, which is to end, has: nothing of its tasks can run any more. Null: it stays. */
  left: Promise<void> | null
}

export interface HostingOptions {
  readonly settings: TaskSettings
  readonly foundPlugins: readonly PluginDescriptor[]
  readonly logLevel: LogLevel
  /** Tells the thread from all others of the worker. */
  readonly number: number
  readonly className: string
  readonly own: boolean
  /** The task it is opened for. */
  readonly id: TaskId
  readonly receive: (message: FromTaskThread) => unknown
  readonly onDeath: (reason: Error) => void
}

/**
 * Bounds of a task's thread. A small young generation keeps idle tasks small; a task that needs more than the old
 * generation fails alone and is started again, instead of taking the process with it.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 512 }

const entry = new URL(
  `./task-thread/task-thread-entry${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
)

/** Starts a thread for tasks. */
export function openHosting(options: HostingOptions): Hosting {
  const { settings, foundPlugins, logLevel, className, own } = options
  const name = formatTaskId(options.id)
  const beat = newBeat()
  const workerData: TaskThreadData = { settings, foundPlugins, logLevel, clientId: `connector-${name}`, beat }
  const thread: Thread = new HostedThread<ToTaskThread, ToTaskThreadAnswers, FromTaskThread>({
    name: `task-thread-${options.number} ${name}`,
    entry,
    workerData,
    resourceLimits,
    handle: options.receive,
    onDeath: options.onDeath,
  })
  return { className, own, tasks: new Map(), thread, beat: new BeatWatch(beat), left: null }
}

/** Takes a task that has ended off its thread, and ends the thread with its last one. Returns whether it has. */
export async function releaseTask({ hosting, incarnation }: HostedTask): Promise<boolean> {
  hosting.tasks.delete(incarnation)
  if (hosting.tasks.size > 0 || hosting.left !== null) return false
  hosting.left = hosting.thread.close()
  await hosting.left
  return true
}

import type { Clock } from '../foundation/clock.ts'
import type { LabelledSample } from '../foundation/metrics/meters.ts'
import { gauge } from '../foundation/metrics/prometheus-text.ts'
import type { HostedTask, HostedTaskThread } from './hosted-task-thread.ts'
import { formatTaskId } from '../config/connector/task-id.ts'
import { beatMs } from './thread/heartbeat.ts'
import { probeThread, type ThreadActivity } from './thread/thread-probe.ts'

/** How long code may block the event loop. Milliseconds. */
export interface BlockingLimits {
  /** On a thread that tasks share (`task.threads.blocked.max.ms`). */
  readonly sharedMs: number
  /** On a thread of its own (`task.blocked.max.ms`). */
  readonly ownMs: number
}

/** A thread whose event loop has been blocked for too long. */
export interface BlockedThread {
  readonly host: HostedTaskThread
  /** The task whose code runs; null when it is unknown. */
  readonly task: HostedTask | null
  /** For the status and the logs. */
  readonly trace: string
}

export interface TaskThreadWatchOptions {
  readonly threads: ReadonlySet<HostedTaskThread>
  readonly limits: BlockingLimits
  readonly clock: Clock
  readonly onBlocked: (blocked: BlockedThread) => void
  /** A task blocks its own thread; a null trace when it no longer does. */
  readonly onSilent: (task: HostedTask, trace: string | null) => void
}

/** How long a blocked thread may take to report what it runs. Milliseconds. */
const probeMs = 5_000

/**
 * Checks that the event loops of the task threads run. When one is blocked, the thread's inspector reports the task whose
 * code runs, and its stack.
 */
export class TaskThreadWatch {
  readonly #options: TaskThreadWatchOptions
  readonly #stop: () => void
  readonly #probing = new Set<HostedTaskThread>()
  readonly #shown = new Set<HostedTask>()
  readonly #blocks = new Map<string, { readonly task: HostedTask; count: number }>()
  #checkedAt: number

  constructor(options: TaskThreadWatchOptions) {
    this.#options = options
    this.#checkedAt = options.clock.monotonic()
    this.#stop = options.clock.every(beatMs, () => this.#check())
  }

  close(): void {
    this.#stop()
  }

  samples(): readonly LabelledSample[] {
    const threads = [...this.#options.threads]
    const silent = Math.max(0, ...threads.map(({ beat }) => beat.silentMs)) / 1000
    return [
      gauge('task_threads', 'Threads that run tasks', threads.length),
      gauge(
        'task_thread_silence_seconds',
        'The longest time that the event loop of a task thread has been blocked',
        silent,
      ),
      ...[...this.#blocks.values()].map(({ task, count }) => ({
        sample: {
          kind: 'counter' as const,
          name: 'task_thread_blocked_total',
          help: 'Threads that were ended because the task blocked them',
          value: count,
        },
        labels: { connector: task.start.id.connector, task: String(task.start.id.task) },
      })),
    ]
  }

  #check(): void {
    const now = this.#options.clock.monotonic()
    const elapsedMs = now - this.#checkedAt
    this.#checkedAt = now
    const { sharedMs, ownMs } = this.#options.limits
    for (const host of this.#options.threads) {
      host.beat.look(elapsedMs)
      if (host.ending !== null) continue
      const [task] = host.tasks.values()
      const alone = host.tasks.size === 1
      if (alone && task !== undefined) this.#show(task, host.beat.silentMs > sharedMs)
      if (host.beat.silentMs > (alone ? ownMs : sharedMs)) void this.#probe(host)
    }
  }

  #show(task: HostedTask, isSilent: boolean): void {
    if (this.#shown.has(task) === isSilent) return
    if (isSilent) this.#shown.add(task)
    else this.#shown.delete(task)
    const { sharedMs, ownMs } = this.#options.limits
    const trace = `TASK_BUSY: the task has kept its thread busy for more than ${sharedMs / 1000} s without a pause; after ${ownMs / 1000} s it fails`
    this.#options.onSilent(task, isSilent ? trace : null)
  }

  async #probe(host: HostedTaskThread): Promise<void> {
    if (this.#probing.has(host)) return
    this.#probing.add(host)
    try {
      const activity = await probeThread(host.thread.name, probeMs, this.#options.clock)
      // The event loop has resumed: what it runs now is not what blocked it.
      if (host.beat.hasBeaten) return
      const task = this.#taskOf(host, activity)
      for (const one of task === null ? host.tasks.values() : [task]) this.#count(one)
      this.#options.onBlocked({ host, task, trace: traceOf(host, task, activity) })
    } finally {
      this.#probing.delete(host)
    }
  }

  #taskOf(host: HostedTaskThread, activity: ThreadActivity | null): HostedTask | null {
    const [only] = host.tasks.values()
    if (host.tasks.size === 1 && only !== undefined) return only
    return host.tasks.get(activity?.owner ?? -1) ?? null
  }

  #count(task: HostedTask): void {
    const name = formatTaskId(task.start.id)
    const known = this.#blocks.get(name)
    if (known === undefined) this.#blocks.set(name, { task, count: 1 })
    else known.count += 1
  }
}

function traceOf(host: HostedTaskThread, task: HostedTask | null, activity: ThreadActivity | null): string {
  const seconds = Math.round(host.beat.silentMs / 1000)
  const place = activity === null ? 'It runs native code.' : `It runs:\n${activity.stack}`
  if (host.tasks.size === 1 && task !== null) {
    return `TASK_BLOCKED: task ${formatTaskId(task.start.id)} kept its thread busy for ${seconds} s without a pause and was ended. Restart it when the cause is gone. ${place}`
  }
  const who = task === null ? 'one of its tasks' : `task ${formatTaskId(task.start.id)}`
  const names = [...host.tasks.values()].map(({ start }) => formatTaskId(start.id)).join(', ')
  return `TASK_THREAD_BLOCKED: ${who} kept a thread that it shares busy for ${seconds} s without a pause. The thread (${names}) was ended, and its tasks are started again; ${who} gets a thread of its own. ${place}`
}

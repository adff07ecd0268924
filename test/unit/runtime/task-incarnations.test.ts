import type { TaskStart } from '../../../src/runtime/task-run.ts'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { BlockingLimits } from '../../../src/runtime/task-thread-watch.ts'
import type { TaskListener } from '../../../src/runtime/task-listener.ts'
import type { TaskThreads } from '../../../src/runtime/task-threads.ts'
import { beatMs, BeatWatch, newBeat } from '../../../src/runtime/thread/heartbeat.ts'
import { embeddedBroker } from '../../contract/embedded-broker.ts'
import { taskThreads } from '../../support/task/task-threads.ts'
import { patienceMs, until, untilPasses } from '../../support/until.ts'

const className = 'test.WaywardConnector'
const broker = embeddedBroker()
/** A graceful stop takes far less; one that hangs is given up after it. */
const stopMs = 2_000
/** Far more than a machine that is merely slow keeps a thread from turning while others turn. */
const blocking: BlockingLimits = { sharedMs: 3_000, ownMs: 9_000 }
let directory = ''
const open: TaskThreads[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-wayward-'))
})

afterEach(async () => {
  await Promise.all(open.splice(0).map(async (threads) => await threads.close()))
  rmSync(directory, { recursive: true, force: true })
})

/** Task threads with one thread for all. */
async function shared(
  listener: Partial<TaskListener> = {},
  limits = blocking,
  gracefulMs = stopMs,
): Promise<TaskThreads> {
  const settings = { bootstrapServers: await broker(), gracefulMs, offsetFlushTimeoutMs: 1000 }
  const threads = taskThreads({ settings, maxThreads: 1, blocking: limits, listener })
  open.push(threads)
  return threads
}

function startOf(connector: string, behaviour: Readonly<Record<string, string>> = {}): TaskStart {
  const files = { journal: join(directory, 'journal'), release: join(directory, 'release') }
  const config = { 'connector.class': className, name: connector, ...files, ...behaviour }
  return { id: { connector, task: 0 }, connectorConfig: config, taskConfig: config, paused: false }
}

const idOf = (connector: string) => ({ connector, task: 0 })

/** The instances of a connector's task that have written, in order: each time that another one writes. */
function writers(connector: string): string[] {
  const file = join(directory, 'journal')
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  const instances = lines.filter((line) => line.startsWith(`${connector} `)).map((line) => line.split(' ')[1] ?? '')
  return instances.filter((instance, i) => instance !== instances[i - 1])
}

const linesOf = (connector: string): number =>
  readFileSync(join(directory, 'journal'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${connector} `)).length

async function untilWritersAre(connector: string, count: number): Promise<void> {
  await until(
    () => `${count} instances of ${connector} have written, not ${writers(connector).length}`,
    () => writers(connector).length >= count,
  )
}

describe.each([
  ['never', { 'on.stop': 'never' }],
  ['late', { 'on.stop': 'late' }],
  ['not, but throws', { 'on.stop': 'throw' }],
  ['while its poll hangs', { 'on.poll': 'hang' }],
])('a task on a shared thread that stops %s', (_how, behaviour) => {
  it('writes nothing once it is stopped, and never beside its successor (I3)', async () => {
    const onTaskMoved = vi.fn<TaskListener['onTaskMoved']>()
    const onTaskFailed = vi.fn<TaskListener['onTaskFailed']>()
    const threads = await shared({ onTaskMoved, onTaskFailed })
    const innocent = startOf('innocent')
    await threads.start(innocent, className)
    await threads.start(startOf('bad', behaviour), className)
    expect(threads.threadCount).toBe(1)
    await untilWritersAre('innocent', 1)
    await untilWritersAre('bad', 1)
    const before = linesOf('bad')
    await until('its fourth poll is behind it', () => linesOf('bad') > before + 10)

    await threads.stop(idOf('bad'), stopMs)
    const written = linesOf('bad')
    writeFileSync(join(directory, 'release'), '')
    await untilWritersAre('innocent', 2)
    expect(linesOf('bad')).toBe(written)
    expect(threads.has(idOf('bad'))).toBe(false)

    await threads.start(startOf('bad'), className)
    await untilWritersAre('bad', 2)
    const now = linesOf('innocent')
    await until('the innocent task runs on', () => linesOf('innocent') > now + 10)
    expect(writers('bad')).toHaveLength(2)
    expect(writers('innocent')).toHaveLength(2)
    expect(onTaskMoved.mock.calls.map(([start]) => start)).toEqual([innocent])
    expect(onTaskMoved.mock.calls[0]?.[1]).toContain("TASK_MOVED: the task's thread was ended, because task bad-0")
    expect(onTaskFailed).not.toHaveBeenCalled()
  })
})

describe('a task that is stopped before its start has returned', () => {
  it('leaves its neighbours their thread, when it returns in the time that it has', async () => {
    const onTaskMoved = vi.fn<TaskListener['onTaskMoved']>()
    const threads = await shared({ onTaskMoved }, blocking, patienceMs)
    await threads.start(startOf('innocent'), className)
    await threads.start(startOf('bad', { 'on.start': 'late' }), className)
    await untilWritersAre('innocent', 1)
    await untilWritersAre('bad', 1)
    const stopping = threads.stop(idOf('bad'), patienceMs)
    const asked = linesOf('innocent')
    await until('the innocent task runs on', () => linesOf('innocent') > asked + 10)
    writeFileSync(join(directory, 'release'), '')
    await stopping
    const now = linesOf('innocent')
    await until('the innocent task runs on', () => linesOf('innocent') > now + 10)
    expect(writers('innocent')).toHaveLength(1)
    expect(onTaskMoved).not.toHaveBeenCalled()
    expect(threads.has(idOf('bad'))).toBe(false)
  })
})

describe('a task that is started again', () => {
  it('waits for the end of the one before, whenever it is asked for', async () => {
    const onTaskState = vi.fn<TaskListener['onTaskState']>()
    const threads = await shared({ onTaskState })
    await threads.start(startOf('a', { 'on.stop': 'never' }), className)
    await untilWritersAre('a', 1)
    const stopping = threads.stop(idOf('a'), stopMs)
    const second = startOf('a')
    const starting = threads.start(second, className)
    await Promise.all([stopping, starting])
    await untilWritersAre('a', 2)
    const now = linesOf('a')
    await until('it runs on', () => linesOf('a') > now + 10)
    expect(writers('a')).toHaveLength(2)
    await untilPasses(() => expect(onTaskState.mock.calls.at(-1)?.[0]).toBe(second))
  })

  it('keeps what was asked of it while it moved', async () => {
    const onTaskState = vi.fn<TaskListener['onTaskState']>()
    const threads = await shared({ onTaskState })
    await threads.start(startOf('bad', { 'on.stop': 'never' }), className)
    const innocent = startOf('innocent')
    await threads.start(innocent, className)
    await untilWritersAre('innocent', 1)
    const stopping = threads.stop(idOf('bad'), stopMs)
    threads.pause(idOf('innocent'))
    await stopping
    await untilPasses(() => expect(onTaskState.mock.calls.at(-1)).toEqual([innocent, 'PAUSED', null]))
    expect(writers('innocent')).toHaveLength(1)
    threads.resume(idOf('innocent'))
    await untilWritersAre('innocent', 2)
  })
})

describe('a task that blocks its thread', () => {
  it('loses one that it shares: the others move within seconds, it gets its own, and fails there', async () => {
    const onTaskMoved = vi.fn<TaskListener['onTaskMoved']>()
    const onTaskFailed = vi.fn<TaskListener['onTaskFailed']>()
    const threads = await shared({ onTaskMoved, onTaskFailed })
    await threads.start(startOf('innocent'), className)
    await threads.start(startOf('other'), className)
    await untilWritersAre('innocent', 1)
    await untilWritersAre('other', 1)
    const spinner = startOf('spinner', { 'on.poll': 'spin' })
    await threads.start(spinner, className)
    await untilWritersAre('innocent', 2)
    await untilWritersAre('other', 2)
    expect(onTaskMoved.mock.calls.map(([{ id }]) => id.connector).toSorted()).toEqual(['innocent', 'other', 'spinner'])
    const moved = onTaskMoved.mock.calls[0]?.[1]
    expect(moved).toContain('TASK_THREAD_BLOCKED: task spinner-0 kept a thread that it shares busy')
    expect(moved).toContain('at spinAway')
    await untilPasses(() => expect(onTaskFailed).toHaveBeenCalled())
    expect(onTaskFailed.mock.calls).toEqual([
      [spinner, expect.stringContaining('TASK_BLOCKED: task spinner-0'), 'task'],
    ])
    expect(writers('innocent')).toHaveLength(2)
    expect(writers('other')).toHaveLength(2)
    const blocked = threads.samples().find(({ sample }) => sample.name === 'task_thread_blocked_total')
    expect(blocked).toMatchObject({ labels: { connector: 'spinner', task: '0' }, sample: { value: 2 } })
  })

  it('may work for long on a thread of its own, and shows it', async () => {
    const onTaskState = vi.fn<TaskListener['onTaskState']>()
    const onTaskFailed = vi.fn<TaskListener['onTaskFailed']>()
    const threads = await shared({ onTaskState, onTaskFailed }, { ...blocking, ownMs: patienceMs })
    const busy = startOf('busy', { 'on.poll': 'wait' })
    await threads.start(busy, className)
    await untilPasses(() =>
      expect(onTaskState.mock.calls.at(-1)).toEqual([busy, 'RUNNING', expect.stringContaining('TASK_BUSY')]),
    )
    writeFileSync(join(directory, 'release'), '')
    await untilPasses(() => expect(onTaskState.mock.calls.at(-1)).toEqual([busy, 'RUNNING', null]))
    expect(onTaskFailed).not.toHaveBeenCalled()
    expect(writers('busy')).toHaveLength(1)
  })
})

describe('silence of a thread', () => {
  it('is not held against it while the observer stood still itself, nor before its first beat', () => {
    const buffer = newBeat()
    const watch = new BeatWatch(buffer)
    watch.look(60_000)
    watch.look(60_000)
    expect(watch.silentMs).toBe(0)
    Atomics.add(new Int32Array(buffer), 0, 1)
    watch.look(beatMs)
    expect(watch.silentMs).toBe(0)
    watch.look(3_600_000)
    expect(watch.silentMs).toBe(2 * beatMs)
    watch.look(beatMs)
    expect(watch.silentMs).toBe(3 * beatMs)
    Atomics.add(new Int32Array(buffer), 0, 1)
    expect(watch.hasBeaten).toBe(true)
    watch.look(beatMs)
    expect(watch.silentMs).toBe(0)
  })
})

import { afterEach, describe, expect, it, vi } from 'vitest'

import type { TaskListener } from '../../../src/runtime/task-listener.ts'
import type { TaskThreads } from '../../../src/runtime/task-threads.ts'
import { taskThreads } from '../../support/task/task-threads.ts'
import { patienceMs, untilPasses } from '../../support/until.ts'

// No one listens there: tasks wait for their cluster until they are stopped.
const settings = { bootstrapServers: '127.0.0.1:1', gracefulMs: patienceMs, offsetFlushTimeoutMs: patienceMs }
const open: TaskThreads[] = []

function threadsWith(listener: Partial<TaskListener> = {}, maxThreads = 2): TaskThreads {
  const blocking = { sharedMs: patienceMs, ownMs: patienceMs }
  const threads = taskThreads({ settings, maxThreads, blocking, listener })
  open.push(threads)
  return threads
}

const startOf = (connector: string, className = 'FileStreamSource') => {
  const config = { 'connector.class': className, topic: 't', file: '/nowhere', name: connector }
  return { id: { connector, task: 0 }, connectorConfig: config, taskConfig: config, paused: false }
}

afterEach(async () => {
  await Promise.all(open.splice(0).map(async (threads) => await threads.close()))
})

describe('task threads', () => {
  it('give each task a thread of its own until the limit, then tasks of one plugin share', async () => {
    const threads = threadsWith()
    for (const name of ['a', 'b', 'c', 'd']) await threads.start(startOf(name), 'FileStreamSource')
    expect(threads.threadCount).toBe(2)
    await threads.start(startOf('e'), 'SomethingElse')
    expect(threads.threadCount).toBe(3)
  })

  it('end a thread with its last task', async () => {
    const threads = threadsWith()
    for (const name of ['a', 'b', 'c']) await threads.start(startOf(name), 'FileStreamSource')
    for (const connector of ['a', 'b', 'c']) await threads.stop({ connector, task: 0 }, patienceMs)
    expect(threads.threadCount).toBe(0)
  })

  it('report a task that cannot be put together as failed, with its trace', async () => {
    const onTaskFailed = vi.fn<TaskListener['onTaskFailed']>()
    const threads = threadsWith({ onTaskFailed })
    await threads.start(startOf('a', 'NoSuchThing'), 'NoSuchThing')
    await untilPasses(() => expect(onTaskFailed).toHaveBeenCalled())
    const [start, trace, cause] = onTaskFailed.mock.calls[0] ?? []
    expect(start?.id).toEqual({ connector: 'a', task: 0 })
    expect(trace).toContain('which name matches NoSuchThing')
    expect(cause).toBe('task')
  })

  it('report all tasks of a thread that dies, and why it did', async () => {
    const onTaskFailed = vi.fn<TaskListener['onTaskFailed']>()
    const threads = threadsWith({ onTaskFailed }, 1)
    await threads.start(startOf('a'), 'same')
    await threads.start(startOf('b', 'test.DeadlyConnector'), 'same')
    await untilPasses(() => expect(onTaskFailed).toHaveBeenCalledTimes(2))
    expect(onTaskFailed.mock.calls.map(([{ id }, , cause]) => [id.connector, cause])).toEqual([
      ['a', 'thread'],
      ['b', 'thread'],
    ])
    expect(onTaskFailed.mock.calls[0]?.[1]).toContain('it exited with code 3')
    expect(threads.threadCount).toBe(0)
  })

  it('forget a task that was stopped before its cluster could be reached', async () => {
    const onTaskFailed = vi.fn<TaskListener['onTaskFailed']>()
    const threads = threadsWith({ onTaskFailed })
    await threads.start(startOf('a'), 'x')
    await threads.stop({ connector: 'a', task: 0 }, patienceMs)
    expect(threads.has({ connector: 'a', task: 0 })).toBe(false)
    expect(onTaskFailed).not.toHaveBeenCalled()
  })
})

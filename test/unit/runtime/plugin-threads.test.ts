import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, describe, expect, it, vi } from 'vitest'

import { fileConnectors } from '../../../src/plugin/built-in-plugins.ts'
import { ConfigError, ConnectError, NotFoundError } from '../../../src/api/errors.ts'
import { systemClock, type Clock } from '../../../src/foundation/clock.ts'
import { PluginTimeoutError } from '../../../src/runtime/plugin-thread.ts'
import type { ConnectorListener } from '../../../src/runtime/connector-listener.ts'
import { PluginThreads } from '../../../src/runtime/plugin-threads.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { testPlugins } from '../../support/plugins/descriptors.ts'
import { LogLevels } from '../../../src/foundation/logging/log-levels.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { untilPasses } from '../../support/until.ts'

const stubborn = (behaviour: string) => ({ 'connector.class': 'test.StubbornConnector', 'on.start': behaviour })
const open: PluginThreads[] = []

function threadsOn(clock: Clock, listener: Partial<ConnectorListener> = {}): PluginThreads {
  const thread = new PluginThreads({
    foundPlugins: [...testPlugins, ...fileConnectors],
    providers: { settings: [], secrets: [] },
    logLevels: LogLevels.startingAt('warn'),
    logSink: { write: () => undefined },
    logger: quietLogger(),
    clock,
    listener: {
      onReconfigure: () => undefined,
      onConnectorFailed: () => undefined,
      onConnectorSecrets: () => undefined,
      onConnectorsLost: () => undefined,
      ...listener,
    },
  })
  open.push(thread)
  return thread
}

function threadWith(listener: Partial<ConnectorListener> = {}) {
  const clock = new ManualClock()
  return { thread: threadsOn(clock, listener), clock }
}

afterEach(async () => {
  await Promise.all(open.splice(0).map(async (thread) => await thread.close()))
})

describe('the plugin threads', () => {
  it('passes on what a connector throws, with its stack', async () => {
    const { thread } = threadWith()
    const error = await thread.startConnector('c', stubborn('throw')).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ message: 'it does not start', stack: expect.stringContaining('stubborn-connector') })
  })

  it('refuses task configs beyond the maximum, and those of a connector that does not run', async () => {
    const { thread } = threadWith()
    await thread.startConnector('c', stubborn(''))
    await expect(thread.taskConfigs('c', 2)).rejects.toMatchObject({ code: 'TOO_MANY_TASKS' })
    await expect(thread.taskConfigs('other', 2)).rejects.toThrow(NotFoundError)
  })

  it('refuses to deliver dead letters again to a plugin that cannot tell them from what it has', async () => {
    const { thread } = threadWith()
    const replay = thread.alterOffsets(
      'c',
      { 'connector.class': 'test.WaywardConnector' },
      { kind: 'replay', changes: [] },
    )
    await expect(replay).rejects.toThrow('test.WaywardConnector does not deliver the records of dead letters again')
  })

  it('gives up a call that hangs, and keeps the thread, which is not stuck', async () => {
    const onConnectorsLost = vi.fn<() => void>()
    const { thread, clock } = threadWith({ onConnectorsLost })
    await thread.startConnector('other', stubborn(''))
    const hanging = thread.startConnector('c', stubborn('hang')).catch((thrown: unknown) => thrown)
    clock.advance(60_000)
    expect(await hanging).toBeInstanceOf(PluginTimeoutError)
    await thread.stopConnector('other')
    expect(onConnectorsLost).not.toHaveBeenCalled()
  })

  it('tells all who wait when plugin code ends the thread, and starts another', async () => {
    const onConnectorsLost = vi.fn<ConnectorListener['onConnectorsLost']>()
    const { thread } = threadWith({ onConnectorsLost })
    const started = thread.startConnector('c', { 'connector.class': 'test.DeadlyConnector' })
    await expect(started).rejects.toThrow(/thread plugin-thread-\d+ test.DeadlyConnector ended: it exited with code 3/)
    expect(onConnectorsLost).toHaveBeenCalledWith(['c'], expect.anything())
    await thread.startConnector('c', stubborn(''))
  })

  it('ends while no one asks and nothing in it can happen, and starts instances again when they are asked', async () => {
    const onConnectorsLost = vi.fn<() => void>()
    const { thread, clock } = threadWith({ onConnectorsLost })
    await thread.startConnector('c', stubborn(''))
    clock.advance(10_000)
    await untilPasses(() => expect(thread.isResting).toBe(true))
    await expect(thread.taskConfigs('c', 2)).rejects.toMatchObject({ code: 'TOO_MANY_TASKS' })
    expect(thread.isResting).toBe(false)
    clock.advance(10_000)
    await untilPasses(() => expect(thread.isResting).toBe(true))
    await thread.stopConnector('c')
    await expect(thread.taskConfigs('c', 2)).rejects.toThrow(NotFoundError)
    expect(onConnectorsLost).not.toHaveBeenCalled()
  })

  it('stops the instances when it ends, and starts them before they are asked again', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-idle-'))
    try {
      const { thread, clock } = threadWith()
      const journal = join(directory, 'journal')
      const written = (): string => readFileSync(journal, 'utf8')
      await thread.startConnector('c', { ...stubborn(''), journal })
      clock.advance(10_000)
      await untilPasses(() => expect(thread.isResting).toBe(true))
      expect(written()).toBe('started\nstopped\n')
      await expect(thread.taskConfigs('c', 2)).rejects.toMatchObject({ code: 'TOO_MANY_TASKS' })
      expect(written()).toBe('started\nstopped\nstarted\n')
      await thread.stopConnector('c')
      expect(written()).toBe('started\nstopped\nstarted\nstopped\n')
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  it('stays while a connector watches something', async () => {
    const { thread, clock } = threadWith()
    await thread.startConnector('c', stubborn('watch'))
    clock.advance(10_000)
    await thread.startConnector('d', stubborn(''))
    expect(thread.isResting).toBe(false)
    await expect(thread.taskConfigs('c', 2)).rejects.toMatchObject({ code: 'TOO_MANY_TASKS' })
  })

  it('hears what connectors say by themselves', async () => {
    const onConnectorFailed = vi.fn<ConnectorListener['onConnectorFailed']>()
    const onReconfigure = vi.fn<(connector: string) => void>()
    const { thread } = threadWith({ onConnectorFailed, onReconfigure })
    await thread.startConnector('c', stubborn('raise'))
    await thread.startConnector('d', stubborn('reconfigure'))
    await untilPasses(() => expect(onReconfigure).toHaveBeenCalledWith('d'))
    await untilPasses(() =>
      expect(onConnectorFailed).toHaveBeenCalledWith('c', {
        trace: expect.stringContaining('it broke later'),
        isTransient: false,
      }),
    )
  })

  it('validates configs and describes plugins without the main thread importing them', async () => {
    const { thread } = threadWith()
    const infos = await thread.validate({ 'connector.class': 'FileStreamSource', name: 'a' }, { groupId: 'workers' })
    expect(infos.errorCount).toBe(1)
    const keys = await thread.pluginConfig('FileStreamSource')
    expect(keys.map(({ name }) => name)).toEqual(expect.arrayContaining(['file', 'topic', 'tasks.max']))
    await expect(thread.validate({ 'connector.class': 'Nope' }, { groupId: 'workers' })).rejects.toThrow(ConfigError)
  })
})

describe('plugin code that blocks its thread', () => {
  const config = (name: string, behaviour: string) => ({ ...stubborn(behaviour), name })

  it('in validation holds up no other validation, and is refused after its own time', async () => {
    const [clock, held] = clockThatHolds(60_000)
    const threads = threadsOn(clock)
    const worker = { groupId: 'workers' }
    const spinning = threads
      .validate({ 'connector.class': 'test.StubbornConnector', name: 's', 'on.check': 'spin' }, worker)
      .catch((thrown: unknown) => thrown)
    const others = ['a', 'b'].map(
      async (name) => await threads.validate({ 'connector.class': 'FileStreamSource', name, topic: 't' }, worker),
    )
    for (const infos of await Promise.all(others)) expect(infos.errorCount).toBe(0)
    const infos = await threads.validate({ 'connector.class': 'test.StubbornConnector', name: 'c' }, worker)
    expect(infos.errorCount).toBe(0)
    await untilPasses(() => expect(held.length).toBeGreaterThan(0))
    for (const fire of held) fire()
    expect(await spinning).toBeInstanceOf(PluginTimeoutError)
  })

  it('in a start holds up no connector of its class, whose instances are started again, nor one of another', async () => {
    const [clock, held] = clockThatHolds(60_000)
    const onConnectorsLost = vi.fn<ConnectorListener['onConnectorsLost']>()
    const onConnectorFailed = vi.fn<ConnectorListener['onConnectorFailed']>()
    const onReconfigure = vi.fn<ConnectorListener['onReconfigure']>()
    const threads = threadsOn(clock, { onConnectorsLost, onConnectorFailed, onReconfigure })
    await threads.startConnector('before', config('before', 'reconfigure'))
    await untilPasses(() => expect(onReconfigure).toHaveBeenCalledTimes(1))
    const spinning = threads.startConnector('s', config('s', 'spin')).catch((thrown: unknown) => thrown)
    await threads.startConnector('file', {
      'connector.class': 'FileStreamSource',
      topic: 't',
      file: '/x',
      name: 'file',
    })
    await threads.startConnector('after', config('after', ''))
    await untilPasses(() => expect(onReconfigure).toHaveBeenCalledTimes(2))
    expect(onReconfigure.mock.calls).toEqual([['before'], ['before']])
    await untilPasses(() => expect(held.length).toBeGreaterThan(0))
    for (const fire of held) fire()
    expect(await spinning).toBeInstanceOf(PluginTimeoutError)
    await expect(threads.taskConfigs('before', 2)).rejects.toMatchObject({ code: 'TOO_MANY_TASKS' })
    await threads.stopConnector('s')
    expect(onConnectorsLost).not.toHaveBeenCalled()
    expect(onConnectorFailed).not.toHaveBeenCalled()
  })
})

describe('a connector that is started or stopped while its start hangs', () => {
  it('runs as it was asked to last, and what it did before does not count', async () => {
    const { thread } = threadWith()
    const hanging = thread.startConnector('c', stubborn('hang')).catch((thrown: unknown) => thrown)
    await thread.stopConnector('c')
    await thread.startConnector('c', stubborn(''))
    await expect(thread.taskConfigs('c', 2)).rejects.toMatchObject({ code: 'TOO_MANY_TASKS' })
    await thread.stopConnector('c')
    await expect(thread.taskConfigs('c', 2)).rejects.toThrow(NotFoundError)
    await thread.close()
    expect(await hanging).toBeInstanceOf(ConnectError)
  })

  it('is stopped by its late start, which is refused', async () => {
    const { thread } = threadWith()
    const directory = mkdtempSync(join(tmpdir(), 'penstock-late-'))
    try {
      const journal = join(directory, 'journal')
      const slow = { ...stubborn('slow'), release: join(directory, 'release'), journal }
      const late = thread.startConnector('c', slow).catch((thrown: unknown) => thrown)
      await thread.startConnector('c', stubborn(''))
      writeFileSync(slow.release, '')
      expect(await late).toMatchObject({ message: expect.stringContaining('before its start had returned') })
      expect(readFileSync(journal, 'utf8')).toBe('started\nstopped\n')
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})

/** The machine's time, but what is to happen after `ms` happens when the test says so. */
function clockThatHolds(ms: number): readonly [Clock, (() => void)[]] {
  const held: (() => void)[] = []
  const after = (delayMs: number, action: () => void): (() => void) => {
    if (delayMs !== ms) return systemClock.after(delayMs, action)
    held.push(action)
    return () => void held.splice(held.indexOf(action), 1)
  }
  return [{ ...systemClock, after }, held]
}

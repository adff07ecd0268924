import { afterEach, describe, expect, it, vi } from 'vitest'

import { ConfigError, ConnectError, NotFoundError } from '../../../src/api/errors.ts'
import { PluginThread, PluginTimeoutError, type PluginThreadEvents } from '../../../src/runtime/plugin-thread.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { testPlugins } from '../../support/plugins/descriptors.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { untilPasses } from '../../support/until.ts'

const stubborn = (behaviour: string) => ({ 'connector.class': 'test.StubbornConnector', 'on.start': behaviour })
const open: PluginThread[] = []

function threadWith(events: Partial<PluginThreadEvents> = {}) {
  const clock = new ManualClock()
  const thread = new PluginThread({
    foundPlugins: testPlugins,
    logLevel: 'warn',
    logSink: { write: () => undefined },
    logger: quietLogger(),
    clock,
    events: { onReconfigure: () => undefined, onConnectorFailed: () => undefined, onDeath: () => undefined, ...events },
  })
  open.push(thread)
  return { thread, clock }
}

afterEach(async () => {
  await Promise.all(open.splice(0).map(async (thread) => await thread.close()))
})

describe('the plugin thread', () => {
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

  it('gives up a call that hangs, and keeps the thread, which is not stuck', async () => {
    const onDeath = vi.fn<() => void>()
    const { thread, clock } = threadWith({ onDeath })
    await thread.startConnector('other', stubborn(''))
    const hanging = thread.startConnector('c', stubborn('hang')).catch((thrown: unknown) => thrown)
    clock.advance(60_000)
    expect(await hanging).toBeInstanceOf(PluginTimeoutError)
    await thread.stopConnector('other')
    expect(onDeath).not.toHaveBeenCalled()
  })

  it('replaces a thread that is stuck, and says that its connectors are lost', async () => {
    const onDeath = vi.fn<(reason: Error) => void>()
    const { thread, clock } = threadWith({ onDeath })
    await thread.startConnector('other', stubborn(''))
    const spinning = thread.startConnector('c', stubborn('spin')).catch((thrown: unknown) => thrown)
    clock.advance(60_000)
    await untilPasses(() => expect(clock.pending).toBe(1))
    clock.advance(2_000)
    expect(await spinning).toBeInstanceOf(PluginTimeoutError)
    expect(onDeath.mock.calls[0]?.[0].message).toContain('stuck and was replaced')
    await thread.startConnector('c', stubborn(''))
  })

  it('tells all who wait when plugin code ends the thread, and starts another', async () => {
    const onDeath = vi.fn<(reason: Error) => void>()
    const { thread } = threadWith({ onDeath })
    const started = thread.startConnector('c', { 'connector.class': 'test.DeadlyConnector' })
    await expect(started).rejects.toThrow('thread plugin-thread ended: it exited with code 3')
    expect(onDeath).toHaveBeenCalledOnce()
    await thread.startConnector('c', stubborn(''))
  })

  it('ends while nobody asks and nothing in it can happen, and starts instances again when they are asked', async () => {
    const onDeath = vi.fn<() => void>()
    const { thread, clock } = threadWith({ onDeath })
    await thread.startConnector('c', stubborn(''))
    clock.advance(10_000)
    await untilPasses(() => expect(thread.isResting).toBe(true))
    await expect(thread.taskConfigs('c', 2)).rejects.toMatchObject({ code: 'TOO_MANY_TASKS' })
    expect(thread.isResting).toBe(false)
    clock.advance(10_000)
    await untilPasses(() => expect(thread.isResting).toBe(true))
    await thread.stopConnector('c')
    await expect(thread.taskConfigs('c', 2)).rejects.toThrow(NotFoundError)
    expect(onDeath).not.toHaveBeenCalled()
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
    const onConnectorFailed = vi.fn<(connector: string, trace: string) => void>()
    const onReconfigure = vi.fn<(connector: string) => void>()
    const { thread } = threadWith({ onConnectorFailed, onReconfigure })
    await thread.startConnector('c', stubborn('raise'))
    await thread.startConnector('d', stubborn('reconfigure'))
    await untilPasses(() => expect(onReconfigure).toHaveBeenCalledWith('d'))
    await untilPasses(() =>
      expect(onConnectorFailed).toHaveBeenCalledWith('c', expect.stringContaining('it broke later')),
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

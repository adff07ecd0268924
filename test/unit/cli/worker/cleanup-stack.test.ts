import { describe, expect, it } from 'vitest'

import { CleanupStack } from '../../../../src/cli/worker/cleanup-stack.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'
import { until } from '../../../support/until.ts'

const never = (): Promise<void> => new Promise(() => undefined)

describe('the cleanup stack', () => {
  it('runs every step in reverse order, even if one fails', async () => {
    const logger = quietLogger()
    const cleanup = new CleanupStack(logger, new ManualClock())
    const order: string[] = []
    cleanup.add('the first', async () => void order.push('first'))
    cleanup.add('the second', async () => {
      throw new TypeError('it is stuck')
    })
    cleanup.add('the third', async () => void order.push('third'))
    await cleanup[Symbol.asyncDispose]()
    expect(order).toEqual(['third', 'first'])
    expect(logger.lines[0]?.message).toBe('the second did not stop gracefully: it is stuck')
  })

  it('runs its steps when startup fails, and leaves them to the caller that took them over', async () => {
    const order: string[] = []
    const start = async (fails: boolean): Promise<AsyncDisposable> => {
      await using cleanup = new CleanupStack(quietLogger(), new ManualClock())
      cleanup.add('the step', async () => void order.push(fails ? 'after a failure' : 'on shutdown'))
      if (fails) throw new TypeError('no port')
      return cleanup.move()
    }
    await expect(start(true)).rejects.toThrow('no port')
    expect(order).toEqual(['after a failure'])
    const running = await start(false)
    expect(order).toHaveLength(1)
    await running[Symbol.asyncDispose]()
    expect(order).toEqual(['after a failure', 'on shutdown'])
  })

  it('ends within its limits when every step hangs, and names each (I9)', async () => {
    const clock = new ManualClock()
    const logger = quietLogger()
    const cleanup = new CleanupStack(logger, clock)
    for (const what of ['a', 'b', 'c', 'd', 'e']) cleanup.add(what, never)
    cleanup.add('the tasks', never, 5500)
    let ended = false
    const run = cleanup[Symbol.asyncDispose]().then(() => (ended = true))
    for (const [what, limitMs] of [
      ['the tasks', 5500],
      ['e', 500],
      ['d', 500],
      ['c', 500],
      ['b', 0],
      ['a', 0],
    ] as const) {
      await until(`${what} is waited for`, () => clock.pending === 1)
      clock.advance(limitMs)
      const message = `${what} did not stop within ${limitMs} ms; the worker stops without waiting longer`
      await until(message, () => logger.lines.at(-1)?.message === message)
    }
    await run
    expect([ended, clock.now() - new ManualClock().now()]).toEqual([true, 7000])
  })

  it('waits indefinitely for a step without a limit, which runs even after a step that was abandoned', async () => {
    const clock = new ManualClock()
    const cleanup = new CleanupStack(quietLogger(), clock)
    const closed = Promise.withResolvers<void>()
    let ended = false
    cleanup.add('the broker', () => closed.promise, Number.POSITIVE_INFINITY)
    cleanup.add('the client', never)
    const run = cleanup[Symbol.asyncDispose]().then(() => (ended = true))
    await until('the client is waited for', () => clock.pending === 1)
    clock.advance(500)
    await until('the client was abandoned', () => clock.pending === 0)
    clock.advance(86_400_000)
    expect(ended).toBe(false)
    closed.resolve()
    await run
  })
})

import { describe, expect, it } from 'vitest'

import { Undo } from '../../../../src/cli/worker/undo.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'
import { until } from '../../../support/until.ts'

const never = (): Promise<void> => new Promise(() => undefined)

describe('undoing a start', () => {
  it('runs every step, the last first, also when one fails', async () => {
    const logger = quietLogger()
    const undo = new Undo(logger, new ManualClock())
    const order: string[] = []
    undo.add('the first', async () => void order.push('first'))
    undo.add('the second', async () => {
      throw new TypeError('it is stuck')
    })
    undo.add('the third', async () => void order.push('third'))
    await undo.run()
    expect(order).toEqual(['third', 'first'])
    expect(logger.lines[0]?.message).toBe('the second did not stop in order: it is stuck')
  })

  it('ends within its limits when every step hangs, and names each', async () => {
    const clock = new ManualClock()
    const logger = quietLogger()
    const undo = new Undo(logger, clock)
    for (const what of ['a', 'b', 'c', 'd', 'e']) undo.add(what, never)
    undo.add('the tasks', never, 5500)
    let ended = false
    const run = undo.run().then(() => (ended = true))
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
      const message = `${what} did not stop within ${limitMs} ms, and the worker stops without waiting longer`
      await until(message, () => logger.lines.at(-1)?.message === message)
    }
    await run
    expect([ended, clock.now() - new ManualClock().now()]).toEqual([true, 7000])
  })

  it('waits for a step without a limit as long as it takes, and still runs what comes after a step that was left', async () => {
    const clock = new ManualClock()
    const undo = new Undo(quietLogger(), clock)
    const closed = Promise.withResolvers<void>()
    let ended = false
    undo.add('the log', () => closed.promise, Number.POSITIVE_INFINITY)
    undo.add('the client', never)
    const run = undo.run().then(() => (ended = true))
    await until('the client is waited for', () => clock.pending === 1)
    clock.advance(500)
    await until('the client was left', () => clock.pending === 0)
    clock.advance(86_400_000)
    expect(ended).toBe(false)
    closed.resolve()
    await run
  })
})

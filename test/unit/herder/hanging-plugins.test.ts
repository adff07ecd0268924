import { describe, expect, it } from 'vitest'

import { deferred } from '../../../src/foundation/async/deferred.ts'
import { SupersededError } from '../../../src/herder/herder-errors.ts'
import { errorResponse } from '../../../src/rest/error-response.ts'
import { config, herd, signal } from '../../support/rest/herder-harness.ts'
import { untilPasses } from '../../support/until.ts'

const never = new Promise<never>(() => undefined)
const named = (name: string) => ({ ...config, name })

/** A herder with a connector `h` whose start does not return. */
async function withHangingStart() {
  const all = await herd()
  all.worker.holds.set('start h', never)
  await all.herder.createConnector('h', named('h'), null, signal)
  await untilPasses(() => expect(all.worker.calls).toEqual(['start h']))
  return all
}

describe('a connector whose start hangs', () => {
  it('delays no other connector when it is deleted', async () => {
    const { herder, statuses } = await withHangingStart()
    await herder.deleteConnector('h', signal)
    await herder.createConnector('b', named('b'), null, signal)
    await untilPasses(() => expect(statuses.task({ connector: 'b', task: 0 })?.state).toBe('RUNNING'))
    expect(await herder.health(signal)).toEqual({ status: 'healthy' })
  })

  it('follows the last request: pause, stop, another config, restart', async () => {
    const { herder, statuses, worker } = await withHangingStart()
    await herder.pauseConnector('h', signal)
    await untilPasses(() => expect(statuses.connector('h')?.state).toBe('PAUSED'))
    await herder.resumeConnector('h', signal)
    await untilPasses(() => expect(worker.calls.at(-1)).toBe('start h'))
    await herder.stopConnector('h', signal)
    await untilPasses(() => expect(statuses.connector('h')?.state).toBe('STOPPED'))
    await herder.resumeConnector('h', signal)
    await untilPasses(() => expect(worker.calls.at(-1)).toBe('start h'))
    const starts = (): number => worker.calls.filter((call) => call === 'start h').length
    const before = starts()
    const restart = herder.restartConnector('h', signal).catch((thrown: unknown) => thrown)
    await untilPasses(() => expect(starts()).toBe(before + 1))
    // Only the start that hangs already is held.
    worker.holds.clear()
    await herder.putConnectorConfig('h', { ...named('h'), topic: 'u' }, signal)
    await untilPasses(() => expect(statuses.task({ connector: 'h', task: 0 })?.state).toBe('RUNNING'))
    expect(await restart).toBeInstanceOf(SupersededError)
    expect(errorResponse(await restart, null)).toMatchObject({
      status: 409,
      json: { message: expect.stringContaining('started with another config') },
    })
    expect(worker.running.get('h-0')?.connectorConfig['topic']).toBe('u')
  })

  it('is restarted without waiting for its start', async () => {
    const { herder, statuses, worker } = await withHangingStart()
    worker.holds.clear()
    await herder.restartConnector('h', signal)
    expect(statuses.connector('h')?.state).toBe('RUNNING')
    expect(worker.calls.slice(0, 3)).toEqual(['start h', 'stop h', 'start h'])
  })

  it('does not delay the stop of its tasks', async () => {
    const { herder, worker, running } = await herd()
    await running()
    worker.holds.set('start a', never)
    await herder.putConnectorConfig('a', { ...config, topic: 'u' }, signal)
    await untilPasses(() => expect(worker.calls.at(-1)).toBe('start a'))
    await herder.deleteConnector('a', signal)
    await untilPasses(() => expect(worker.running.size).toBe(0))
  })
})

describe('a task whose stop hangs', () => {
  it('delays only the next run of the same task', async () => {
    const { herder, statuses, worker, running } = await herd()
    await running()
    const stop = deferred<void>()
    worker.holds.set('stop a-0', stop.promise)
    await herder.deleteConnector('a', signal)
    await untilPasses(() => expect(worker.calls).toContain('stop a-0'))
    await herder.createConnector('b', named('b'), null, signal)
    await herder.createConnector('a', named('a'), null, signal)
    await untilPasses(() => expect(statuses.task({ connector: 'b', task: 0 })?.state).toBe('RUNNING'))
    await untilPasses(() => expect(statuses.connector('a')?.state).toBe('RUNNING'))
    expect(worker.calls).not.toContain('start a-0')
    stop.resolve()
    await untilPasses(() => expect(statuses.task({ connector: 'a', task: 0 })?.state).toBe('RUNNING'))
  })

  it('does not start again once it is revoked: another worker may run it (I3)', async () => {
    const { herder, handlers, worker, running } = await herd()
    await running()
    const stop = deferred<void>()
    worker.holds.set('stop a-0', stop.promise)
    await herder.putConnectorConfig('a', { ...config, topic: 'u' }, signal)
    await untilPasses(() => expect(worker.calls).toContain('stop a-0'))
    const work = { connectors: ['a'], tasks: [] }
    const membership = { generation: 9, isLeader: false, leaderUrl: 'http://l/', isSigned: false, work }
    const applied = await handlers.onMembership(membership)
    stop.resolve()
    await applied.released
    expect(worker.calls.filter((call) => call.endsWith('a-0'))).toEqual(['stop a-0', 'stop a-0'])
    expect(worker.running.size).toBe(0)
  })

  it('has stopped before the worker rejoins without it (I3)', async () => {
    const { herder, handlers, worker, running } = await herd()
    await running()
    const stop = deferred<void>()
    worker.holds.set('stop a-0', stop.promise)
    let isReleased = false
    const work = { connectors: ['a'], tasks: [] }
    const membership = { generation: 9, isLeader: false, leaderUrl: 'http://l/', isSigned: false, work }
    const { released } = await handlers.onMembership(membership)
    const rebalance = released.then(() => (isReleased = true))
    await untilPasses(() => expect(worker.calls).toContain('stop a-0'))
    expect(await herder.health(signal)).toEqual({ status: 'healthy' })
    expect(isReleased).toBe(false)
    stop.resolve()
    await rebalance
  })

  it('delays the rebalance that gives a connector to another worker until its instance has stopped (I3)', async () => {
    const { handlers, worker, running } = await herd()
    await running()
    const stop = deferred<void>()
    worker.holds.set('stop a', stop.promise)
    let isReleased = false
    const work = { connectors: [], tasks: [{ connector: 'a', task: 0 }] }
    const membership = { generation: 9, isLeader: false, leaderUrl: 'http://l/', isSigned: false, work }
    const { released } = await handlers.onMembership(membership)
    const rebalance = released.then(() => (isReleased = true))
    await untilPasses(() => expect(worker.calls).toContain('stop a'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(isReleased).toBe(false)
    stop.resolve()
    await rebalance
  })
})

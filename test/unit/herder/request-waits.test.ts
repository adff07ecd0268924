import { describe, expect, it } from 'vitest'

import { noMembership } from '../../../src/herder/group/worker-group.ts'
import { config, herd, signal } from '../../support/rest/herder-harness.ts'
import { untilPasses } from '../../support/until.ts'

const isConfig = ({ type }: { readonly type: string }): boolean => type === 'connector'
const isState = ({ type }: { readonly type: string }): boolean => type === 'target-state'

describe('a request that writes', () => {
  it('waits until the worker has heard from its group, as another may lead it meanwhile (I3)', async () => {
    const { herder, configs, lease, clock } = await herd()
    lease.isValid = false
    const created = herder.createConnector('a', config, null, signal)
    await untilPasses(() => expect(clock.pending).toBe(1))
    clock.advance(100)
    await untilPasses(() => expect(clock.pending).toBe(1))
    expect(configs.records.filter(isConfig)).toEqual([])
    lease.isValid = true
    clock.advance(100)
    expect(await created).toMatchObject({ created: true })
  })

  it('waits for the group also where any worker may write', async () => {
    const { herder, handlers, configs } = await herd({ isLeader: false })
    await configs.append({ type: 'connector', connector: 'a', config })
    await handlers.onMembership(noMembership)
    const paused = herder.pauseConnector('a', signal)
    await handlers.onMembership({ ...noMembership, generation: 7 })
    await paused
    expect(configs.records.filter(isState)).toEqual([{ type: 'target-state', connector: 'a', state: 'PAUSED' }])
  })

  it('is rejected when the worker has not heard from its group for long, with the reason', async () => {
    const { herder, configs, lease, clock } = await herd()
    lease.isValid = false
    let reason = ''
    herder.createConnector('a', config, null, signal).catch((error: unknown) => (reason = String(error)))
    await untilPasses(() => {
      clock.advance(1_000)
      expect(reason).toContain('has not heard from its group')
    })
    expect(configs.records.filter(isConfig)).toEqual([])
  })

  it('is done after the next join, although the worker loses a membership meanwhile that it has not applied', async () => {
    const { herder, handlers } = await herd()
    await handlers.onMembership(noMembership)
    const deleted = herder.deleteConnector('a', signal)
    await handlers.onMembership(noMembership)
    await handlers.onMembership({ ...noMembership, generation: 7, isLeader: true })
    await expect(deleted).rejects.toThrow('Connector a not found')
  })
})

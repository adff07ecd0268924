import { describe, expect, it } from 'vitest'

import { SessionKeys, type SessionKey, type SessionKeySettings } from '../../../../src/herder/internal/session-keys.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'

const settings: SessionKeySettings = {
  generationAlgorithm: 'HmacSHA256',
  keyBits: null,
  ttlMs: 3_600_000,
  signatureAlgorithm: 'HmacSHA256',
  verificationAlgorithms: ['HmacSHA256'],
}

/** Session keys whose config topic is read back at once. */
function keysOf(changes: Partial<SessionKeySettings> = {}) {
  const clock = new ManualClock()
  const written: SessionKey[] = []
  const fails = { is: false }
  const logger = quietLogger()
  const keys = new SessionKeys({
    ...settings,
    ...changes,
    clock,
    logger,
    write: async (key) => {
      if (fails.is) throw new RangeError('the topic is away')
      written.push(key)
      keys.read(key)
    },
  })
  const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve))
  return { keys, clock, written, fails, turn, logger }
}

describe('the session keys of a group', () => {
  it('are written by the leader, and by no other worker', async () => {
    const { keys, written, turn } = keysOf()
    keys.setLeading(false)
    await turn()
    expect(written).toEqual([])
    keys.setLeading(true)
    await turn()
    expect(written).toHaveLength(1)
    expect(keys.current?.key).toHaveLength(32)
  })

  it('stay when the leader changes, and are replaced after their time', async () => {
    const { keys, written, clock, turn } = keysOf()
    const key = { key: Buffer.alloc(32), algorithm: 'HmacSHA256', createdMs: clock.now() }
    keys.read(key)
    keys.setLeading(true)
    clock.advance(settings.ttlMs - 1)
    await turn()
    expect(written).toEqual([])
    clock.advance(1)
    await turn()
    expect(written).toHaveLength(1)
    clock.advance(settings.ttlMs)
    await turn()
    expect(written).toHaveLength(2)
  })

  it('are not replaced by a worker that no longer leads, nor with a time of 0', async () => {
    const { keys, written, clock, turn } = keysOf()
    keys.setLeading(true)
    await turn()
    keys.setLeading(false)
    clock.advance(settings.ttlMs * 2)
    const kept = keysOf({ ttlMs: 0 })
    kept.keys.setLeading(true)
    await turn()
    kept.clock.advance(settings.ttlMs * 2)
    await turn()
    expect([written.length, kept.written.length]).toEqual([1, 1])
  })

  it('have the size and the algorithm of the settings', async () => {
    const { keys, turn } = keysOf({ generationAlgorithm: 'HmacSHA512', keyBits: 1024 })
    keys.read({ key: Buffer.alloc(32), algorithm: 'HmacSHA256', createdMs: 0 })
    keys.setLeading(true)
    await turn()
    expect(keys.current).toMatchObject({ algorithm: 'HmacSHA512' })
    expect(keys.current?.key).toHaveLength(128)
  })

  it('are written again after a second when the write fails, and the log says so', async () => {
    const { keys, written, clock, fails, turn, logger } = keysOf()
    fails.is = true
    keys.setLeading(true)
    await turn()
    expect(logger.lines.map(({ message }) => message).join()).toContain('the topic is away')
    fails.is = false
    clock.advance(1000)
    await turn()
    expect(written).toHaveLength(1)
  })
})

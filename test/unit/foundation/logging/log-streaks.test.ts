import { describe, expect, it } from 'vitest'
import { LogStreaks } from '../../../../src/foundation/logging/log-streaks.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'

function bench() {
  const clock = new ManualClock()
  const logger = quietLogger()
  const streaks = new LogStreaks(clock, logger)
  const lines = (): unknown[] => logger.lines.map(({ message, fields }) => [message, fields?.['linesLikeThis']])
  return { clock, logger, streaks, lines }
}

describe('lines that clients cause', () => {
  it('are logged as they come at first, then once a minute with their count', () => {
    const { clock, streaks, lines } = bench()
    for (let i = 1; i <= 100; i += 1) streaks.log('warn', { kind: 'framing', client: 'a' }, `line ${i}`)
    expect(lines()).toEqual([1, 2, 3].map((i) => [`line ${i}`, undefined]))
    clock.advance(60_000)
    expect(lines().slice(3)).toEqual([['line 100', 97]])
    for (let i = 101; i <= 150; i += 1) streaks.log('warn', { kind: 'framing', client: 'a' }, `line ${i}`)
    clock.advance(60_000)
    expect(lines().slice(4)).toEqual([['line 150', 50]])
    expect(clock.pending).toBe(1)
  })

  it('are a streak for each kind and client, which ends after a minute without any', () => {
    const { clock, streaks, lines } = bench()
    for (const client of ['a', 'b'])
      for (const kind of ['framing', 'refused'])
        for (let i = 0; i < 10; i += 1) streaks.log('info', { kind, client }, `${kind} ${client}`)
    expect(lines()).toHaveLength(12)
    clock.advance(60_000)
    expect(lines().slice(12)).toHaveLength(4)
    clock.advance(60_000)
    expect(clock.pending).toBe(0)
    streaks.log('info', { kind: 'framing', client: 'a' }, 'again')
    expect(lines().at(-1)).toEqual(['again', undefined])
  })

  it('are few also where thousands of addresses cause them', () => {
    const { clock, streaks, lines } = bench()
    for (let i = 0; i < 5000; i += 1) streaks.log('warn', { kind: 'framing', client: `address-${i}` }, 'line')
    expect(lines().length).toBeLessThan(270)
    expect(clock.pending).toBeLessThan(270)
    clock.advance(60_000)
    expect(lines().length).toBeLessThan(270)
  })

  it('are counted to the last when nothing more is to come', () => {
    const { clock, streaks, lines } = bench()
    for (let i = 0; i < 8; i += 1) streaks.log('error', { kind: 'k', client: 'a' }, 'line')
    streaks.close()
    expect(lines().at(-1)).toEqual(['line', 5])
    expect(clock.pending).toBe(0)
    streaks.log('error', { kind: 'k', client: 'a' }, 'later')
    expect(lines().at(-1)).toEqual(['later', undefined])
  })
})

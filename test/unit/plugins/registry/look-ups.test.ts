import { DataError, deferred, NotReadyError, RetriableError } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { LookUps } from '../../../../plugins/converters/registry/look-ups.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const { signal } = new AbortController()

/** The error that a call throws. */
function thrown(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return null
}

async function ready(call: () => unknown): Promise<void> {
  const error = thrown(call)
  if (error instanceof NotReadyError) await error.ready(signal)
}

describe('look-ups', () => {
  it('are made once for all that wait, and kept', async () => {
    const lookUps = new LookUps<string>({ clock: new ManualClock(), limit: 2 })
    const result = deferred<string>()
    let calls = 0
    const get = (): string =>
      lookUps.get('a', 'a thing', async () => {
        calls += 1
        return await result.promise
      })
    const waits = [ready(get), ready(get)]
    expect(String(thrown(get))).toContain('it waits for a thing')
    result.resolve('found')
    await Promise.all(waits)
    expect([get(), get(), calls]).toEqual(['found', 'found', 1])
  })

  it('keep as many results as they may, the last ones', async () => {
    const lookUps = new LookUps<string>({ clock: new ManualClock(), limit: 2 })
    const get = (key: string) => (): string => lookUps.get(key, key, async () => key)
    for (const key of ['a', 'b', 'c']) await ready(get(key))
    expect(thrown(get('a'))).toBeInstanceOf(NotReadyError)
    expect([get('b')(), get('c')()]).toEqual(['b', 'c'])
  })

  it('are repeated when a result has expired', async () => {
    const clock = new ManualClock()
    const lookUps = new LookUps<string>({ clock, limit: 2, expiryMs: 1000 })
    const get = (): string => lookUps.get('a', 'a', async () => 'found')
    await ready(get)
    clock.advance(999)
    expect(get()).toBe('found')
    clock.advance(1)
    expect(thrown(get)).toBeInstanceOf(NotReadyError)
  })

  it('are used once by what waited for them, however short they are kept', async () => {
    let calls = 0
    const lookUps = new LookUps<number>({ clock: new ManualClock(), limit: 2, expiryMs: 0 })
    const get = (): number => lookUps.get('a', 'a', async () => (calls += 1))
    await ready(get)
    expect(get()).toBe(1)
    await ready(get)
    expect(get()).toBe(2)
  })

  it('repeat what may succeed later at once, and what fails only after a while', async () => {
    const clock = new ManualClock()
    const lookUps = new LookUps<string>({ clock, limit: 2 })
    const failing = (error: Error) => (): string =>
      lookUps.get('a', 'a', async () => {
        throw error
      })
    await expect(ready(failing(new RetriableError('down')))).rejects.toThrow('down')
    await expect(ready(failing(new DataError('wrong')))).rejects.toThrow('wrong')
    expect(String(thrown(failing(new DataError('other'))))).toContain('wrong')
    clock.advance(60_000)
    expect(thrown(failing(new DataError('other')))).toBeInstanceOf(NotReadyError)
  })

  it('end when all that wait for them give up, and can then be repeated', async () => {
    const lookUps = new LookUps<string>({ clock: new ManualClock(), limit: 2 })
    const ended: unknown[] = []
    const get = (): string =>
      lookUps.get('a', 'a', async (signal) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        ended.push(signal.reason)
        throw signal.reason
      })
    const [one, other] = [new AbortController(), new AbortController()]
    const error = thrown(get) as NotReadyError
    const waits = [error.ready(one.signal), error.ready(other.signal)].map((wait) => wait.catch(String))
    one.abort('one')
    await waits[0]
    expect(ended).toEqual([])
    other.abort('other')
    expect(await Promise.all(waits)).toEqual(['one', 'other'])
    await Promise.resolve()
    expect(ended).toEqual(['other'])
    const again = ready(() => lookUps.get('a', 'a', async () => 'found'))
    await again
    expect(lookUps.get('a', 'a', async () => '')).toBe('found')
  })
})

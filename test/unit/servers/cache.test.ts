import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, describe, expect, it } from 'vitest'

import { systemClock } from '../../../src/foundation/clock.ts'
import { Cache, cacheDirectory } from '../../../src/servers/cache.ts'

const made: string[] = []
function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'penstock-test-'))
  made.push(path)
  return path
}
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true })
})
const signal = new AbortController().signal

describe('the cache', () => {
  it('makes a thing once, and lets every account read it', async () => {
    const cache = new Cache(directory(), systemClock)
    let calls = 0
    const make = async (path: string): Promise<void> => {
      calls += 1
      writeFileSync(join(path, 'file'), '', { mode: 0o600 })
    }
    const [first, second] = await Promise.all([cache.get('thing-1', signal, make), cache.get('thing-1', signal, make)])
    expect(first).toBe(second)
    expect(calls).toBe(1)
    expect(statSync(join(first, 'file')).mode & 0o777).toBe(0o644)
    expect(readdirSync(cache.directory)).toEqual(['thing-1'])
  })

  it('shows nothing of a thing that could not be made, and makes it the next time', async () => {
    const cache = new Cache(directory(), systemClock)
    const fails = async (path: string): Promise<void> => {
      writeFileSync(join(path, 'half'), '')
      throw new Error('disk full')
    }
    await expect(cache.get('thing-1', signal, fails)).rejects.toThrow('disk full')
    expect(existsSync(join(cache.directory, 'thing-1'))).toBe(false)
    const path = await cache.get('thing-1', signal, async () => {})
    expect(readdirSync(path)).toEqual([])
  })

  it('passes over the lock of a process that died', async () => {
    const cache = new Cache(directory(), systemClock)
    // No process has a number above the kernel's limit of 2^22.
    writeFileSync(join(cache.directory, '.thing-1.lock'), '99999999')
    await cache.get('thing-1', signal, async () => {})
    expect(readdirSync(cache.directory)).toEqual(['thing-1'])
  })

  it('waits for a holder that lives, until the caller gives up', async () => {
    const cache = new Cache(directory(), systemClock)
    writeFileSync(join(cache.directory, '.thing-1.lock'), String(process.pid))
    const waiting = cache.get('thing-1', AbortSignal.timeout(50), async () => {})
    await expect(waiting).rejects.toThrow('timeout')
  })
})

describe('the cache directory', () => {
  const open = (): boolean => true
  it('is set by the environment', () => {
    expect(cacheDirectory({ PENSTOCK_CACHE: '/a' }, open)).toBe('/a')
    expect(cacheDirectory({ XDG_CACHE_HOME: '/b', HOME: '/c' }, open)).toBe('/b/penstock')
    expect(cacheDirectory({ HOME: '/c' }, open)).toBe('/c/.cache/penstock')
  })

  it.runIf(process.getuid?.() === 0)('is outside of a home that the account of the servers may not enter', () => {
    expect(cacheDirectory({ HOME: '/c' }, () => false)).toBe('/var/cache/penstock')
  })
})

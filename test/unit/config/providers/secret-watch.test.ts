import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { ConfigError } from '../../../../src/api/errors.ts'
import { ResolvedReferences, type Lookup } from '../../../../src/config/providers/resolved-references.ts'
import { SecretWatch, type SecretRefresh } from '../../../../src/config/providers/secret-watch.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { untilPasses } from '../../../support/until.ts'

const [user, password, fixed] = ['${f:/a:user}', '${v:a:password}', '${e:FIXED}']
let clock: ManualClock
let stored: Map<string, Lookup>
let asked: string[][]
let refreshes: SecretRefresh[]
let watch: SecretWatch
beforeEach(() => {
  clock = new ManualClock()
  stored = new Map<string, Lookup>([
    [user, { value: 'maria', ttlMs: 60_000 }],
    [password, { value: 'one', ttlMs: 10_000 }],
    [fixed, { value: 'x' }],
  ])
  asked = []
  refreshes = []
  watch = watching()
})
afterEach(() => watch.close())

function watching(): SecretWatch {
  return new SecretWatch({
    inUse: new ResolvedReferences(new Map(stored)),
    resolver: {
      resolve: async (configs) => {
        const texts = configs.flatMap((config) => Object.values(config)).map(String)
        asked.push(texts)
        return new ResolvedReferences(
          new Map(texts.map((text) => [text, stored.get(text) ?? { problem: 'gone', isRetriable: false }])),
        )
      },
    },
    clock,
    onRefresh: (refresh) => refreshes.push(refresh),
    random: () => 0,
  })
}

async function after(ms: number, count: number): Promise<void> {
  clock.advance(ms)
  await untilPasses(() => expect(refreshes).toHaveLength(count))
}

describe('a watch over secrets', () => {
  it('reads those with a TTL again when it is over, each after its own', async () => {
    clock.advance(9_999)
    expect(asked).toEqual([])
    await after(1, 1)
    for (let n = 2; n <= 5; n += 1) await after(10_000, n)
    expect(asked).toEqual(Array.from({ length: 5 }, () => [password]))
    await after(10_000, 7)
    expect(new Set(asked.slice(5).flat())).toEqual(new Set([user, password]))
    expect(new Set(refreshes.map(({ outcome }) => outcome))).toEqual(new Set(['unchanged']))
  })

  it('reports a change once, without the values, and ends', async () => {
    stored.set(password, { value: 'two', ttlMs: 10_000 })
    await after(10_000, 1)
    expect(refreshes).toEqual([{ outcome: 'changed', references: [password] }])
    expect(clock.pending).toBe(0)
    clock.advance(600_000)
    expect(asked).toHaveLength(1)
  })

  it('retries what cannot be read with growing pauses, and at most as rarely as the TTL', async () => {
    stored.set(password, { problem: 'the vault is sealed', isRetriable: true })
    await after(10_000, 1)
    expect(refreshes).toEqual([{ outcome: 'failed', reason: `${password}: the vault is sealed` }])
    const pauses = [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]
    for (const [i, pause] of pauses.entries()) {
      clock.advance(pause - 1)
      expect(asked.flat().filter((text) => text === password)).toHaveLength(i + 1)
      clock.advance(1)
      await untilPasses(() => expect(asked.flat().filter((text) => text === password)).toHaveLength(i + 2))
      await untilPasses(() => expect(clock.pending).toBe(2))
    }
    stored.set(password, { value: 'one', ttlMs: 10_000 })
    clock.advance(10_000)
    await untilPasses(() => expect(refreshes.at(-1)).toEqual({ outcome: 'unchanged' }))
  })

  it('shows the failure of some secrets while others can be read', async () => {
    stored.delete(password)
    await after(10_000, 1)
    for (let shown = 1; clock.monotonic() < 60_000;) {
      clock.advance(10_000)
      shown += 1
      await untilPasses(() => expect(refreshes.length).toBeGreaterThanOrEqual(shown))
      await untilPasses(() => expect(clock.pending).toBe(2))
    }
    expect(asked).toContainEqual([user])
    expect(new Set(refreshes.map(({ outcome }) => outcome))).toEqual(new Set(['failed']))
  })

  it('reads at most once a second, and at least once a day', async () => {
    watch.close()
    stored = new Map<string, Lookup>([[user, { value: 'maria', ttlMs: 1 }]])
    watch = watching()
    clock.advance(999)
    expect(asked).toEqual([])
    await after(1, 1)
    watch.close()
    stored = new Map<string, Lookup>([[user, { value: 'maria', ttlMs: 32 * 24 * 3_600_000 }]])
    watch = watching()
    clock.advance(24 * 3_600_000 - 1)
    expect(asked).toHaveLength(1)
    await after(1, 2)
  })

  it('reports nothing after its end, not even what it was reading', async () => {
    watch.close()
    const reading = Promise.withResolvers<ResolvedReferences>()
    watch = new SecretWatch({
      inUse: new ResolvedReferences(new Map(stored)),
      resolver: { resolve: async () => await reading.promise },
      clock,
      onRefresh: (refresh) => refreshes.push(refresh),
      random: () => 0,
    })
    clock.advance(10_000)
    watch.close()
    reading.reject(new ConfigError('late'))
    await Promise.allSettled([reading.promise])
    await Promise.resolve()
    expect(refreshes).toEqual([])
    expect(clock.pending).toBe(0)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConflictLedger } from '../../connectors/elasticsearch-sink/ordering/conflict-ledger.ts'
import type { Operation } from '../../connectors/elasticsearch-sink/bulk/operation.ts'
import { PartitionProgress } from '../../connectors/elasticsearch-sink/ordering/partition-progress.ts'

interface Entry {
  readonly id: string
  readonly version: number
  readonly at: number
}

const minute = 60_000

/** A sink in lives on one partition, and an index that keeps the greater version. */
class Model {
  readonly stored = new Map<string, number>()
  readonly reported = new Set<string>()
  readonly #log: readonly Entry[]
  readonly #offsetVersions: boolean
  #committed = 0
  #now = 0

  constructor(log: readonly Entry[], offsetVersions: boolean) {
    this.#log = log
    this.#offsetVersions = offsetVersions
  }

  /** Reads from what is committed to `to`, while the log grows `lag` records ahead. Answers what is open, and committed. */
  live(to: number, lag: number): { open: number; committed: number } {
    const length = Math.min(to, this.#log.length)
    let read = this.#committed
    const progress = new PartitionProgress({ topic: 't', partition: 0 })
    progress.shared = false
    const ledger = new ConflictLedger({
      end: () => Math.min(this.#log.length, read + lag),
      passed: (_progress, offset) => (progress.committable ?? this.#committed) >= offset,
      now: () => this.#now,
      reached: () => false,
    })
    for (let offset = this.#committed; offset < length; offset++) {
      read = offset + 1
      this.#apply(offset, progress, ledger)
      if (offset % 3 === 0) this.#judge(ledger)
    }
    for (let turn = 0; turn < 3; turn++) this.#judge(ledger)
    const held = ledger.held().get(progress) ?? Number.POSITIVE_INFINITY
    this.#committed = Math.min(progress.committable ?? this.#committed, held)
    return { open: ledger.size, committed: this.#committed }
  }

  #apply(offset: number, progress: PartitionProgress, ledger: ConflictLedger): void {
    const entry = this.#log[offset] as Entry
    const version = this.#offsetVersions ? offset : entry.version
    progress.timestamp = entry.at
    const operation: Operation = {
      kind: 'index',
      index: 'i',
      id: entry.id,
      routing: null,
      version,
      timestamp: entry.at,
      weight: 0,
      mark: progress.begin(offset),
      progress,
      lines: null,
      draft: null,
      barrier: 'none',
      missing: null,
    }
    const known = this.stored.get(entry.id)
    ledger.see(operation)
    if (known !== undefined && known > version) ledger.note(operation, known)
    else this.stored.set(entry.id, version)
    progress.finish(operation.mark)
    progress.advance()
  }

  #judge(ledger: ConflictLedger): void {
    this.#now += 10_000
    for (const { id } of ledger.judge()) this.reported.add(id)
  }
}

const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e')

/** A line of versions in which the source sends again, from an earlier record on, up to where it was. */
const sourceLine = fc
  .array(fc.record({ id: ids, again: fc.integer({ min: 0, max: 30 }) }), { maxLength: 40 })
  .map((steps) => {
    const once: Entry[] = []
    const log: Entry[] = []
    let at = 0
    for (const { id, again } of steps) {
      at += minute
      once.push({ id, version: 1000 + once.length * 8, at })
      log.push({ id, version: 1000 + (once.length - 1) * 8, at })
      // All within seconds, as a source does that starts again.
      if (again > 25) for (const entry of once.slice(-((again - 25) * 4))) log.push({ ...entry, at: (at += 1000) })
    }
    return log
  })

const lives = fc.array(fc.record({ to: fc.integer({ min: 0, max: 60 }), lag: fc.integer({ min: 0, max: 5 }) }), {
  maxLength: 8,
})

describe('conflicts of versions', () => {
  it.each([false, true])(
    'are harmless wherever records are delivered again, by the source or to the sink (offsets: %s)',
    (offsets) => {
      fc.assert(
        fc.property(sourceLine, lives, fc.boolean(), (log, crashes, reset) => {
          const model = new Model(log, offsets)
          for (const { to, lag } of crashes) model.live(to, lag)
          const last = model.live(log.length, 0)
          expect([...model.reported]).toEqual([])
          expect(last).toEqual({ open: 0, committed: log.length })
          if (!reset) return
          const again = new Model(log, offsets)
          for (const [id, version] of model.stored) again.stored.set(id, version)
          expect(again.live(log.length, log.length)).toEqual({ open: 0, committed: log.length })
          expect([...again.reported]).toEqual([])
        }),
        { numRuns: 500 },
      )
    },
  )

  it('of another server’s versions are reported for every document that keeps the old one, whatever crashes between (I7)', () => {
    fc.assert(
      fc.property(sourceLine, sourceLine, lives, fc.integer({ min: 1, max: 900 }), (before, after, crashes, down) => {
        // The same shape from a lower position, and then quiet records of an hour.
        const start = (before.at(-1)?.at ?? 0) + minute
        const second = after.map(({ id, version, at }) => ({ id, version: version - down, at: start + at }))
        const end = (second.at(-1)?.at ?? start) + minute
        const quiet = Array.from({ length: 60 }, (_, i) => ({ id: 'quiet', version: i, at: end + i * minute }))
        const log = [...before, ...second, ...quiet]
        const model = new Model(log, false)
        for (const { to, lag } of crashes) model.live(to, lag)
        model.live(log.length, 2)
        const newest = new Map(log.map(({ id, version }) => [id, version]))
        const kept = [...newest].filter(([id, version]) => (model.stored.get(id) ?? 0) > version).map(([id]) => id)
        expect([...model.reported]).toEqual(expect.arrayContaining(kept))
      }),
      { numRuns: 500 },
    )
  })

  it('of a topic that was created again are reported for every document that keeps the old record', () => {
    fc.assert(
      fc.property(sourceLine, sourceLine, lives, (first, second, crashes) => {
        const old = new Model(first, true)
        old.live(first.length, first.length)
        const model = new Model(second, true)
        for (const [id, version] of old.stored) model.stored.set(id, version)
        for (const { to, lag } of crashes) model.live(to, lag)
        model.live(second.length, second.length)
        const newest = new Map(second.map(({ id }, offset) => [id, offset]))
        const kept = [...newest].filter(([id, offset]) => (model.stored.get(id) ?? 0) > offset).map(([id]) => id)
        expect([...model.reported]).toEqual(expect.arrayContaining(kept))
      }),
      { numRuns: 500 },
    )
  })
})

import { AssertionError } from 'penstock/api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { PartitionLedger, type LedgerObject } from '../../../../connectors/s3-sink/partition/partition-ledger.ts'

describe('a partition ledger', () => {
  it('lets the next object appear only when all before it is committed', () => {
    const ledger = new PartitionLedger(5)
    expect(ledger.begin(5)).toMatchObject({ start: 5, isNamed: true })
    ledger.extend(5)
    ledger.extend(7)
    ledger.seal()
    ledger.begin(8)
    ledger.extend(8)
    ledger.seal()
    expect(ledger.mayComplete).toBe(true)
    ledger.completed()
    expect(ledger.mayComplete).toBe(false)
    expect(ledger.committableOffset(9)).toBe(8)
    expect(ledger.mayComplete).toBe(false)
    ledger.acknowledge(8)
    expect([ledger.committed, ledger.mayComplete]).toEqual([8, true])
  })

  it('names an object by its first record, and lets it appear once the gap before it is committed', () => {
    const ledger = new PartitionLedger(0)
    ledger.looked(false)
    const object = ledger.begin(3)
    ledger.extend(3)
    ledger.seal()
    expect([object.start, ledger.mayComplete, ledger.waitsForGap]).toEqual([3, false, true])
    expect(ledger.committableOffset(4)).toBe(3)
    ledger.acknowledge(3)
    expect([ledger.mayComplete, ledger.waitsForGap]).toEqual([true, false])
  })

  it('does not name an object behind a gap before it is known whether an earlier run left one', () => {
    for (const found of [true, false]) {
      const ledger = new PartitionLedger(0)
      const object = ledger.begin(3)
      ledger.extend(3)
      ledger.seal()
      expect([object.isNamed, ledger.needsLook(4), ledger.committableOffset(4), ledger.mayComplete]).toEqual([
        false,
        true,
        null,
        false,
      ])
      ledger.looked(found)
      expect([object.start, ledger.needsLook(4), ledger.committableOffset(4)]).toEqual([
        found ? 0 : 3,
        false,
        found ? null : 3,
      ])
      expect(ledger.mayComplete).toBe(found)
    }
  })

  it('commits records that went into no object once nothing before them is open', () => {
    const ledger = new PartitionLedger(0)
    expect([ledger.needsLook(4), ledger.committableOffset(4)]).toEqual([true, null])
    ledger.looked(false)
    expect([ledger.needsLook(4), ledger.committableOffset(4)]).toEqual([false, 4])
    ledger.acknowledge(4)
    ledger.begin(6)
    ledger.extend(6)
    expect(ledger.committableOffset(9)).toBe(6)
    ledger.acknowledge(6)
    ledger.seal()
    ledger.completed()
    expect(ledger.committableOffset(9)).toBe(9)
    ledger.acknowledge(9)
    expect([ledger.committed, ledger.size, ledger.committableOffset(9)]).toEqual([9, 0, null])
  })

  it('commits the gap behind an object together with it, up to the next one', () => {
    const ledger = new PartitionLedger(0)
    ledger.begin(0)
    ledger.extend(0)
    ledger.seal()
    ledger.completed()
    const second = ledger.begin(4)
    expect([ledger.committableOffset(5), second.start]).toEqual([4, 4])
    ledger.acknowledge(4)
    ledger.extend(4)
    ledger.seal()
    expect([ledger.committed, ledger.mayComplete, ledger.size]).toEqual([4, true, 1])
  })

  it('returns an offset again when its commit may have failed, and lets no object appear behind it until then', () => {
    const ledger = new PartitionLedger(0)
    for (const offset of [0, 1]) {
      ledger.begin(offset)
      ledger.extend(offset)
      ledger.seal()
    }
    ledger.completed()
    expect(ledger.committableOffset(2)).toBe(1)
    ledger.markUnknown()
    ledger.acknowledge(1)
    expect([ledger.committed, ledger.mayComplete]).toEqual([0, false])
    expect(ledger.committableOffset(2)).toBe(1)
    ledger.acknowledge(1)
    expect([ledger.committed, ledger.mayComplete, ledger.size]).toEqual([1, true, 1])
  })

  it('rewinds to the end of what is in the store, or of what may be committed', () => {
    const ledger = new PartitionLedger(0)
    ledger.begin(0)
    ledger.extend(0)
    ledger.seal()
    ledger.completed()
    ledger.begin(1)
    ledger.extend(1)
    expect(ledger.rewind()).toBe(1)
    expect([ledger.size, ledger.committableOffset(1)]).toEqual([1, 1])
    ledger.acknowledge(1)
    expect([ledger.committableOffset(5), ledger.next]).toEqual([5, 5])
    ledger.markUnknown()
    ledger.begin(7)
    ledger.extend(7)
    expect([ledger.rewind(), ledger.committed, ledger.size]).toEqual([5, 1, 0])
  })

  it('refuses steps that make no sense', () => {
    const ledger = new PartitionLedger(3)
    expect(() => ledger.completed()).toThrow(AssertionError)
    expect(() => ledger.begin(2)).toThrow(AssertionError)
    ledger.begin(3)
    expect(() => ledger.begin(3)).toThrow(AssertionError)
    expect(() => ledger.seal()).toThrow(AssertionError)
    expect(() => ledger.extend(2)).toThrow(AssertionError)
  })

  it('covers offsets once, whatever happens in whatever order, and wherever it ends', () => {
    type Step =
      | 'record'
      | 'skip'
      | 'seal'
      | 'complete'
      | 'look'
      | 'commit'
      | 'fail'
      | 'fail after commit'
      | 'rewind'
      | 'compact'
      | 'crash'
      | 'crash after commit'
    const oneOf = (weight: number, ...steps: readonly Step[]) => ({ weight, arbitrary: fc.constantFrom(...steps) })
    const step: fc.Arbitrary<Step> = fc.oneof(
      oneOf(6, 'record'),
      oneOf(4, 'seal'),
      oneOf(9, 'complete', 'commit', 'look'),
      oneOf(3, 'fail', 'fail after commit', 'rewind'),
      oneOf(2, 'crash', 'crash after commit'),
      oneOf(1, 'skip', 'compact'),
    )
    const written = fc.array(
      fc.integer({ min: 0, max: 2 }).map((n) => n > 0),
      { minLength: 60, maxLength: 60 },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), written, (steps, records) => {
        const world = new World(records)
        for (const next of steps) world.take(next)
        world.finish()
        expect(world.covered().filter((offset) => !world.removed.has(offset))).toEqual(world.expected())
        expect(new Set(world.covered()).size).toBe(world.covered().length)
      }),
      // The object of a life before holds what follows two offsets without records.
      {
        numRuns: 2000,
        examples: [
          [
            ['skip', 'seal', 'complete', 'crash', 'record', 'commit'],
            [false, false, ...Array(60).fill(true)],
          ],
        ],
      },
    )
  })
})

/** A log, a store and a group around ledgers that live and die. `written` says which offsets hold records. */
class World {
  readonly #written: boolean[]
  /** Offsets whose records compaction has removed, before or after they were stored. */
  readonly removed = new Set<number>()
  readonly #store = new Map<number, number[]>()
  #ledger = new PartitionLedger(0)
  #position = 0
  #committed = 0
  /** Records of the objects that are not in the store, oldest first, each with where it starts. */
  #objects: { readonly object: LedgerObject; readonly offsets: number[] }[] = []

  constructor(written: readonly boolean[]) {
    this.#written = [...written]
  }

  take(step: string): void {
    if (step === 'record' || step === 'skip') this.#deliver(step === 'record' ? 1 : 3)
    else if (step === 'seal') this.#seal()
    else if (step === 'complete') this.#complete()
    else if (step === 'look') this.#look()
    else if (step === 'commit') this.#commit('acknowledged')
    else if (step === 'fail') this.#commit('lost')
    else if (step === 'fail after commit') this.#commit('applied')
    else if (step === 'rewind') this.#rewind()
    else if (step === 'compact') this.#compact()
    else {
      if (step === 'crash after commit')
        this.#committed = this.#ledger.committableOffset(this.#position) ?? this.#committed
      this.#restart()
    }
  }

  finish(): void {
    this.#deliver(this.#written.length)
    this.#seal()
    for (let i = 0; i < 500 && this.#committed < this.#written.length; i += 1) {
      this.#look()
      this.#complete()
      this.#commit('acknowledged')
    }
  }

  covered(): number[] {
    return [...this.#store].sort(([a], [b]) => a - b).flatMap(([, offsets]) => offsets)
  }

  expected(): number[] {
    return this.#written.flatMap((isRecord, offset) => (isRecord ? [offset] : []))
  }

  #deliver(count: number): void {
    for (let i = 0; i < count && this.#position < this.#written.length; i += 1, this.#position += 1) {
      if (this.#written[this.#position] !== true) continue
      if (this.#position < this.#ledger.next) continue
      if (!this.#ledger.isOpen) this.#objects.push({ object: this.#ledger.begin(this.#position), offsets: [] })
      this.#ledger.extend(this.#position)
      this.#objects.at(-1)?.offsets.push(this.#position)
    }
  }

  #seal(): void {
    if (this.#ledger.isOpen) this.#ledger.seal()
  }

  #complete(): void {
    if (!this.#ledger.mayComplete) return
    const object = this.#objects.shift()
    if (object !== undefined) this.#store.set(object.object.start, object.offsets)
    this.#ledger.completed()
  }

  #look(): void {
    if (this.#ledger.needsLook(this.#position)) this.#ledger.looked(this.#store.has(this.#ledger.committed))
  }

  #commit(outcome: 'acknowledged' | 'lost' | 'applied'): void {
    const offset = this.#ledger.committableOffset(this.#position)
    if (offset === null) return
    if (outcome !== 'lost') this.#committed = offset
    if (outcome === 'acknowledged') this.#ledger.acknowledge(offset)
    else this.#ledger.markUnknown()
  }

  /** What did not get into the store is read again. */
  #rewind(): void {
    this.#position = this.#ledger.rewind()
    this.#objects = []
  }

  /** The first record that is not committed, by which an object may be named, is gone for the next life. */
  #compact(): void {
    const first = this.#written.indexOf(true, this.#committed)
    if (first < 0) return
    this.#written[first] = false
    this.removed.add(first)
  }

  #restart(): void {
    this.#ledger = new PartitionLedger(this.#committed)
    this.#position = this.#committed
    this.#objects = []
  }
}

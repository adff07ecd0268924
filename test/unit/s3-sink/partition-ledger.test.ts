import { AssertionError } from 'penstock/api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { PartitionLedger } from '../../../connectors/s3-sink/partition-ledger.ts'

describe('a partition ledger', () => {
  it('lets the next object appear only when all before it is committed', () => {
    const ledger = new PartitionLedger(5)
    expect(ledger.begin()).toBe(5)
    ledger.extend(5)
    ledger.extend(7)
    ledger.seal()
    expect(ledger.begin()).toBe(8)
    ledger.extend(8)
    ledger.seal()
    expect(ledger.mayComplete).toBe(true)
    ledger.completed()
    expect(ledger.mayComplete).toBe(false)
    expect(ledger.answer(9)).toBe(8)
    expect(ledger.mayComplete).toBe(false)
    expect(ledger.confirm()).toBe(true)
    expect([ledger.committed, ledger.mayComplete]).toEqual([8, true])
  })

  it('commits records that went into no object once nothing before them is open', () => {
    const ledger = new PartitionLedger(0)
    expect([ledger.withholds(4), ledger.answer(4)]).toEqual([true, null])
    ledger.noReplay()
    expect([ledger.withholds(4), ledger.answer(4)]).toEqual([false, 4])
    ledger.confirm()
    expect(ledger.begin()).toBe(4)
    ledger.extend(6)
    expect(ledger.answer(9)).toBeNull()
    ledger.seal()
    ledger.completed()
    expect(ledger.answer(9)).toBe(7)
    ledger.confirm()
    expect(ledger.answer(9)).toBe(9)
  })

  it('answers again what may not have been committed', () => {
    const ledger = new PartitionLedger(0)
    ledger.begin()
    ledger.extend(0)
    ledger.seal()
    ledger.completed()
    expect(ledger.answer(1)).toBe(1)
    ledger.forget()
    expect(ledger.confirm()).toBe(false)
    expect(ledger.answer(1)).toBe(1)
    expect(ledger.confirm()).toBe(true)
    expect([ledger.answer(1), ledger.confirm(), ledger.size]).toEqual([null, false, 0])
  })

  it('refuses steps that make no sense', () => {
    const ledger = new PartitionLedger(3)
    expect(() => ledger.completed()).toThrow(AssertionError)
    ledger.begin()
    expect(() => ledger.begin()).toThrow(AssertionError)
    expect(() => ledger.seal()).toThrow(AssertionError)
    expect(() => ledger.extend(2)).toThrow(AssertionError)
  })

  it('covers offsets once, whatever happens in whatever order, and wherever it ends', () => {
    type Step = 'record' | 'skip' | 'seal' | 'complete' | 'commit' | 'lose answer' | 'crash' | 'crash after commit'
    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 6, arbitrary: fc.constant<Step>('record') },
      { weight: 2, arbitrary: fc.constantFrom<Step>('skip', 'seal') },
      { weight: 3, arbitrary: fc.constantFrom<Step>('complete', 'commit') },
      { weight: 1, arbitrary: fc.constantFrom<Step>('lose answer', 'crash', 'crash after commit') },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.array(fc.boolean(), { minLength: 60 }), (steps, written) => {
        const world = new World(written)
        for (const next of steps) world.take(next)
        world.finish()
        expect(world.covered()).toEqual(world.expected())
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
  readonly #written: readonly boolean[]
  readonly #store = new Map<number, number[]>()
  #ledger = new PartitionLedger(0)
  #position = 0
  #committed = 0
  /** Records of the objects that are not in the store, oldest first, each with where it starts. */
  #objects: { readonly start: number; readonly offsets: number[] }[] = []

  constructor(written: readonly boolean[]) {
    this.#written = written
  }

  take(step: string): void {
    if (step === 'record' || step === 'skip') this.#deliver(step === 'record' ? 1 : 3)
    else if (step === 'seal') this.#seal()
    else if (step === 'complete') this.#complete()
    else if (step === 'commit') this.#commit(true)
    else if (step === 'lose answer') this.#commit(false)
    else {
      if (step === 'crash after commit') this.#committed = this.#ledger.answer(this.#position) ?? this.#committed
      this.#restart()
    }
  }

  finish(): void {
    this.#deliver(this.#written.length)
    this.#seal()
    for (let i = 0; i < 500 && this.#committed < this.#written.length; i += 1) {
      this.#complete()
      this.#commit(true)
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
      if (!this.#ledger.isOpen) this.#objects.push({ start: this.#ledger.begin(), offsets: [] })
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
    if (object !== undefined) this.#store.set(object.start, object.offsets)
    this.#ledger.completed()
  }

  #commit(goesThrough: boolean): void {
    if (this.#ledger.withholds(this.#position) && !this.#store.has(this.#committed)) this.#ledger.noReplay()
    const answer = this.#ledger.answer(this.#position)
    if (!goesThrough) {
      this.#ledger.forget()
      return
    }
    this.#committed = answer ?? this.#committed
    this.#ledger.confirm()
  }

  #restart(): void {
    this.#ledger = new PartitionLedger(this.#committed)
    this.#position = this.#committed
    this.#objects = []
  }
}

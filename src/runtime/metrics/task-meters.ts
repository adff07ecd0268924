import type { Counter, Gauge, Histogram, TaskMetrics } from '../../foundation/metrics.ts'

/** One instrument's value as it crosses to the main thread. */
export type Sample =
  | { readonly kind: 'counter' | 'gauge'; readonly name: string; readonly help: string; readonly value: number }
  | {
      readonly kind: 'histogram'
      readonly name: string
      readonly help: string
      /** Upper bounds; `counts` has one more, for what lies above them all. Not cumulative. */
      readonly buckets: readonly number[]
      readonly counts: readonly number[]
      readonly sum: number
    }

interface Instrument {
  sample(): Sample
}

/** A task's instruments. Cheap to move, read once a second. */
export class TaskMeters implements TaskMetrics {
  readonly #instruments = new Map<string, Instrument>()

  counter(name: string, help: string): Counter {
    return this.#instrument(name, () => new ScalarInstrument('counter', name, help))
  }

  gauge(name: string, help: string): Gauge {
    return this.#instrument(name, () => new ScalarInstrument('gauge', name, help))
  }

  histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    return this.#instrument(name, () => new HistogramInstrument(name, help, buckets))
  }

  samples(): readonly Sample[] {
    return [...this.#instruments.values()].map((instrument) => instrument.sample())
  }

  /** Same name, same instrument: whoever asks first says what it is. */
  #instrument<T extends Instrument>(name: string, make: () => T): T {
    const known = this.#instruments.get(name)
    if (known !== undefined) return known as T
    const made = make()
    this.#instruments.set(name, made)
    return made
  }
}

class ScalarInstrument implements Counter, Gauge, Instrument {
  readonly #kind: 'counter' | 'gauge'
  readonly #name: string
  readonly #help: string
  #value = 0

  constructor(kind: 'counter' | 'gauge', name: string, help: string) {
    this.#kind = kind
    this.#name = name
    this.#help = help
  }

  add(value: number): void {
    this.#value += value
  }

  set(value: number): void {
    this.#value = value
  }

  sample(): Sample {
    return { kind: this.#kind, name: this.#name, help: this.#help, value: this.#value }
  }
}

class HistogramInstrument implements Histogram, Instrument {
  readonly #name: string
  readonly #help: string
  readonly #buckets: readonly number[]
  readonly #counts: number[]
  #sum = 0

  constructor(name: string, help: string, buckets: readonly number[]) {
    this.#name = name
    this.#help = help
    this.#buckets = buckets
    this.#counts = new Array<number>(buckets.length + 1).fill(0)
  }

  observe(value: number): void {
    let slot = 0
    while (slot < this.#buckets.length && value > (this.#buckets[slot] ?? Number.POSITIVE_INFINITY)) slot += 1
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1
    this.#sum += value
  }

  sample(): Sample {
    const { length } = this.#counts
    return {
      kind: 'histogram',
      name: this.#name,
      help: this.#help,
      buckets: this.#buckets,
      counts: this.#counts.slice(0, length),
      sum: this.#sum,
    }
  }
}

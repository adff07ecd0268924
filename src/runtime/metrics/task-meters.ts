import type { Counter, Gauge, Histogram, TaskMetrics } from '../../foundation/metrics.ts'

type Labels = Readonly<Record<string, string>>

/** One instrument's value as it crosses to the main thread. */
export type Sample =
  | {
      readonly kind: 'counter' | 'gauge'
      readonly name: string
      readonly help: string
      readonly value: number
      /** Labels besides those of the task. */
      readonly labels?: Labels
    }
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
    return this.#instrument(name, () => new ScalarInstrument({ kind: 'counter', name, help }, () => undefined))
  }

  gauge(name: string, help: string, labels?: Labels): Gauge {
    const key = labels === undefined ? name : `${name}${JSON.stringify(labels)}`
    const kind = { kind: 'gauge', name, help, ...(labels === undefined ? {} : { labels }) } as const
    return this.#instrument(key, () => new ScalarInstrument(kind, () => this.#instruments.delete(key)))
  }

  histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    return this.#instrument(name, () => new HistogramInstrument(name, help, buckets))
  }

  samples(): readonly Sample[] {
    return [...this.#instruments.values()].map((instrument) => instrument.sample())
  }

  /** Same key, same instrument: whoever asks first says what it is. */
  #instrument<T extends Instrument>(key: string, make: () => T): T {
    const known = this.#instruments.get(key)
    if (known !== undefined) return known as T
    const made = make()
    this.#instruments.set(key, made)
    return made
  }
}

type ScalarKind = Omit<Extract<Sample, { kind: 'counter' | 'gauge' }>, 'value'>

class ScalarInstrument implements Counter, Gauge, Instrument {
  readonly #kind: ScalarKind
  readonly #onRemove: () => void
  #value = 0

  constructor(kind: ScalarKind, onRemove: () => void) {
    this.#kind = kind
    this.#onRemove = onRemove
  }

  add(value: number): void {
    this.#value += value
  }

  set(value: number): void {
    this.#value = value
  }

  remove(): void {
    this.#onRemove()
  }

  sample(): Sample {
    return { ...this.#kind, value: this.#value }
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

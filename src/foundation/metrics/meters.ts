import type { Counter, Gauge, Histogram, Labels, TaskMetrics } from './metrics.ts'

/** The value of one instrument, as it is sent to the main thread. */
export type Sample =
  | {
      readonly kind: 'counter' | 'gauge'
      readonly name: string
      readonly help: string
      readonly value: number
      /** Labels in addition to the owner's. */
      readonly labels?: Labels
    }
  | {
      readonly kind: 'histogram'
      readonly name: string
      readonly help: string
      /** Upper bounds. `counts` has one element more, for values above all bounds, and is not cumulative. */
      readonly buckets: readonly number[]
      readonly counts: readonly number[]
      readonly sum: number
      readonly labels?: Labels
    }

/** A sample with the labels that tell it from its siblings: those of its owner and its own. */
export interface LabelledSample {
  readonly sample: Sample
  readonly labels: Labels
}

interface Instrument {
  sample(): Sample
}

/** The instruments of a task, the REST API or the broker. They are cheap to update and read only when sampled. */
export class Meters implements TaskMetrics {
  readonly #instruments = new Map<string, Instrument>()

  counter(name: string, help: string, labels?: Labels): Counter {
    return this.#scalar('counter', name, help, labels)
  }

  gauge(name: string, help: string, labels?: Labels): Gauge {
    return this.#scalar('gauge', name, help, labels)
  }

  histogram(name: string, help: string, buckets: readonly number[], labels?: Labels): Histogram {
    const key = keyOf(name, labels)
    return this.#instrument(key, () => new HistogramInstrument({ name, help, buckets, ...withLabels(labels) }))
  }

  samples(): readonly Sample[] {
    return [...this.#instruments.values()].map((instrument) => instrument.sample())
  }

  #scalar(kind: 'counter' | 'gauge', name: string, help: string, labels: Labels | undefined): ScalarInstrument {
    const key = keyOf(name, labels)
    const about = { kind, name, help, ...withLabels(labels) }
    return this.#instrument(key, () => new ScalarInstrument(about, () => this.#instruments.delete(key)))
  }

  /** Returns the instrument of that key; the first call defines it. */
  #instrument<T extends Instrument>(key: string, make: () => T): T {
    const known = this.#instruments.get(key)
    if (known !== undefined) return known as T
    const made = make()
    this.#instruments.set(key, made)
    return made
  }
}

function keyOf(name: string, labels: Labels | undefined): string {
  return labels === undefined ? name : `${name}${JSON.stringify(labels)}`
}

function withLabels(labels: Labels | undefined): { readonly labels?: Labels } {
  return labels === undefined ? {} : { labels }
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

type HistogramKind = Omit<Extract<Sample, { kind: 'histogram' }>, 'kind' | 'counts' | 'sum'>

class HistogramInstrument implements Histogram, Instrument {
  readonly #kind: HistogramKind
  readonly #counts: number[]
  #sum = 0

  constructor(kind: HistogramKind) {
    this.#kind = kind
    this.#counts = new Array<number>(kind.buckets.length + 1).fill(0)
  }

  observe(value: number): void {
    const { buckets } = this.#kind
    let slot = 0
    while (slot < buckets.length && value > (buckets[slot] ?? Number.POSITIVE_INFINITY)) slot += 1
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1
    this.#sum += value
  }

  sample(): Sample {
    return { kind: 'histogram', ...this.#kind, counts: this.#counts.slice(), sum: this.#sum }
  }
}

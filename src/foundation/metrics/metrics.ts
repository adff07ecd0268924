/** Distinguish the instruments of one name. */
export type Labels = Readonly<Record<string, string>>

/** A count that never decreases. */
export interface Counter {
  add(value: number): void
}
/** A value that rises and falls. */
export interface Gauge {
  set(value: number): void
  /** Stops exposing the gauge. Requesting the same gauge afterwards creates a new one. */
  remove(): void
}
/** A distribution of seconds or bytes, as the name says. */
export interface Histogram {
  observe(value: number): void
}

/** A task's own metrics, exposed as `penstock_<name>{connector,task}`. The same name returns the same instrument. */
export interface TaskMetrics {
  counter(name: string, help: string): Counter
  /** `labels` distinguish gauges of one name. Use few values, and remove gauges that are no longer needed. */
  gauge(name: string, help: string, labels?: Labels): Gauge
  histogram(name: string, help: string, buckets: readonly number[]): Histogram
}

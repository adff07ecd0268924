/** What tells the instruments of one name apart. */
export type Labels = Readonly<Record<string, string>>

/** A count that only rises. */
export interface Counter {
  add(value: number): void
}
/** A value that moves. */
export interface Gauge {
  set(value: number): void
  /** It is not exposed any more; asking for the same gauge again makes a new one. */
  remove(): void
}
/** A distribution, observed in seconds or bytes as the name says. */
export interface Histogram {
  observe(value: number): void
}

/** A task's own metrics: exposed as `penstock_<name>{connector,task}`. Same name, same instrument. */
export interface TaskMetrics {
  counter(name: string, help: string): Counter
  /** `labels` tell gauges of one name apart; use few values, and remove those that are over. */
  gauge(name: string, help: string, labels?: Labels): Gauge
  histogram(name: string, help: string, buckets: readonly number[]): Histogram
}

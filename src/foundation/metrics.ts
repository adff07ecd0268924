/** A count that only rises. */
export interface Counter {
  add(value: number): void
}
/** A value that moves. */
export interface Gauge {
  set(value: number): void
}
/** A distribution, observed in seconds or bytes as the name says. */
export interface Histogram {
  observe(value: number): void
}

/** A task's own metrics: exposed as `penstock_<name>{connector,task}`. Same name, same instrument. */
export interface TaskMetrics {
  counter(name: string, help: string): Counter
  gauge(name: string, help: string): Gauge
  histogram(name: string, help: string, buckets: readonly number[]): Histogram
}

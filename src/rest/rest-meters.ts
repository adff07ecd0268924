import type { Meters } from '../foundation/metrics/meters.ts'
import type { Refusal } from './rest-error.ts'

import { httpMethods } from './route.ts'

const secondBuckets = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60]

/** The metrics of the REST API. */
export class RestMeters {
  readonly #meters: Meters
  readonly #connections: ReturnType<Meters['gauge']>

  constructor(meters: Meters) {
    this.#meters = meters
    this.#connections = meters.gauge('http_connections', 'Open connections to the REST API')
  }

  connections(count: number): void {
    this.#connections.set(count)
  }

  /** Counts a request or connection that is rejected. */
  refused(reason: Refusal): void {
    this.#meters
      .counter('http_refused_total', 'Requests and connections that the REST API refused or ended', { reason })
      .add(1)
  }

  responded(method: string, status: number, ms: number): void {
    // Clients choose the method: a label has few values.
    const labels = { method: httpMethods.includes(method) ? method : 'other', status: String(status) }
    this.#meters.counter('http_requests_total', 'Requests that the REST API responded to', labels).add(1)
    this.#meters
      .histogram('http_request_seconds', 'Time from a request to its response', secondBuckets)
      .observe(ms / 1000)
  }
}

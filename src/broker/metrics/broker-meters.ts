import type { Clock } from '../../foundation/clock.ts'
import { Meters } from '../../foundation/metrics/meters.ts'
import type { Counter, Histogram } from '../../foundation/metrics/metrics.ts'

const secondBuckets = [0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2, 10]

interface ApiMeters {
  readonly requests: Counter
  readonly failures: Counter
  readonly seconds: Histogram
}

/** The counters of the broker. Current values are in `brokerGauges`. */
export class BrokerMeters {
  readonly #clock: Clock
  readonly #meters = new Meters()
  readonly #apis = new Map<string, ApiMeters>()
  readonly #received = this.#meters.counter('broker_received_bytes_total', 'Bytes of the requests of clients')
  readonly #sent = this.#meters.counter('broker_sent_bytes_total', 'Bytes of the responses to clients')
  readonly #authenticationFailures = this.#meters.counter(
    'broker_authentication_failures_total',
    'Connections that were closed because the client did not authenticate',
  )
  readonly #syncSeconds = this.#meters.histogram(
    'broker_disk_sync_seconds',
    'Time from asking for the sync of a file to its end',
    secondBuckets,
  )

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A request begins; what is returned is called with its response. A Fetch that waits takes as long as it waits. */
  begun(api: string, bytes: number): (response: readonly Buffer[] | null) => void {
    const { requests, seconds } = this.#api(api)
    const beganMs = this.#clock.monotonic()
    this.#received.add(bytes)
    return (response) => {
      requests.add(1)
      seconds.observe((this.#clock.monotonic() - beganMs) / 1000)
      for (const part of response ?? []) this.#sent.add(part.length)
    }
  }

  /** A request could not be decoded or served: its connection is closed. */
  failed(api: string): void {
    this.#api(api).failures.add(1)
  }

  /** A client did not authenticate: its connection is closed. */
  authenticationFailed(): void {
    this.#authenticationFailures.add(1)
  }

  /** The sync of a file begins; what is returned is called at its end. */
  syncing(): () => void {
    const beganMs = this.#clock.monotonic()
    return () => this.#syncSeconds.observe((this.#clock.monotonic() - beganMs) / 1000)
  }

  samples(): ReturnType<Meters['samples']> {
    return this.#meters.samples()
  }

  #api(api: string): ApiMeters {
    const known = this.#apis.get(api)
    if (known !== undefined) return known
    const labels = { api }
    const made = {
      requests: this.#meters.counter('broker_requests_total', 'Requests that the broker responded to', labels),
      failures: this.#meters.counter('broker_failed_requests_total', 'Requests that closed their connection', labels),
      seconds: this.#meters.histogram(
        'broker_request_seconds',
        'Time from a whole request to its response, waiting included',
        secondBuckets,
        labels,
      ),
    }
    this.#apis.set(api, made)
    return made
  }
}

import type { DiagnosisFinding } from '../../api/diagnosis/finding.ts'
import type { RawConfig } from '../../api/config-def.ts'
import type { ObservedProbe } from '../../diagnosis/observations.ts'
import { settledWithin } from '../../foundation/async/deadline.ts'
import type { Clock } from '../../foundation/clock.ts'
import { errorMessage } from '../../foundation/error-message.ts'

/** A connector's look at its server. */
export type Look = (
  connector: string,
  config: RawConfig,
  topics: readonly string[],
) => Promise<readonly DiagnosisFinding[]>

interface Probe {
  readonly config: RawConfig
  readonly startedAt: number
  readonly result: Promise<ObservedProbe>
  endedAt: number | null
}

/** How long a request waits for a probe: a diagnosis returns within a second. Milliseconds. */
const patienceMs = 700
/** So long, a result is that of now: several viewers do not multiply the requests to the server. */
const freshMs = 1500

/** Has connectors look at their servers: each one at a time, and without that a request waits for a server that hangs. */
export class Probes {
  readonly #look: Look
  readonly #clock: Clock
  readonly #probes = new Map<string, Probe>()

  constructor(look: Look, clock: Clock) {
    this.#look = look
    this.#clock = clock
  }

  /** Returns what a connector finds at its server; that it waits, when it has not found out in time: a later call gets the result. */
  async of(connector: string, config: RawConfig, topics: readonly string[]): Promise<ObservedProbe> {
    const probe = this.#current(connector, config) ?? this.#begin(connector, config, topics)
    const result = await settledWithin(this.#clock, patienceMs, probe.result)
    return result ?? { kind: 'waits', seconds: Math.round((this.#clock.monotonic() - probe.startedAt) / 100) / 10 }
  }

  #current(connector: string, config: RawConfig): Probe | null {
    const probe = this.#probes.get(connector)
    if (probe?.config !== config) return null
    return probe.endedAt === null || this.#clock.monotonic() - probe.endedAt < freshMs ? probe : null
  }

  #begin(connector: string, config: RawConfig, topics: readonly string[]): Probe {
    const result = this.#look(connector, config, topics).then(
      (findings): ObservedProbe => ({ kind: 'found', findings }),
      (error: unknown): ObservedProbe => ({ kind: 'failed', message: errorMessage(error) }),
    )
    const probe: Probe = { config, startedAt: this.#clock.monotonic(), result, endedAt: null }
    this.#probes.set(connector, probe)
    void result.then(() => {
      probe.endedAt = this.#clock.monotonic()
      this.#clock.after(freshMs, () => {
        if (this.#probes.get(connector) === probe) this.#probes.delete(connector)
      })
    })
    return probe
  }
}

import type { Cluster, Place } from '../cluster/cluster.ts'
import type { Random } from '../world/random.ts'
import type { FaultKind } from '../world/settings.ts'

/** Lets things fail in one run, and repairs all of it at the end. */
export class Faults {
  readonly #cluster: Cluster
  readonly #random: Random
  /** How to end what still fails. */
  readonly #repairs = new Set<() => void>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#random = cluster.simulation.random.fork('faults')
  }

  /** Faults happen until the time is over. */
  async work(untilMs: number): Promise<void> {
    const { director, settings } = this.#cluster.simulation
    for (;;) {
      const { faultEveryMs } = settings
      await director.clock.sleep(this.#random.between(0, 2 * faultEveryMs))
      if (director.clock.monotonic() >= untilMs) break
      this.#begin(this.#random.pick(settings.faults))
    }
    for (const repair of this.#repairs) repair()
  }

  #begin(kind: FaultKind): void {
    const { simulation, places } = this.#cluster
    const place = this.#random.pick(places)
    simulation.note(`fault: ${kind} (${place.host})`)
    const repair = this.#caused(kind, place)
    if (repair === null) return
    const end = (): void => {
      if (!this.#repairs.delete(end)) return
      cancel()
      simulation.note(`repaired: ${kind} (${place.host})`)
      repair()
    }
    this.#repairs.add(end)
    const cancel = simulation.director.clock.after(this.#durationMs(), end)
  }

  /** Most faults are short; some last longer than a session of the group. */
  #durationMs(): number {
    const { sessionTimeoutMs } = this.#cluster.simulation.settings
    return this.#random.between(50, this.#random.chance(0.5) ? 1.2 * sessionTimeoutMs : 3 * sessionTimeoutMs)
  }

  /** Causes a fault. Returns how to repair it; null when there is nothing to repair. */
  #caused(kind: FaultKind, place: Place): (() => void) | null {
    const { network } = this.#cluster.simulation
    const { worker } = place
    switch (kind) {
      case 'freeze process':
        worker?.freeze()
        return () => worker?.wake()
      case 'freeze main thread':
        worker?.main.freeze()
        return () => worker?.wake()
      case 'freeze task threads':
        worker?.freezeThreads()
        return () => worker?.wake()
      case 'kill worker':
        place.kill()
        return () => place.startNow()
      case 'stop worker':
        void place.stop(this.#durationMs())
        return null
      case 'kill task thread':
        worker?.tasks?.killOne()
        return null
      case 'kill broker':
      case 'freeze broker':
        return this.#brokerFault(kind)
      case 'cut from broker':
        network.cut(place.host, 'broker')
        return () => network.join(place.host, 'broker')
      case 'cut between workers': {
        const { host } = this.#random.pick(this.#cluster.places)
        if (host === place.host) return null
        network.cut(place.host, host)
        return () => network.join(place.host, host)
      }
      case 'reset connections':
        network.reset(place.host)
        return null
      case 'slow network':
        return this.#slowNetwork()
    }
  }

  #brokerFault(kind: 'kill broker' | 'freeze broker'): (() => void) | null {
    const { broker } = this.#cluster
    if (!broker.isRunning) return null
    if (kind === 'freeze broker') {
      const { actor } = broker
      actor.freeze()
      return () => actor.wake()
    }
    broker.kill()
    return () => broker.restart()
  }

  #slowNetwork(): (() => void) | null {
    const { network, settings } = this.#cluster.simulation
    const slowMs = this.#random.pick([200, 1000, 4000])
    network.delays = { leastMs: 1, mostMs: slowMs, slowShare: 0.05, slowMs: 2 * slowMs }
    return () => {
      network.delays = settings.delays
    }
  }
}

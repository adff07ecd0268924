import type { Simulation } from '../world/simulation.ts'
import { AcknowledgedWrites } from '../oracles/acknowledged-writes.ts'
import { Ownership } from '../oracles/ownership.ts'
import { RestNetwork } from './rest-network.ts'
import { SimulatedBroker } from './simulated-broker.ts'
import { SimulatedWorker } from './simulated-worker.ts'
import type { Surroundings } from './surroundings.ts'

/** A worker of the group through all its processes: one that ends is started again. */
export class Place {
  readonly host: string
  readonly #cluster: Cluster
  #worker: SimulatedWorker | null = null
  #lives = 0
  /** The time before which no process is started; infinite: none is started. */
  #startAtMs = 0

  constructor(cluster: Cluster, host: string) {
    this.#cluster = cluster
    this.host = host
  }

  /** The process that runs; null when none does. */
  get worker(): SimulatedWorker | null {
    return this.#worker
  }

  get url(): string {
    return `http://${this.host}:8083/`
  }

  /** Starts the process after `delayMs`, and again whenever it cannot start. */
  async start(delayMs = 0): Promise<void> {
    const { director, timeline } = this.#cluster.simulation
    this.#startAtMs = timeline.nowMs + delayMs
    while (this.#startAtMs > timeline.nowMs) await director.clock.sleep(this.#startAtMs - timeline.nowMs)
    if (this.#worker !== null) return
    this.#lives += 1
    const worker = new SimulatedWorker(this.#cluster, this.host, this.#lives)
    this.#worker = worker
    this.#cluster.simulation.note(`${worker.main.name} starts`)
    await worker.start().catch((error: unknown) => {
      if (this.#worker !== worker) return
      this.#cluster.simulation.note(`${worker.main.name} did not start: ${String(error)}`)
      this.kill()
      void this.start(1000)
    })
  }

  /** Starts it now, if it does not run. */
  startNow(): void {
    this.#startAtMs = 0
    if (this.#worker === null) void this.start()
  }

  kill(): void {
    this.#worker?.kill()
    this.#worker = null
  }

  /** Stops it gracefully, then lets it stand still for a time. */
  async stop(pauseMs: number): Promise<void> {
    const worker = this.#worker
    await worker?.stop()
    if (this.#worker !== worker) return
    this.#worker = null
    await this.start(pauseMs)
  }
}

/** The broker and the workers of one run, and the oracles that watch them. */
export class Cluster implements Surroundings {
  readonly simulation: Simulation
  readonly broker: SimulatedBroker
  readonly rest: RestNetwork
  readonly places: readonly Place[]
  readonly ownership: Ownership
  readonly acknowledged = new AcknowledgedWrites()
  #numbers = 0

  constructor(simulation: Simulation) {
    this.simulation = simulation
    this.broker = new SimulatedBroker(simulation)
    this.rest = new RestNetwork(simulation)
    this.ownership = new Ownership(simulation)
    this.places = Array.from({ length: simulation.settings.workers }, (_, n) => new Place(this, `worker-${n + 1}`))
  }

  /** The processes of workers that run. */
  get workers(): readonly SimulatedWorker[] {
    return this.places.flatMap(({ worker }) => (worker === null ? [] : [worker]))
  }

  /** Nothing fails from now on, and nothing is slow. */
  calm(): void {
    this.simulation.isCalm = true
    this.simulation.network.delays = { leastMs: 0.1, mostMs: 2, slowShare: 0, slowMs: 0 }
    for (const place of this.places) place.startNow()
  }

  get bootstrapServers(): string {
    return this.broker.bootstrapServers
  }

  nextNumber(): number {
    this.#numbers += 1
    return this.#numbers
  }
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Broker } from '../../../src/broker/broker.ts'
import { MemoryFileSystem } from '../../support/log/memory-file-system.ts'
import { Actor } from '../world/actor.ts'
import type { Simulation } from '../world/simulation.ts'

const host = 'broker'
const port = 9092

/** The embedded broker, on a disk in memory. It can be killed, with the loss of what was not synced, and started again. */
export class SimulatedBroker {
  readonly bootstrapServers = `${host}:${port}`
  readonly #simulation: Simulation
  readonly #directory = mkdtempSync(join(tmpdir(), 'penstock-simulation-'))
  #disk = new MemoryFileSystem()
  #actor: Actor
  #broker: Broker | null = null
  #starts = 0
  readonly #ends = new Map<string, number>()

  constructor(simulation: Simulation) {
    this.#simulation = simulation
    this.#disk.makeDirectory(this.#directory)
    this.#actor = this.#newActor()
  }

  get actor(): Actor {
    return this.#actor
  }

  get isRunning(): boolean {
    return this.#broker !== null
  }

  /** Recovers the disk and serves. */
  async start(): Promise<void> {
    const { random, network, settings, logger } = this.#simulation
    const actor = this.#newActor()
    this.#actor = actor
    const sync = random.fork(`disk ${this.#starts}`)
    this.#disk.syncDelay = async () => {
      const isSlow = !this.#simulation.isCalm && sync.chance(settings.slowSyncShare)
      await actor.clock.sleep(sync.between(0.1, isSlow ? 800 : 3))
    }
    const broker = await Broker.start({
      dataDir: this.#directory,
      listen: { host, port },
      clock: actor.clock,
      logger: logger.child(actor.name),
      fs: this.#disk,
      createTcpServer: network.serverOf(actor),
      coordinators: { minSessionTimeoutMs: 1, offsetsTopicPartitions: 1 },
    })
    this.#broker = broker
  }

  /** Its process is killed, or its machine loses power. */
  kill(): void {
    const { random, network } = this.#simulation
    for (const { name } of this.#broker?.topics.all() ?? []) this.#ends.set(name, this.endOf(name))
    this.#actor.end()
    network.close(this.#actor)
    const unsynced = random.pick(['keep', 'some', 'forget'] as const)
    this.#disk = this.#disk.crash({ unsynced, random: () => random.number() })
    this.#broker = null
    rmSync(join(this.#directory, '.lock'), { force: true })
  }

  /** Starts it again after it was killed. */
  restart(): void {
    this.start().catch((error: unknown) => this.#simulation.violated(`the broker does not start: ${String(error)}`))
  }

  /** The offset after the last durable record of partition 0. Of a broker that was killed, that of the moment before. */
  endOf(topic: string): number {
    return this.#broker?.topics.partition(topic, 0)?.highWatermark ?? this.#ends.get(topic) ?? 0
  }

  /** Removes what it has on the real disk: the lock of its directory. */
  discard(): void {
    this.#actor.end()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  #newActor(): Actor {
    this.#starts += 1
    return new Actor(this.#simulation.timeline, `broker#${this.#starts}`, host)
  }
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { systemClock } from '../../../src/foundation/clock.ts'
import { formatListenAddress } from '../../../src/foundation/network/listen-address.ts'
import { BrokerProcess } from '../broker/broker-process.ts'
import { kafkaSettings } from '../worker/kafka-settings.ts'
import { workerPlace, WorkerProcess, type WorkerPlace } from '../worker/worker-process.ts'
import { workerCount } from './chaos-plan.ts'

const settings = { 'offset.flush.interval.ms': '300' }

/** Workers of one group in processes, and the process of their broker. Each can be killed and is started again at its place. */
export class ChaosGroup {
  static readonly groupId = 'chaos'
  static readonly configTopic = 'chaos-configs'
  /** The files of the connectors. */
  readonly directory: string
  readonly bootstrap: string
  readonly #log: string
  readonly #places: readonly WorkerPlace[]
  readonly #workers: WorkerProcess[] = []
  /** What the workers that have ended have printed. */
  readonly #printed: string[] = []
  readonly #frozen = new Set<number>()
  #broker: BrokerProcess

  private constructor(directory: string, log: string, broker: BrokerProcess, places: readonly WorkerPlace[]) {
    this.directory = directory
    this.#log = log
    this.#broker = broker
    this.bootstrap = formatListenAddress(broker.address)
    this.#places = places
  }

  static async start(): Promise<ChaosGroup> {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-chaos-'))
    const log = join(directory, 'log')
    mkdirSync(log)
    const broker = await BrokerProcess.start(log)
    const places = await Promise.all(Array.from({ length: workerCount }, async () => await workerPlace('')))
    const group = new ChaosGroup(directory, log, broker, places)
    try {
      await Promise.all(places.map(async (_, at) => await group.#startWorker(at)))
    } catch (error) {
      await group.close()
      throw error
    }
    return group
  }

  urlOf(at: number): string {
    return this.#places[at]?.rest ?? ''
  }

  /** All that the workers have printed. */
  get output(): string {
    return [...this.#printed, ...this.#workers.map(({ output }) => output)].join('')
  }

  /** Workers that can respond. */
  get running(): readonly number[] {
    return [...this.#workers.keys()].filter((at) => this.#workers[at]?.ended === false && !this.#frozen.has(at))
  }

  async kill(at: number): Promise<void> {
    await this.#workers[at]?.kill()
  }

  /** Returns the exit code. */
  async terminate(at: number): Promise<number | null> {
    return (await this.#workers[at]?.stop()) ?? null
  }

  /** Starts a worker that has ended. */
  async restart(at: number): Promise<void> {
    await this.#startWorker(at)
  }

  freeze(at: number): void {
    process.kill(this.#workers[at]?.pid ?? 0, 'SIGSTOP')
    this.#frozen.add(at)
  }

  thaw(at: number): void {
    process.kill(this.#workers[at]?.pid ?? 0, 'SIGCONT')
    this.#frozen.delete(at)
  }

  async killBroker(): Promise<void> {
    await this.#broker.end('SIGKILL')
  }

  async restartBroker(): Promise<void> {
    this.#broker = await BrokerProcess.start(this.#log, '--listen', this.bootstrap)
  }

  /** @param keeps keeps the files, and the output of the workers beside them */
  async close(keeps = false): Promise<void> {
    await Promise.all(this.#workers.map(async (worker) => await worker.kill()))
    await this.#broker.end('SIGKILL')
    if (keeps) writeFileSync(join(this.directory, 'workers.txt'), this.output)
    else rmSync(this.directory, { recursive: true, force: true })
  }

  async #startWorker(at: number): Promise<void> {
    const place = this.#places[at]
    if (place === undefined) throw new RangeError(`there is no worker ${at}`)
    const before = this.#workers[at]
    if (before !== undefined) this.#printed.push(before.output)
    this.#workers[at] = await WorkerProcess.start(
      { ...place, directory: this.directory },
      { ...kafkaSettings(this.bootstrap, ChaosGroup.groupId), ...settings },
    )
  }
}

/** Lets time pass in which a fault lasts. */
export async function last(ms: number): Promise<void> {
  await systemClock.sleep(ms)
}

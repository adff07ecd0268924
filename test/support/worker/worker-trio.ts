import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { KafkaClient } from '../../../src/client/kafka-client.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { formatListenAddress } from '../../../src/foundation/network/listen-address.ts'
import { readAll } from '../../contract/client-harness.ts'
import { quietLogger } from '../quiet-logger.ts'
import { BrokerProcess } from '../broker/broker-process.ts'
import { kafkaSettings } from './kafka-settings.ts'
import { placed } from './placed.ts'
import { workerPlace, WorkerProcess } from './worker-process.ts'
import { writtenLines } from './written-lines.ts'

/** Workers of one group, each in its own process, on a broker in another one. */
export class WorkerTrio {
  readonly directory = mkdtempSync(join(tmpdir(), 'penstock-group-'))
  readonly workers: WorkerProcess[] = []
  readonly broker: BrokerProcess
  readonly #settings: Readonly<Record<string, string>>

  private constructor(broker: BrokerProcess, settings: Readonly<Record<string, string>>) {
    this.broker = broker
    this.#settings = { ...kafkaSettings(formatListenAddress(broker.address), 'trio'), ...settings }
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<WorkerTrio> {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-log-'))
    const trio = new WorkerTrio(await BrokerProcess.start(directory), settings)
    await Promise.all([trio.add(), trio.add(), trio.add()])
    return trio
  }

  /** Starts one more worker. */
  async add(): Promise<WorkerProcess> {
    const { rest } = await workerPlace('')
    const worker = await WorkerProcess.start({ rest, broker: '127.0.0.1:0', directory: this.directory }, this.#settings)
    this.workers.push(worker)
    return worker
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map(async (worker) => await worker.kill()))
    await this.broker.end('SIGKILL')
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** A file that {@link write} fills. */
  path(name: string): string {
    return join(this.directory, name)
  }

  write(name: string, lines: readonly string[]): void {
    appendFileSync(this.path(name), lines.map((line) => `${line}\n`).join(''))
  }

  lines(name: string): readonly string[] {
    return writtenLines(this.path(name))
  }

  /** The values of a topic, in the order of its only partition. */
  async values(topic: string): Promise<readonly string[]> {
    const client = await KafkaClient.connect({
      bootstrapServers: formatListenAddress(this.broker.address),
      clientId: 'reader',
      clock: systemClock,
      logger: quietLogger(),
    })
    try {
      return (await readAll(client, topic)).map(({ value }) => String(JSON.parse(value?.toString() ?? '{}').payload))
    } finally {
      await client.close()
    }
  }

  /** As {@link placed}. */
  async placed(
    alive: readonly WorkerProcess[],
    counts: Readonly<Record<string, number>>,
  ): Promise<ReadonlyMap<string, WorkerProcess>> {
    return await placed(alive, counts)
  }
}

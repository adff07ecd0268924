import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Servers } from '../../../src/servers/servers.ts'
import { untilPasses } from '../until.ts'
import { JavaWorker, javaWorkerSettings } from './java-worker.ts'
import type { GroupWorker } from './placed.ts'
import { WorkerProcess, workerPlace } from './worker-process.ts'

const group = 'connect-cluster'

/** A worker of Penstock on its embedded broker, and one of Kafka Connect on a Kafka cluster: both with the file connectors. */
export class BothWorkers {
  readonly ours: WorkerProcess
  readonly theirs: JavaWorker
  /** The addresses of their brokers. */
  readonly brokers: { readonly ours: string; readonly theirs: string }
  /** The topic of their connector configs. */
  readonly configTopic = `${group}-configs`
  /** A file of three lines. */
  readonly input: string
  readonly directory: string
  readonly #servers: Servers

  private constructor(parts: Pick<BothWorkers, 'directory' | 'ours' | 'theirs'> & { servers: Servers; kafka: string }) {
    const { directory, servers, ours, theirs, kafka } = parts
    this.directory = directory
    this.input = join(directory, 'in.txt')
    this.#servers = servers
    this.ours = ours
    this.theirs = theirs
    this.brokers = { ours: ours.place.broker, theirs: kafka }
  }

  static async start(): Promise<BothWorkers> {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-both-'))
    writeFileSync(join(directory, 'in.txt'), 'one\ntwo\nthree\n')
    const servers = Servers.open()
    const { address } = await servers.get('kafka')
    const theirs = await JavaWorker.start(servers, { 'bootstrap.servers': address, 'group.id': group })
    const ours = await WorkerProcess.start(await workerPlace(join(directory, 'log')), {
      'group.id': group,
      'config.storage.topic': `${group}-configs`,
      ...javaWorkerSettings,
    })
    return new BothWorkers({ directory, servers, ours, theirs, kafka: address })
  }

  /** Waits until everything that each worker has is in a state that lasts. */
  async settled(): Promise<void> {
    await Promise.all([settled(this.ours), settled(this.theirs)])
  }

  async close(): Promise<void> {
    await Promise.all([this.ours.kill(), this.theirs.kill()])
    await this.#servers.close()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

interface Status {
  readonly status: {
    readonly connector: { readonly state: string }
    readonly tasks: readonly { readonly state: string }[]
  }
}

async function settled(worker: GroupWorker): Promise<void> {
  await untilPasses(async () => {
    const names = (await worker.request('GET', '/connectors')) as readonly string[]
    const all = (await worker.request('GET', '/connectors?expand=status')) as Record<string, Status>
    for (const name of names) {
      const found = all[name]
      if (found === undefined) throw new RangeError(`${name} has no status`)
      const { connector, tasks } = found.status
      const states = [connector, ...tasks].map(({ state }) => state)
      const isMoving = states.some((state) => !lasting.has(state))
      if (
        isMoving ||
        (connector.state === 'RUNNING' && tasks.length === 0) ||
        (connector.state === 'STOPPED' && tasks.length > 0)
      )
        throw new RangeError(`${name} is ${states.join()}`)
    }
  })
}

const lasting = new Set(['RUNNING', 'PAUSED', 'STOPPED', 'FAILED'])

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { startConnect, type RunningConnect } from '../../../bench/parts/connect-distributed.ts'
import { connectFiles } from '../../../bench/parts/connect-file-plugin.ts'
import type { Servers } from '../../../src/servers/servers.ts'
import { until } from '../until.ts'
import { sendRequest } from './worker-process.ts'

let launches = 0

const json = 'org.apache.kafka.connect.json.JsonConverter'

/** How a {@link JavaWorker} writes records and offsets. A worker of Penstock beside it, or in its place, needs the same. */
export const javaWorkerSettings = {
  'key.converter': json,
  'value.converter': json,
  'key.converter.schemas.enable': 'false',
  'value.converter.schemas.enable': 'false',
  'offset.flush.interval.ms': '200',
}

/** How to start a {@link JavaWorker}. */
export interface JavaWorkerOptions {
  /** Its `plugin.path`; that of the FileStream connectors by default. */
  readonly plugins?: string
  /** Worker options that take precedence. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A worker of Apache Kafka Connect. It needs Java 17; its first start needs Maven. */
export class JavaWorker {
  readonly place: { readonly rest: string }
  readonly #running: RunningConnect

  private constructor(running: RunningConnect) {
    this.place = { rest: running.rest }
    this.#running = running
  }

  /** Starts it and waits until it is in its group. `settings` name the broker and the group. It ends with `servers` at the latest. */
  static async start(
    servers: Servers,
    settings: { readonly 'bootstrap.servers': string; readonly 'group.id': string },
    options: JavaWorkerOptions = {},
  ): Promise<JavaWorker> {
    const files = await connectFiles()
    launches += 1
    const worker = new JavaWorker(
      await startConnect(servers, {
        ...files,
        plugins: options.plugins ?? files.plugins,
        directory: join(servers.directory, `java-worker-${launches}`),
        broker: settings['bootstrap.servers'],
        group: settings['group.id'],
        heapMiB: 512,
        // It starts in less time, and has little to do.
        jvm: ['-XX:TieredStopAtLevel=1'],
        logLevel: 'INFO',
        settings: {
          ...javaWorkerSettings,
          'scheduled.rebalance.max.delay.ms': '0',
          // Its sink tasks hold their partitions for this long after it was killed: 45 s by default.
          'consumer.session.timeout.ms': '10000',
          ...options.settings,
        },
      }),
    )
    await until('the Java worker in its group', () => worker.leader !== undefined)
    return worker
  }

  /** All it has logged. */
  get output(): string {
    return readFileSync(this.#running.logFile, 'utf8')
  }

  /** The URL of the leader of its last assignment; undefined before the first one. */
  get leader(): string | undefined {
    return [...this.output.matchAll(/leaderUrl='(http:[^']+?)\/?'/g)].at(-1)?.[1]
  }

  /** SIGTERM, and waits for the end. */
  async stop(): Promise<void> {
    await this.#running.process.stop()
  }

  /** `kill -9`, and waits for the end. */
  async kill(): Promise<void> {
    this.#running.process.kill('SIGKILL')
    await this.#running.process.exited
  }

  /** The answer's JSON. @throws WorkerProcessError for a status of 400 and above. */
  async request(method: string, path: string, body?: unknown): Promise<unknown> {
    return await sendRequest(this.place.rest + path, { method, body })
  }
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory } from '../../src/servers/cache.ts'
import type { Server } from '../../src/servers/process/server.ts'
import type { Servers } from '../../src/servers/servers.ts'
import type { WatchedProcess } from '../../src/servers/process/watchdog.ts'
import { BenchError } from './bench-error.ts'
import { startConnect } from './connect-distributed.ts'
import { ConnectorRest } from './connector-rest.ts'
import { fetchDebezium } from './debezium.ts'
import { treeUsage, type TreeUsage } from './process-tree.ts'

const kafka = '3.9.1'

let launches = 0

/** Kafka Connect with Debezium, on an Apache Kafka that is started here. */
export class ConnectPeer extends ConnectorRest {
  /** `host:port` of its Kafka broker. */
  readonly broker: string
  readonly #process: WatchedProcess
  readonly #kafka: Server

  private constructor(running: WatchedProcess, rest: string, server: Server) {
    super(rest)
    this.#process = running
    this.#kafka = server
    this.broker = server.address
  }

  /** Downloads the jars with Maven once, before launches are timed. */
  static async fetch(): Promise<void> {
    await fetchDebezium()
  }

  /** Launches a distributed worker with a heap of 2 GiB and waits for its REST API. Each worker has its own topics. */
  static async launch(servers: Servers, server: Server): Promise<ConnectPeer> {
    const jars = join(cacheDirectory(), `kafka-${kafka}`, 'lib')
    if (server.pid === null || !existsSync(jars))
      throw new BenchError(
        'Debezium needs Java 17 and Maven, and must not run in Docker, because its processes are measured',
      )
    launches += 1
    const running = await startConnect(servers, {
      jars,
      directory: join(servers.directory, `connect-${launches}`),
      broker: server.address,
      group: `bench-connect-${launches}`,
      plugins: await fetchDebezium(),
      heapMiB: 2048,
      logLevel: 'WARN',
    })
    return new ConnectPeer(running.process, running.rest, server)
  }

  /** Returns the usage of Connect and its broker; the peak is the sum of both peaks. */
  usage(): TreeUsage {
    const trees = [this.#process.pid, this.#kafka.pid ?? -1].map(treeUsage)
    const sum = (pick: (tree: TreeUsage) => number): number => trees.reduce((total, tree) => total + pick(tree), 0)
    return {
      cpuSeconds: sum((tree) => tree.cpuSeconds),
      rssBytes: sum((tree) => tree.rssBytes),
      peakRssBytes: sum((tree) => tree.peakRssBytes),
    }
  }

  async stop(): Promise<void> {
    await this.#process.stop()
  }
}

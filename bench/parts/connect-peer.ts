import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../src/foundation/clock.ts'
import { Cache, cacheDirectory } from '../../src/servers/cache.ts'
import { findBinary, lastLines, run } from '../../src/servers/process/command.ts'
import { freePort } from '../../src/servers/process/port.ts'
import type { Server } from '../../src/servers/process/server.ts'
import type { Servers } from '../../src/servers/servers.ts'
import type { WatchedProcess } from '../../src/servers/process/watchdog.ts'
import { BenchError } from './bench-error.ts'
import { ConnectorRest } from './connector-rest.ts'
import { treeUsage, type TreeUsage } from './process-tree.ts'

const debezium = '3.2.3.Final'
const kafka = '3.9.1'
const launchTimeoutMs = 120_000

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
    await pluginDirectory()
  }

  /** Launches a distributed worker with a heap of 2 GiB and waits for its REST API. Each worker has its own topics. */
  static async launch(servers: Servers, server: Server): Promise<ConnectPeer> {
    const jars = join(cacheDirectory(), `kafka-${kafka}`, 'lib')
    const java = findBinary('java')
    if (server.pid === null || java === null || !existsSync(jars))
      throw new BenchError(
        'Debezium needs Java 17 and Maven, and must not run in Docker, because its processes are measured',
      )
    launches += 1
    const directory = join(servers.directory, `connect-${launches}`)
    mkdirSync(directory)
    const rest = `http://127.0.0.1:${await freePort()}`
    const plugins = await pluginDirectory()
    writeFileSync(join(directory, 'connect.properties'), properties(server.address, rest, plugins))
    writeFileSync(join(directory, 'log4j.properties'), logging)
    const running = await servers.run({
      command: java,
      args: [
        '-Xmx2g',
        '-server',
        '-XX:+UseG1GC',
        '-Dlog4j.configuration=file:log4j.properties',
        '-cp',
        `${jars}/*`,
        'org.apache.kafka.connect.cli.ConnectDistributed',
        'connect.properties',
      ],
      cwd: directory,
      env: { PATH: process.env['PATH'] ?? '', HOME: directory },
      account: null,
      logFile: join(directory, 'connect.log'),
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 20_000,
    })
    await responding(running, rest, join(directory, 'connect.log'))
    return new ConnectPeer(running, rest, server)
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

async function responding(running: WatchedProcess, rest: string, log: string): Promise<void> {
  const ended = running.exited.then((how) => `ended with ${how}`)
  const deadline = performance.now() + launchTimeoutMs
  let how = 'does not respond'
  while (performance.now() < deadline) {
    const answer = await fetch(`${rest}/connectors`).catch(() => null)
    await answer?.arrayBuffer()
    if (answer?.ok === true) return
    how = await Promise.race([ended, delay(20, 'does not respond')])
    if (how !== 'does not respond') break
  }
  throw new BenchError(`Kafka Connect ${how}. The end of its log:\n${lastLines(readFileSync(log, 'utf8'))}`)
}

function properties(broker: string, rest: string, plugins: string): string {
  const json = 'org.apache.kafka.connect.json.JsonConverter'
  const all = {
    'bootstrap.servers': broker,
    'group.id': `bench-connect-${launches}`,
    'key.converter': json,
    'value.converter': json,
    'key.converter.schemas.enable': 'false',
    'value.converter.schemas.enable': 'false',
    'offset.storage.topic': `bench-connect-${launches}-offsets`,
    'offset.storage.replication.factor': '1',
    'config.storage.topic': `bench-connect-${launches}-configs`,
    'config.storage.replication.factor': '1',
    'status.storage.topic': `bench-connect-${launches}-status`,
    'status.storage.replication.factor': '1',
    listeners: rest,
    'plugin.path': plugins,
    'connector.client.config.override.policy': 'All',
  }
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

const logging = `log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
`

function pluginDirectory(): Promise<string> {
  return new Cache(cacheDirectory(), systemClock).get(
    `debezium-${debezium}`,
    AbortSignal.timeout(600_000),
    async (directory) => {
      const mvn = findBinary('mvn')
      if (mvn === null) throw new BenchError('Debezium needs Maven: there is no mvn on PATH')
      const downloads = join(directory, 'download')
      mkdirSync(downloads)
      const artifact = `io.debezium:debezium-connector-postgres:${debezium}:tar.gz:plugin`
      await run(mvn, [
        '-q',
        '-B',
        'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy',
        `-Dartifact=${artifact}`,
        `-DoutputDirectory=${downloads}`,
      ])
      const archive = join(downloads, `debezium-connector-postgres-${debezium}-plugin.tar.gz`)
      await run('tar', ['xzf', archive, '-C', directory])
      rmSync(downloads, { recursive: true })
    },
  )
}

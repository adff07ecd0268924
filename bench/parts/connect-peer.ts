import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Cache, cacheFolder } from '../../src/servers/cache.ts'
import { systemClock } from '../../src/foundation/clock.ts'
import { BenchError, freePort } from './worker.ts'

const execute = promisify(execFile)
const debezium = '3.2.3.Final'
const kafka = '3.9.1'

/** Kafka Connect with Debezium, on a Kafka broker that runs already: the incumbent. */
export class ConnectPeer {
  readonly rest: string
  readonly pids: readonly number[]
  readonly #process: ChildProcess
  readonly #folder: string

  private constructor(child: ChildProcess, rest: string, folder: string, broker: string) {
    this.#process = child
    this.#folder = folder
    this.rest = rest
    this.pids = [child.pid ?? -1, ...pidsOf('kafka.Kafka', broker)]
  }

  /** Fetches the connector by Maven once, then launches one distributed worker with a heap of 2 GiB. */
  static async launch(broker: string, settings: Readonly<Record<string, string>>): Promise<ConnectPeer> {
    const cache = new Cache(cacheFolder(), systemClock)
    const signal = AbortSignal.timeout(600_000)
    const plugins = await cache.get(`debezium-${debezium}`, signal, fetchDebezium)
    const jars = join(cache.folder, `kafka-${kafka}`, 'lib')
    if (!existsSync(jars))
      throw new BenchError(
        'the incumbent needs the Maven artifacts of Kafka: run without Docker, with Java 17 and Maven',
      )
    const folder = mkdtempSync(join(tmpdir(), 'penstock-connect-'))
    const rest = `http://127.0.0.1:${await freePort()}`
    writeFileSync(join(folder, 'connect.properties'), propertiesOf(broker, rest, plugins, settings))
    writeFileSync(
      join(folder, 'log4j.properties'),
      'log4j.rootLogger=WARN, out\nlog4j.appender.out=org.apache.log4j.FileAppender\nlog4j.appender.out.File=connect.log\nlog4j.appender.out.layout=org.apache.log4j.SimpleLayout\n',
    )
    const child = spawn(
      'java',
      [
        '-Xmx2g',
        '-server',
        '-XX:+UseG1GC',
        '-Dlog4j.configuration=file:log4j.properties',
        '-cp',
        `${jars}/*`,
        'org.apache.kafka.connect.cli.ConnectDistributed',
        'connect.properties',
      ],
      { cwd: folder, stdio: 'ignore' },
    )
    for (;;) {
      if (child.exitCode !== null)
        throw new BenchError(`Kafka Connect ended with ${child.exitCode}: see ${folder}/connect.log`)
      try {
        if ((await fetch(`${rest}/connectors`)).ok) return new ConnectPeer(child, rest, folder, broker)
      } catch {
        await delay(50)
      }
    }
  }

  async create(name: string, config: Readonly<Record<string, string>>): Promise<void> {
    const answer = await fetch(`${this.rest}/connectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, config }),
    })
    if (!answer.ok)
      throw new BenchError(`connector ${name} of Kafka Connect: HTTP ${answer.status} ${await answer.text()}`)
  }

  async remove(name: string): Promise<void> {
    await fetch(`${this.rest}/connectors/${name}`, { method: 'DELETE' })
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGTERM')
    await once(this.#process, 'exit')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function propertiesOf(broker: string, rest: string, plugins: string, more: Readonly<Record<string, string>>): string {
  const json = 'org.apache.kafka.connect.json.JsonConverter'
  const all = {
    'bootstrap.servers': broker,
    'group.id': 'bench-connect',
    'key.converter': json,
    'value.converter': json,
    'key.converter.schemas.enable': 'false',
    'value.converter.schemas.enable': 'false',
    'offset.storage.topic': 'bench-connect-offsets',
    'offset.storage.replication.factor': '1',
    'config.storage.topic': 'bench-connect-configs',
    'config.storage.replication.factor': '1',
    'status.storage.topic': 'bench-connect-status',
    'status.storage.replication.factor': '1',
    listeners: rest,
    'plugin.path': plugins,
    'connector.client.config.override.policy': 'All',
    ...more,
  }
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

async function fetchDebezium(folder: string): Promise<void> {
  const downloads = join(folder, 'download')
  mkdirSync(downloads)
  const artifact = `io.debezium:debezium-connector-postgres:${debezium}:tar.gz:plugin`
  await execute('mvn', [
    '-q',
    '-B',
    'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy',
    `-Dartifact=${artifact}`,
    `-DoutputDirectory=${downloads}`,
  ])
  await execute('tar', ['xzf', join(downloads, `debezium-connector-postgres-${debezium}-plugin.tar.gz`), '-C', folder])
  rmSync(downloads, { recursive: true })
}

/** Processes whose command line names a class and whose properties name the broker's port. */
function pidsOf(className: string, broker: string): readonly number[] {
  const port = broker.slice(broker.lastIndexOf(':') + 1)
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        const at = command.indexOf(className)
        const properties = command[at + 1]
        return at > 0 && properties !== undefined && readFileSync(properties, 'utf8').includes(`:${port}`)
      } catch {
        return false
      }
    })
}

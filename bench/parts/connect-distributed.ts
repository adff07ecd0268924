import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { findBinary, lastLines } from '../../src/servers/process/command.ts'
import { freePort } from '../../src/servers/process/port.ts'
import type { WatchedProcess } from '../../src/servers/process/watchdog.ts'
import type { Servers } from '../../src/servers/servers.ts'
import { BenchError } from './bench-error.ts'
import { kafkaSettings } from './kafka-settings.ts'

const launchTimeoutMs = 120_000

/** How to run a worker. */
export interface ConnectOptions {
  /** The directory of Kafka's jars. */
  readonly jars: string
  /** A directory for its files, which does not exist yet. */
  readonly directory: string
  /** `host:port` of its broker. */
  readonly broker: string
  /** Its group, and the prefix of its topics: `<group>-configs`, `-offsets` and `-status`. */
  readonly group: string
  /** Its `plugin.path`. */
  readonly plugins: string
  readonly heapMiB: number
  /** More options of the JVM. */
  readonly jvm?: readonly string[]
  readonly logLevel: 'INFO' | 'WARN'
  /** Worker options that take precedence. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A worker whose REST API responds. */
export interface RunningConnect {
  readonly process: WatchedProcess
  /** The URL of its REST API. */
  readonly rest: string
  readonly logFile: string
}

/**
 * Starts a distributed worker of Kafka Connect and waits for its REST API. It joins its group later.
 * @throws BenchError with the end of its log if it does not start.
 */
export async function startConnect(servers: Servers, options: ConnectOptions): Promise<RunningConnect> {
  const java = findBinary('java')
  if (java === null) throw new BenchError('Kafka Connect needs Java 17: there is no java on PATH')
  const { jars, directory } = options
  mkdirSync(directory)
  const rest = `http://127.0.0.1:${await freePort()}`
  const logFile = join(directory, 'connect.log')
  writeFileSync(join(directory, 'connect.properties'), properties(options, rest))
  writeFileSync(join(directory, 'log4j.properties'), `log4j.rootLogger=${options.logLevel}, out\n${appender}`)
  const running = await servers.run({
    command: java,
    args: [
      `-Xmx${options.heapMiB}m`,
      '-server',
      '-XX:+UseG1GC',
      ...(options.jvm ?? []),
      '-Dlog4j.configuration=file:log4j.properties',
      '-cp',
      `${jars}/*`,
      'org.apache.kafka.connect.cli.ConnectDistributed',
      'connect.properties',
    ],
    cwd: directory,
    env: { PATH: process.env['PATH'] ?? '', HOME: directory },
    account: null,
    logFile,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 20_000,
  })
  await responding(running, rest, logFile)
  return { process: running, rest, logFile }
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

function properties({ broker, group, plugins, settings }: ConnectOptions, rest: string): string {
  const json = 'org.apache.kafka.connect.json.JsonConverter'
  const all = {
    ...kafkaSettings(broker, group),
    'key.converter': json,
    'value.converter': json,
    'key.converter.schemas.enable': 'false',
    'value.converter.schemas.enable': 'false',
    listeners: rest,
    'plugin.path': plugins,
    'connector.client.config.override.policy': 'All',
    ...settings,
  }
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

const appender = `log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
`

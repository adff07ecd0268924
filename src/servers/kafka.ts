import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'

import { run } from './process/command.ts'
import { startContainer } from './docker.ts'
import { copyJars, findJava } from './java.ts'
import { freePorts } from './process/port.ts'
import { StartedServer, type FetchContext, type Server, type ServerContext } from './process/server.ts'
import { ServerError } from './server-error.ts'
import { firstWay } from './ways.ts'

/** How to start Kafka. */
export interface KafkaOptions {
  readonly directory: string
  readonly port?: number | null
  readonly heapMiB?: number
  /** Settings for server.properties, which take precedence. */
  readonly settings?: Readonly<Record<string, string>>
}

const version = '3.9.1'
const advice = 'Set bootstrap.servers to a running broker, start Docker, or install Java 17 and Maven.'

/** Starts Apache Kafka as a single KRaft node, broker and controller. Its address is `host:port`. */
export function startKafka(context: ServerContext, options: KafkaOptions): Promise<Server> {
  return firstWay('Apache Kafka', advice, [
    ['Docker', () => startInDocker(context, options)],
    ['Maven', () => startFromMaven(context, options)],
  ])
}

function settings(port: number, controller: number, host: string): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://${host}:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
  }
}

async function startInDocker(context: ServerContext, options: KafkaOptions): Promise<Server> {
  const [port] = await freePorts([options.port ?? null])
  if (port === undefined) throw new ServerError('no free port')
  const asVariable = (key: string): string => `KAFKA_${key.replaceAll('.', '_').toUpperCase()}`
  return startContainer(context, {
    kind: 'kafka',
    title: `Apache Kafka ${version}`,
    directory: options.directory,
    hostPort: port,
    containerPort: port,
    env: (chosen) =>
      Object.fromEntries(
        Object.entries({ ...settings(chosen, 19093, '0.0.0.0'), ...options.settings }).map(([key, value]) => [
          asVariable(key),
          value,
        ]),
      ),
    args: [],
    address: (chosen) => `127.0.0.1:${chosen}`,
    probe: respondsToKafka,
  })
}

async function startFromMaven(context: ServerContext, options: KafkaOptions): Promise<Server> {
  const java = await findJava(context, 17)
  const jars = await fetchKafka(context)
  mkdirSync(options.directory, { recursive: true })
  const [port, controller] = await freePorts([options.port ?? null, null])
  if (port === undefined || controller === undefined) throw new ServerError('no free port')
  const data = join(options.directory, 'data')
  const all = { ...settings(port, controller, '127.0.0.1'), 'log.dirs': data, ...options.settings }
  const properties = join(options.directory, 'server.properties')
  writeFileSync(
    properties,
    Object.entries(all)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
  const logging = join(options.directory, 'log4j.properties')
  writeFileSync(logging, loggingConfiguration)
  const classPath = ['-cp', `${jars}/*`, `-Dlog4j.configuration=file:${logging}`]
  if (!existsSync(join(data, 'meta.properties'))) {
    const format = ['kafka.tools.StorageTool', 'format', '-t', randomClusterId(), '-c', properties]
    await run(java, [...classPath, ...format], { cwd: options.directory, signal: context.signal })
  }
  const heap = options.heapMiB ?? 512
  const server = new StartedServer(context, {
    kind: 'kafka',
    address: `127.0.0.1:${port}`,
    description: `Apache Kafka ${version} (Maven artifacts)`,
    order: {
      command: java,
      args: [
        `-Xmx${heap}m`,
        '-server',
        '-XX:+UseG1GC',
        '-Djava.awt.headless=true',
        ...classPath,
        'kafka.Kafka',
        properties,
      ],
      cwd: options.directory,
      env: { PATH: context.env['PATH'] ?? '', HOME: options.directory },
      account: null,
      logFile: join(options.directory, 'kafka.log'),
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 20_000,
    },
    readyTimeoutMs: 60_000,
    probe: respondsToKafka(`127.0.0.1:${port}`),
  })
  await server.start()
  return server
}

const loggingConfiguration = `log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
`

/** Returns the directory of Kafka's jars: broker, command-line tools and Connect. They are downloaded once. */
export async function fetchKafka(context: FetchContext): Promise<string> {
  const directory = await context.cache.get(`kafka-${version}`, context.signal, async (staging) => {
    context.report({ kind: 'kafka', doing: `downloading Apache Kafka ${version} (56 MB, once)` })
    const kafka = ['kafka_2.13', 'kafka-tools', 'connect-runtime'].map((artifact) =>
      dependency('org.apache.kafka', artifact, version),
    )
    const all = [...kafka, dependency('org.slf4j', 'slf4j-reload4j', '1.7.36')].join('')
    const pom = join(staging, 'pom.xml')
    writeFileSync(
      pom,
      `<project><modelVersion>4.0.0</modelVersion><groupId>penstock</groupId><artifactId>kafka</artifactId><version>1</version>` +
        `<packaging>pom</packaging><dependencies>${all}</dependencies></project>`,
    )
    const lib = join(staging, 'lib')
    mkdirSync(lib)
    await copyJars(context, pom, lib)
  })
  return join(directory, 'lib')
}

const dependency = (group: string, artifact: string, wanted: string): string =>
  `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${wanted}</version></dependency>`

/** Returns whether a broker responds to ApiVersions version 0, which every broker supports. */
export const respondsToKafka =
  (address: string) =>
  async (signal: AbortSignal): Promise<boolean> => {
    const [host = '', port = ''] = address.split(':')
    const request = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0, 0])
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port: Number(port), signal })
      socket.once('error', reject)
      socket.once('close', () => resolve(false))
      socket.once('connect', () => socket.write(request))
      socket.once('data', (response) => {
        resolve(response.readInt32BE(4) === 1)
        socket.destroy()
      })
    })
  }

/** As Kafka's own ids: one that begins with a dash would be an option for the tool that formats the directory. */
export function randomClusterId(): string {
  return randomBytes(16).toString('base64url').replace(/^-/, '_')
}

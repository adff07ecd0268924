import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { isOpenToOthers, ownedDirectory, serverAccount } from './account.ts'
import { startContainer } from './docker.ts'
import { findJava, unpackArtifact } from './java.ts'
import { freePorts } from './process/port.ts'
import { StartedServer, type Server, type ServerContext } from './process/server.ts'
import { ServerError } from './server-error.ts'
import { firstWay } from './ways.ts'

/** How to start Elasticsearch. */
export interface ElasticsearchOptions {
  readonly directory: string
  readonly port?: number | null
  /** Heap of the server's JVM, in MiB. */
  readonly heapMiB?: number
}

const version = '8.19.21'
const advice = 'Set PENSTOCK_ELASTICSEARCH_URL to a running one, start Docker, or install Java 17 and Maven.'

/**
 * Starts a single-node Elasticsearch without security, in Docker, or else the build that Elastic publishes for integration
 * tests. That build has no Painless, no reindex and no ingest processors, and responds to `GET /` with 405. Penstock must not
 * need `GET /` anyway: proxies and API keys with few privileges reject it too.
 */
export function startElasticsearch(context: ServerContext, options: ElasticsearchOptions): Promise<Server> {
  return firstWay('Elasticsearch', advice, [
    ['Docker', () => startInDocker(context, options)],
    ['Maven', () => startFromMaven(context, options)],
  ])
}

const healthy = (address: string) => async (signal: AbortSignal) => {
  const response = await fetch(`${address}/_cluster/health`, { signal })
  const { status } = (await response.json()) as { status?: string }
  return status === 'green' || status === 'yellow'
}

async function startInDocker(context: ServerContext, options: ElasticsearchOptions): Promise<Server> {
  const heap = `${options.heapMiB ?? 512}m`
  return startContainer(context, {
    kind: 'elasticsearch',
    title: 'Elasticsearch',
    directory: options.directory,
    hostPort: options.port ?? null,
    containerPort: 9200,
    env: () => ({
      'discovery.type': 'single-node',
      'xpack.security.enabled': 'false',
      ES_JAVA_OPTS: `-Xms${heap} -Xmx${heap}`,
    }),
    args: [],
    address: (port) => `http://127.0.0.1:${port}`,
    probe: healthy,
  })
}

async function startFromMaven(context: ServerContext, options: ElasticsearchOptions): Promise<Server> {
  const java = await findJava(context, 17)
  const account = serverAccount()
  if (account !== null && !isOpenToOthers(dirname(options.directory))) {
    throw new ServerError(`it does not run as root, and its account has no access to ${dirname(options.directory)}`)
  }
  const unpacked = await context.cache.get(`elasticsearch-${version}`, context.signal, async (staging) => {
    context.report({ kind: 'elasticsearch', doing: `downloading Elasticsearch ${version} (107 MB, once)` })
    await unpackArtifact(context, `org.elasticsearch.distribution.integ-test-zip:elasticsearch:${version}:zip`, staging)
  })
  const home = join(unpacked, `elasticsearch-${version}`)
  const [port, transport] = await freePorts([options.port ?? null, null])
  if (port === undefined || transport === undefined) throw new ServerError('no free port')
  writeConfiguration(home, options, port, transport)
  ownedDirectory(options.directory, account)
  context.report({ kind: 'elasticsearch', doing: 'starting Elasticsearch' })
  const address = `http://127.0.0.1:${port}`
  const server = new StartedServer(context, {
    kind: 'elasticsearch',
    address,
    description: `Elasticsearch ${version} (Maven artifact)`,
    order: {
      ...launch(java, home, options.directory, context),
      account,
      logFile: join(options.directory, 'elasticsearch.log'),
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 20_000,
    },
    readyTimeoutMs: 180_000,
    probe: healthy(address),
  })
  await server.start()
  return server
}

function launch(java: string, home: string, directory: string, context: ServerContext) {
  const temporary = join(directory, 'tmp')
  return {
    command: java,
    args: [
      '-Xms4m',
      '-Xmx64m',
      '-XX:+UseSerialGC',
      `-Djava.io.tmpdir=${temporary}`,
      '-Dcli.name=server',
      `-Dcli.script=${home}/bin/elasticsearch`,
      '-Dcli.libs=lib/tools/server-cli',
      `-Des.path.home=${home}`,
      `-Des.path.conf=${directory}/config`,
      '-Des.distribution.type=tar',
      '-Des.java.type=',
      '-cp',
      `${home}/lib/*:${home}/lib/cli-launcher/*`,
      'org.elasticsearch.launcher.CliToolLauncher',
    ],
    // The launcher uses its working directory as the home of Elasticsearch.
    cwd: home,
    env: {
      PATH: context.env['PATH'] ?? '',
      HOME: directory,
      ES_TMPDIR: temporary,
      LIBFFI_TMPDIR: temporary,
      ES_JAVA_HOME: dirname(dirname(java)),
      JAVA_HOME: dirname(dirname(java)),
    },
  }
}

function writeConfiguration(home: string, options: ElasticsearchOptions, port: number, transport: number): void {
  const { directory, heapMiB = 512 } = options
  for (const name of ['config', 'data', 'logs', 'tmp']) mkdirSync(join(directory, name), { recursive: true })
  for (const name of ['log4j2.properties', 'roles.yml', 'users', 'users_roles', 'role_mapping.yml']) {
    const source = join(home, 'config', name)
    if (existsSync(source)) copyFileSync(source, join(directory, 'config', name))
  }
  const settings = {
    'discovery.type': 'single-node',
    'http.host': '127.0.0.1',
    'http.port': port,
    'transport.host': '127.0.0.1',
    'transport.port': transport,
    'path.data': join(directory, 'data'),
    'path.logs': join(directory, 'logs'),
    'action.destructive_requires_name': false,
    'cluster.routing.allocation.disk.threshold_enabled': false,
    ...(existsSync(join(home, 'modules/x-pack-security'))
      ? { 'xpack.security.enabled': false, 'xpack.security.autoconfiguration.enabled': false }
      : {}),
  }
  const yaml = Object.entries(settings).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
  writeFileSync(join(directory, 'config/elasticsearch.yml'), yaml.join(''))
  const jvm = [
    `-Xms${heapMiB}m`,
    `-Xmx${heapMiB}m`,
    '-XX:+UseG1GC',
    `-Djava.io.tmpdir=${directory}/tmp`,
    '-XX:+ExitOnOutOfMemoryError',
  ]
  jvm.push(
    `-XX:ErrorFile=${directory}/logs/hs_err_pid%p.log`,
    '-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1',
  )
  writeFileSync(join(directory, 'config/jvm.options'), `${jvm.join('\n')}\n`)
}

import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { isOpenToOthers, ownedDirectory, serverAccount } from '../account.ts'
import { startContainer } from '../docker.ts'
import { unpackArtifact } from '../java.ts'
import { freePorts } from '../process/port.ts'
import { StartedServer, type Server, type ServerContext } from '../process/server.ts'
import { ServerError } from '../server-error.ts'
import { firstWay } from '../ways.ts'
import { elasticsearchBuilds, type ElasticsearchBuild } from './builds.ts'
import { healthy } from './health.ts'
import { javaFor } from './newer-java.ts'
import { makeModulesOptional } from './optional-modules.ts'

/** How to start Elasticsearch. */
export interface ElasticsearchOptions {
  readonly directory: string
  readonly port?: number | null
  /** Heap of the server's JVM, in MiB. */
  readonly heapMiB?: number
}

const advice = 'Set PENSTOCK_ELASTICSEARCH_URL to a running one, start Docker, or install Java 17 and Maven.'

/**
 * Starts a single-node Elasticsearch without security, in Docker, or else the build that Elastic publishes for integration
 * tests. That build has no Painless, no reindex and no ingest processors, and responds to `GET /` with 405. Penstock must not
 * need `GET /` anyway: proxies and API keys with few privileges reject it too.
 */
export function startElasticsearch(context: ServerContext, options: ElasticsearchOptions): Promise<Server> {
  return firstWay('Elasticsearch', advice, [
    ['Docker', () => startInDocker(context, options)],
    ['Maven', () => startElasticsearchBuild(context, elasticsearchBuilds[8], options)],
  ])
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

/** Starts a single node of this build without security. */
export async function startElasticsearchBuild(
  context: ServerContext,
  build: ElasticsearchBuild,
  options: ElasticsearchOptions,
): Promise<Server> {
  const { version } = build
  const { directory } = options
  const java = await javaFor(context, build.java)
  const account = serverAccount()
  if (account !== null && !isOpenToOthers(dirname(directory)))
    throw new ServerError(`it does not run as root, and its account has no access to ${dirname(directory)}`)
  const home = await homeOf(context, build)
  const [port, transport] = await freePorts([options.port ?? null, null])
  if (port === undefined || transport === undefined) throw new ServerError('no free port')
  writeConfiguration({ home, build, options, port, transport })
  ownedDirectory(directory, account)
  context.report({ kind: 'elasticsearch', doing: `starting Elasticsearch ${version}` })
  const address = `http://127.0.0.1:${port}`
  const temporary = join(directory, 'tmp')
  const javaHome = dirname(dirname(java))
  const server = new StartedServer(context, {
    kind: 'elasticsearch',
    address,
    description: `Elasticsearch ${version} (Maven artifact)`,
    order: {
      command: java,
      args: argumentsOf(build, home, options),
      // The launcher uses its working directory as the home of Elasticsearch.
      cwd: home,
      env: {
        PATH: context.env['PATH'] ?? '',
        HOME: directory,
        ES_TMPDIR: temporary,
        LIBFFI_TMPDIR: temporary,
        ES_JAVA_HOME: javaHome,
        JAVA_HOME: javaHome,
        ...(build.launch === 'launcher' ? launcherVariables(java, home, directory) : {}),
      },
      account,
      logFile: join(directory, 'elasticsearch.log'),
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 20_000,
    },
    readyTimeoutMs: 180_000,
    probe: healthy(address),
  })
  await server.start()
  return server
}

async function homeOf(context: ServerContext, build: ElasticsearchBuild): Promise<string> {
  const { version, artifact, size, includes } = build
  const unpacked = await context.cache.get(`elasticsearch-${version}`, context.signal, async (staging) => {
    context.report({ kind: 'elasticsearch', doing: `downloading Elasticsearch ${version} (${size}, once)` })
    await unpackArtifact(context, artifact, staging, includes)
    if (build.launch === 'launcher') fitToSmallRuntime(join(staging, build.home))
  })
  return join(unpacked, build.home)
}

/** The runtime that {@link javaFor} downloads has not all modules of a JDK. */
function fitToSmallRuntime(home: string): void {
  const jar = readdirSync(join(home, 'lib')).find((name) => /^elasticsearch-entitlement-9.*[.]jar$/.test(name))
  if (jar === undefined) throw new ServerError(`${home}/lib has no elasticsearch-entitlement`)
  makeModulesOptional(join(home, 'lib', jar), new Set(['jdk.jdi', 'jdk.jlink']))
  rmSync(join(home, 'modules/analysis-common'), { recursive: true, force: true })
}

const smallJvm = ['-Xms4m', '-Xmx64m', '-XX:+UseSerialGC']

function argumentsOf(build: ElasticsearchBuild, home: string, options: ElasticsearchOptions): readonly string[] {
  const { directory, heapMiB = 512 } = options
  const temporary = `-Djava.io.tmpdir=${join(directory, 'tmp')}`
  const places = [`-Des.path.home=${home}`, `-Des.path.conf=${directory}/config`, '-Des.distribution.type=tar']
  switch (build.launch) {
    case 'server':
      return [
        `-Xms${heapMiB}m`,
        `-Xmx${heapMiB}m`,
        temporary,
        '-Dfile.encoding=UTF-8',
        '-Djava.security.manager=allow',
        '-Dlog4j2.disable.jmx=true',
        '-Dlog4j.shutdownHookEnabled=false',
        '-Djna.nosys=true',
        '-Dio.netty.noUnsafe=true',
        '-Dio.netty.recycler.maxCapacityPerThread=0',
        '--add-opens=java.base/java.io=ALL-UNNAMED',
        ...places,
        '-Des.distribution.flavor=default',
        '-Des.bundled_jdk=false',
        '-cp',
        `${home}/lib/*`,
        'org.elasticsearch.bootstrap.Elasticsearch',
      ]
    case 'cli':
      return [
        ...smallJvm,
        temporary,
        '-Dcli.name=server',
        `-Dcli.script=${home}/bin/elasticsearch`,
        '-Dcli.libs=lib/tools/server-cli',
        ...places,
        '-Des.java.type=',
        '-cp',
        `${home}/lib/*:${home}/lib/cli-launcher/*`,
        'org.elasticsearch.launcher.CliToolLauncher',
      ]
    case 'launcher':
      return [
        ...smallJvm,
        '-cp',
        `${home}/lib/tools/server-launcher/*`,
        'org.elasticsearch.server.launcher.ServerLauncher',
      ]
  }
}

function launcherVariables(java: string, home: string, directory: string): Record<string, string> {
  return {
    JAVA: java,
    JAVA_TYPE: 'ES_JAVA_HOME',
    ES_HOME: home,
    ES_PATH_CONF: join(directory, 'config'),
    ES_DISTRIBUTION_TYPE: 'tar',
    CLI_JAVA_OPTS: smallJvm.join(' '),
  }
}

interface Configured {
  readonly home: string
  readonly build: ElasticsearchBuild
  readonly options: ElasticsearchOptions
  readonly port: number
  readonly transport: number
}

function writeConfiguration({ home, build, options, port, transport }: Configured): void {
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
      ? {
          'xpack.security.enabled': false,
          // 7 does not know it.
          ...(build.launch === 'server' ? {} : { 'xpack.security.autoconfiguration.enabled': false }),
        }
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

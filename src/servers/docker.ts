import { errorMessage } from '../foundation/error-message.ts'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { parse } from 'yaml'

import { findBinary, run } from './process/command.ts'
import { freePort } from './process/port.ts'
import { StartedServer, type Server, type ServerContext, type ServerKind, type ServerPlan } from './process/server.ts'
import { ServerError } from './server-error.ts'

/** A server in Docker. Its image is the one in docker-compose.yml. */
export interface ContainerOptions {
  /** Also the name of the service in docker-compose.yml. */
  readonly kind: ServerKind
  readonly title: string
  readonly directory: string
  readonly hostPort: number | null
  readonly containerPort: number
  /** @param port the port on this machine. */
  readonly env: (port: number) => Readonly<Record<string, string>>
  readonly args: readonly string[]
  readonly address: (port: number) => string
  readonly probe: (address: string) => ServerPlan['probe']
}

/** Creates a container and attaches to it, so that it ends with our process. @throws ServerError if there is no Docker engine. */
export async function startContainer(context: ServerContext, options: ContainerOptions): Promise<Server> {
  const docker = await findEngine(context)
  const image = composeImage(options.kind)
  const port = await freePort(options.hostPort)
  const name = `penstock-${options.kind}-${process.pid}-${port}`
  mkdirSync(options.directory, { recursive: true })
  const publish = ['--publish', `127.0.0.1:${port}:${options.containerPort}`]
  const env = Object.entries(options.env(port)).flatMap(([key, value]) => ['--env', `${key}=${value}`])
  context.report({ kind: options.kind, doing: `starting ${options.title} in Docker (${image})` })
  await run(docker, ['create', '--name', name, ...publish, ...env, image, ...options.args], {
    signal: context.signal,
    env: context.env,
  })
  context.watchdog.runAtEnd(docker, ['rm', '--force', '--volumes', name])
  const address = options.address(port)
  const server = new StartedServer(context, {
    kind: options.kind,
    address,
    description: `${options.title} (${image} in Docker)`,
    order: {
      command: docker,
      // Attached, so that signals reach the container; its data is kept for the next start.
      args: ['start', '--attach', name],
      cwd: options.directory,
      env: Object.fromEntries(
        Object.entries(context.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
      account: null,
      logFile: join(options.directory, `${options.kind}.log`),
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 30_000,
    },
    readyTimeoutMs: 180_000,
    probe: options.probe(address),
  })
  await server.start()
  return server
}

async function findEngine(context: ServerContext): Promise<string> {
  const docker = findBinary('docker', (context.env['PATH'] ?? '').split(':'))
  if (docker === null) throw new ServerError('no docker on PATH')
  try {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(10_000)])
    await run(docker, ['version', '--format', '{{.Server.Version}}'], { signal, env: context.env })
  } catch (error) {
    throw new ServerError(`the Docker engine does not respond (${errorMessage(error).split('\n').at(-1)})`, {
      cause: error,
    })
  }
  return docker
}

/** Returns the image of a service in docker-compose.yml. */
export function composeImage(service: string): string {
  const directories = ['../../', '../../../'].map((up) =>
    fileURLToPath(new URL(`${up}docker-compose.yml`, import.meta.url)),
  )
  const path = directories.find((each) => existsSync(each))
  if (path === undefined) throw new ServerError('docker-compose.yml is missing')
  const { services } = parse(readFileSync(path, 'utf8')) as { services: Record<string, { image?: string }> }
  const image = services[service]?.image
  if (image === undefined) throw new ServerError(`docker-compose.yml has no image for ${service}`)
  return image
}

import { join } from 'node:path'

import { ownedDirectory } from './account.ts'
import { findBinary, run } from './process/command.ts'
import { startContainer } from './docker.ts'
import { freePorts } from './process/port.ts'
import { StartedServer, type Server, type ServerContext } from './process/server.ts'
import { ServerError } from './server-error.ts'
import { firstWay } from './ways.ts'

/** The S3 stores: versitygw is small and quick to build, MinIO is widely used. */
export type StoreKind = 'versitygw' | 'minio'

/** How to start an S3 store. */
export interface StoreOptions {
  readonly kind: StoreKind
  readonly directory: string
  readonly port?: number | null
}

const accessKey = 'penstock'
const secretKey = 'penstock-secret'

interface StoreFacts {
  readonly title: string
  readonly version: string
  readonly module: string
  readonly building: string
  readonly containerPort: number
  /** Arguments of the binary and of the image. */
  readonly args: (listen: string, console: string, data: string) => string[]
  readonly env: Readonly<Record<string, string>>
}

const stores: Readonly<Record<StoreKind, StoreFacts>> = {
  versitygw: {
    title: 'versitygw',
    version: '1.7.0',
    module: 'github.com/versity/versitygw/cmd/versitygw@v1.7.0',
    building: 'building versitygw 1.7.0 (about a minute, once)',
    containerPort: 7070,
    args: (listen, _console, data) => ['--port', listen, 'posix', data],
    env: { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
  },
  minio: {
    title: 'MinIO',
    version: '2025-09-07',
    module: 'github.com/minio/minio@v0.0.0-20250907161309-07c3a429bfed',
    building: 'building MinIO 2025-09-07 (about three minutes, once)',
    containerPort: 9000,
    args: (listen, console, data) => ['server', '--address', listen, '--console-address', console, data],
    env: { MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey, MINIO_BROWSER: 'off' },
  },
}

/** Starts an S3 store in Docker, or else builds it with Go. User and password of its address are its keys. */
export function startStore(context: ServerContext, options: StoreOptions): Promise<Server> {
  const { title } = stores[options.kind]
  const advice = 'Set PENSTOCK_S3_URL (http://key:secret@host:port) to a running S3 store, start Docker, or install Go.'
  return firstWay(title, advice, [
    ['Docker', () => startInDocker(context, options)],
    ['Go', () => startBuilt(context, options)],
  ])
}

const addressAt = (port: number): string => `http://${accessKey}:${secretKey}@127.0.0.1:${port}`

/** Returns whether a server responds to HTTP. An S3 store rejects the unsigned request, which is a response too. */
export const respondsToHttp =
  (address: string) =>
  async (signal: AbortSignal): Promise<boolean> => {
    const { origin } = new URL(address)
    const response = await fetch(origin, { signal })
    return response.status < 500
  }

async function startInDocker(context: ServerContext, options: StoreOptions): Promise<Server> {
  const { title, containerPort, args, env } = stores[options.kind]
  return startContainer(context, {
    kind: options.kind,
    title,
    directory: options.directory,
    hostPort: options.port ?? null,
    containerPort,
    env: () => env,
    args: args(`:${containerPort}`, ':9001', options.kind === 'minio' ? '/data' : '/tmp'),
    address: addressAt,
    probe: respondsToHttp,
  })
}

async function startBuilt(context: ServerContext, options: StoreOptions): Promise<Server> {
  const { title, version, args, env } = stores[options.kind]
  const binary = await build(context, options.kind)
  const data = join(options.directory, 'data')
  ownedDirectory(data, null)
  const [port, console] = await freePorts([options.port ?? null, null])
  if (port === undefined || console === undefined) throw new ServerError('no free port')
  const address = addressAt(port)
  const server = new StartedServer(context, {
    kind: options.kind,
    address,
    description: `${title} ${version} (built with Go)`,
    order: {
      command: binary,
      args: args(`127.0.0.1:${port}`, `127.0.0.1:${console}`, data),
      cwd: options.directory,
      env: { ...env, PATH: context.env['PATH'] ?? '', HOME: options.directory },
      account: null,
      logFile: join(options.directory, `${options.kind}.log`),
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 10_000,
    },
    readyTimeoutMs: 30_000,
    probe: respondsToHttp(address),
  })
  await server.start()
  return server
}

async function build(context: ServerContext, kind: StoreKind): Promise<string> {
  const { version, module, building } = stores[kind]
  const onPath = findBinary(kind, (context.env['PATH'] ?? '').split(':'))
  if (onPath !== null) return onPath
  const directory = await context.cache.get(`${kind}-${version}`, context.signal, async (staging) => {
    const go = findBinary('go')
    if (go === null) throw new ServerError('no go on PATH')
    context.report({ kind, doing: building })
    await run(go, ['install', module], {
      cwd: staging,
      env: { CGO_ENABLED: '0', GOBIN: staging },
      signal: context.signal,
    })
  })
  return join(directory, kind)
}

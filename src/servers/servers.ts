import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { systemClock, type Clock } from '../foundation/clock.ts'
import { serverAccount } from './account.ts'
import { Cache, cacheFolder } from './cache.ts'
import { startElasticsearch } from './elasticsearch.ts'
import { holdFolder } from './process/held-folder.ts'
import { answersKafka, startKafka } from './kafka.ts'
import { answersQueries, startPostgres } from './postgres.ts'
import { answersHttp, startStore } from './s3-store.ts'
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

/** What the servers of one user take from their surroundings, and who hears of them. */
export interface ServersOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly clock?: Clock
  readonly signal?: AbortSignal
  readonly report?: (progress: Progress) => void
}

/** How to have one server. */
export interface ServerOptions {
  /** The address of one that runs already; null: start one. */
  readonly given?: string | null
  /** Preferred; another one is taken when it is in use. */
  readonly port?: number | null
  /** Postgres and Kafka: settings over ours. */
  readonly settings?: Readonly<Record<string, string>>
  /** Tells servers of one kind apart. */
  readonly name?: string
}

/** Real servers, found or started; they stop with us, however we end. */
export class Servers {
  readonly #context: ServerContext
  readonly #folder: string

  private constructor(context: ServerContext, folder: string) {
    this.#context = context
    this.#folder = folder
  }

  /** Servers whose data is in a temporary folder that goes when they stop. */
  static open(options: ServersOptions = {}): Servers {
    const context = contextOf(options)
    const folder = temporaryFolder()
    context.watchdog.removeAtEnd(folder)
    return new Servers(context, folder)
  }

  /**
   * Servers whose data stays in `folder`, which goes to one user at a time: waits until those of the user before have
   * stopped. @throws FolderHeldError when they do not.
   */
  static async keep(folder: string, options: ServersOptions = {}): Promise<Servers> {
    const context = contextOf(options)
    try {
      await holdFolder(folder, context)
    } catch (error) {
      await context.watchdog.close()
      throw error
    }
    return new Servers(context, folder)
  }

  /** A server of that kind that answers. @throws ServerError that says what was tried and how to provide one. */
  async get(kind: ServerKind, options: ServerOptions = {}): Promise<Server> {
    const { given } = options
    if (given !== undefined && given !== null) {
      return givenServer(this.#context, { kind, address: given, description: titles[kind], probe: probes[kind](given) })
    }
    const folder = join(this.#folder, options.name ?? kind)
    const port = options.port ?? null
    const settings = options.settings ?? {}
    switch (kind) {
      case 'postgres':
        return startPostgres(this.#context, { folder, port, settings })
      case 'elasticsearch':
        return startElasticsearch(this.#context, { folder, port })
      case 'kafka':
        return startKafka(this.#context, { folder, port, settings })
      case 'versitygw':
      case 'minio':
        return startStore(this.#context, { kind, folder, port })
    }
  }

  /** Runs any other process that is to end with us. */
  run(order: ProcessOrder): Promise<WatchedProcess> {
    return this.#context.watchdog.start(order)
  }

  /** Where the servers keep their data. */
  get folder(): string {
    return this.#folder
  }

  /** Stops all that was started here and waits for it. */
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
}

const probes: Readonly<Record<ServerKind, (address: string) => ServerPlan['probe']>> = {
  postgres: (address) => () => answersQueries(address),
  elasticsearch: answersHttp,
  versitygw: answersHttp,
  minio: answersHttp,
  kafka: answersKafka,
}

function contextOf(options: ServersOptions): ServerContext {
  const { clock = systemClock, env = process.env } = options
  return {
    cache: new Cache(cacheFolder(env), clock),
    watchdog: Watchdog.open(),
    clock,
    env,
    signal: options.signal ?? new AbortController().signal,
    report: options.report ?? (() => {}),
  }
}

/** Root's servers run as another account, which must be able to pass. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-servers-'))
  if (serverAccount() !== null) chmodSync(folder, 0o755)
  return folder
}

import { rmSync } from 'node:fs'
import { join } from 'node:path'

import { systemClock } from '../foundation/clock.ts'
import { errorMessage } from '../foundation/error-message.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { Progress, Server } from '../servers/process/server.ts'
import { cacheDirectory } from '../servers/cache.ts'
import { Servers } from '../servers/servers.ts'
import { archiveConfig, searchConfig, sourceConfig } from './demo/connectors.ts'
import { describeLeft, type Left } from './consent.ts'
import { describeJourney, followOrder } from './demo/journey.ts'
import { LogWatch } from './demo/log-watch.ts'
import {
  bucket,
  connectors,
  databaseName,
  indices,
  objectsOf,
  publicationName,
  slotName,
  tables,
  topicOf,
} from './demo/names.ts'
import type { Ports, QuickstartOptions } from './options.ts'
import { choosePorts } from './ports.ts'
import type { Report } from './report.ts'
import { Shop } from './demo/shop.ts'
import { Archive, Search } from './demo/targets.ts'
import { QuickstartWorker } from './worker.ts'

const clock = systemClock
const stepTimeoutMs = 180_000
const seconds = (ms: number): string => (ms / 1000).toFixed(1)
const shopName = 'shop'
const grouped = (count: number): string => count.toLocaleString('en-US')

interface RunParts {
  readonly options: QuickstartOptions
  readonly report: Report
  readonly signal: AbortSignal
  readonly servers: Servers
  readonly ports: Ports
}

/** One run of the quickstart, with all servers that it has started. */
export class QuickstartRun {
  readonly #options: QuickstartOptions
  readonly #report: Report
  readonly #signal: AbortSignal
  readonly #servers: Servers
  readonly #ports: Ports
  readonly #stopWriting = new AbortController()
  #worker: QuickstartWorker | null = null
  #shop: Shop | null = null
  #log: LogWatch | null = null
  #writing: Promise<void> = Promise.resolve()
  /** Data that was written to servers that this run did not start. */
  #left: Left = { postgres: false, elasticsearch: false, s3: null }

  private constructor({ options, report, signal, servers, ports }: RunParts) {
    this.#options = options
    this.#report = report
    this.#signal = signal
    this.#servers = servers
    this.#ports = ports
  }

  /** Starts a run, after an earlier run with the same data directory has ended. */
  static async open(options: QuickstartOptions, report: Report, signal: AbortSignal): Promise<QuickstartRun> {
    const { data } = options
    const tell = ({ kind, doing }: Progress): void =>
      report.tell({ event: 'progress', step: stepOf(kind), text: doing })
    const servers =
      data === null
        ? Servers.open({ signal, report: tell })
        : await Servers.keep(join(data, 'servers'), { signal, report: tell })
    try {
      return new QuickstartRun({ options, report, signal, servers, ports: await choosePorts(options) })
    } catch (error) {
      await servers.close()
      throw error
    }
  }

  /** Returns whether all steps succeeded. Each sink is created as soon as the source and its target are ready. */
  async demonstrate(): Promise<boolean> {
    const { postgres, elasticsearch, s3 } = this.#options.given
    const searchServer = this.#startServer('elasticsearch', elasticsearch, this.#ports.elasticsearch)
    const storeServer = this.#startServer('versitygw', s3, this.#ports.s3)
    const shop = await this.#startShop(postgres)
    const worker = await this.#startWorker(shop)
    if (worker === null) return false
    const source = shop === null ? null : await this.#startSource(worker, shop)
    const [searchable, archived] = await Promise.all([
      searchServer.then((server) =>
        server === null || source === null ? null : this.#startSearch(worker, server, source),
      ),
      storeServer.then((server) =>
        server === null || source === null ? null : this.#startArchive(worker, server, source),
      ),
    ])
    this.#signal.throwIfAborted()
    await this.#summarize(worker, searchable?.firstMs ?? null)
    if (shop !== null && source !== null) {
      const parts = { shop, log: source.log, search: searchable?.search ?? null, clock }
      const journey = await followOrder(parts, 42, this.#deadline())
      this.#report.tell({
        event: 'summary',
        text: describeJourney(journey, archived !== null),
        lsn: journey.lsn,
        offset: journey.change.offset,
        logMs: journey.logMs,
        documentMs: journey.documentMs ?? -1,
      })
      this.#writing = shop.keepWriting(clock, AbortSignal.any([this.#signal, this.#stopWriting.signal]))
    }
    this.#hint(worker, source === null ? null : shop, searchable?.search ?? null)
    return searchable !== null && archived !== null
  }

  /** Waits for Ctrl-C. */
  async stay(): Promise<void> {
    this.#report.tell({ event: 'hint', text: 'The shop keeps changing. Press Ctrl-C to stop everything.' })
    await new Promise<void>((resolve) => {
      if (this.#signal.aborted) resolve()
      else this.#signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  /** Stops everything in the order of the data flow, so that nothing fails because a server it depends on has stopped. */
  async close(): Promise<void> {
    this.#stopWriting.abort()
    await this.#writing.catch(() => {}) // the shop's server may be the one that failed
    await this.#log?.close()
    const keep = this.#options.data !== null && this.#options.given.postgres === null
    if (this.#shop !== null && !keep) await this.#worker?.delete(connectors.source).catch(() => {}) // it is stopped below
    await this.#worker?.stop()
    if (this.#shop !== null) await this.#release(this.#shop, keep)
    await this.#servers.close()
    const left = describeLeft(this.#left)
    if (left !== null) this.#report.tell({ event: 'end', text: left })
    const data = this.#options.data === null ? 'Their data was removed' : `Their data is in ${this.#options.data}`
    const text = `All servers of the quickstart have stopped. ${data}. Downloaded servers are kept in ${cacheDirectory()}.`
    this.#report.tell({ event: 'end', text })
  }

  async #release(shop: Shop, keep: boolean): Promise<void> {
    try {
      if (!keep) {
        await shop.dropReplication()
        this.#report.tell({ event: 'end', text: `Dropped slot ${slotName} and publication ${publicationName}.` })
      } else {
        this.#report.tell({
          event: 'end',
          text: `Kept slot ${slotName}: the next run with this directory resumes from it.`,
        })
      }
    } catch (error) {
      this.#report.tell({ event: 'end', text: `Could not drop slot ${slotName}: ${errorMessage(error)}` })
    } finally {
      await shop.close().catch(() => {}) // its server may be gone
    }
  }

  #deadline(): AbortSignal {
    return AbortSignal.any([this.#signal, AbortSignal.timeout(stepTimeoutMs)])
  }

  #startServer(kind: Server['kind'], given: string | null, port: number): Promise<Server | null> {
    return this.#report.step(stepOf(kind), async () => {
      const server = await this.#servers.get(kind, { given, port })
      const { host } = new URL(server.address)
      return { text: `http://${host}  ${server.description}`, value: server }
    })
  }

  #startShop(given: string | null): Promise<Shop | null> {
    return this.#report.step('postgres', async () => {
      const server = await this.#servers.get('postgres', { given, port: this.#ports.postgres })
      const shop = await Shop.open(server.address, given === null ? shopName : databaseName, this.#options.orders)
      this.#shop = shop
      if (given !== null) this.#left = { ...this.#left, postgres: true }
      const { host, pathname } = new URL(shop.url)
      return { text: `${host}${pathname}  ${server.description}`, value: shop }
    })
  }

  #startWorker(shop: Shop | null): Promise<QuickstartWorker | null> {
    return this.#report.step('broker', async () => {
      const directory = join(this.#options.data ?? this.#servers.directory, 'worker')
      // The source rejects offsets whose slot no longer exists.
      if (this.#options.data !== null && shop !== null && !(await shop.hasSlot()))
        rmSync(directory, { recursive: true, force: true })
      const [restPort, brokerPort] = [this.#ports.rest, this.#ports.log]
      const at = { directory, restPort, brokerPort }
      const worker = await QuickstartWorker.start(this.#servers, at, clock, this.#deadline())
      this.#worker = worker
      return { text: `${worker.broker}  embedded broker · dashboard ${worker.rest}/ui`, value: worker }
    })
  }

  #startSource(worker: QuickstartWorker, shop: Shop): Promise<Source | null> {
    return this.#report.step('source', async () => {
      const signal = this.#deadline()
      const resumes = await shop.hasSlot()
      const { rows, orders } = await shop.count()
      const log = await LogWatch.open(worker.broker, clock, quiet, signal)
      this.#log = log
      const posted = clock.monotonic()
      await worker.create(connectors.source, sourceConfig(shop.url))
      const followed = Promise.all(tables.map((table) => log.follow(topicOf(table), signal)))
      const whole = (): boolean => (resumes ? log.count > 0 : log.count >= rows)
      const took = await worker.until(connectors.source, signal, async () =>
        whole() ? clock.monotonic() - posted : null,
      )
      await followed
      const speed = `snapshot ${grouped(rows)} rows · ${Math.round(rows / took)}k rows/s`
      const text = `${tables.length} tables  ${resumes ? 'resuming from the slot' : speed}`
      return { text, value: { log, orders, resumes } }
    })
  }

  #startSearch(
    worker: QuickstartWorker,
    server: Server,
    { orders, resumes }: Source,
  ): Promise<{ search: Search; firstMs: number } | null> {
    return this.#report.step('search', async () => {
      const [search, index, signal] = [new Search(server.address), topicOf('orders'), this.#deadline()]
      // Documents of an earlier shop may have higher versions than those of this one.
      if (!resumes) await search.delete(indices, signal)
      if (!server.ours) this.#left = { ...this.#left, elasticsearch: true }
      const posted = clock.monotonic()
      await worker.create(connectors.search, searchConfig(server.address))
      let firstMs: number | null = null
      await worker.until(connectors.search, signal, async () => {
        const count = await search.count(index, signal)
        if (count > 0) firstMs ??= clock.monotonic() - posted
        return count >= orders ? count : null
      })
      const text = `${index}  ${grouped(orders)} documents`
      return { text, value: { search, firstMs: firstMs ?? clock.monotonic() - posted } }
    })
  }

  #startArchive(worker: QuickstartWorker, server: Server, { resumes }: Source): Promise<Archive | null> {
    return this.#report.step('archive', async () => {
      const archive = new Archive(server.address, bucket)
      await archive.createBucket()
      if (!server.ours) this.#left = { ...this.#left, s3: archive.origin }
      if (!resumes) for (const table of tables) await archive.delete(objectsOf(table))
      await worker.create(connectors.archive, archiveConfig(server.address))
      const prefix = objectsOf('orders')
      const ask = async (): Promise<number | null> => (await archive.count(prefix)) || null
      const count = await worker.until(connectors.archive, this.#deadline(), ask)
      const text = `s3://${bucket}  ${count} ${count === 1 ? 'object' : 'objects'}`
      return { text, value: archive }
    })
  }

  async #summarize(worker: QuickstartWorker, firstMs: number | null): Promise<void> {
    const memory = await worker.memoryMb()
    const first = firstMs === null ? [] : [`first row searchable ${seconds(firstMs)} s after its sink was created`]
    const parts = [...first, ...(memory === null ? [] : [`worker and broker use ${memory} MB`])]
    this.#report.tell({ event: 'summary', text: parts.join(' · '), firstRowMs: firstMs ?? -1, memoryMb: memory ?? -1 })
  }

  #hint(worker: QuickstartWorker, shop: Shop | null, search: Search | null): void {
    const lines = [
      'Try these commands in a second terminal:',
      `  curl -sS --fail-with-body "${worker.rest}/connectors?expand=status"`,
      ...(shop === null ? [] : [`  kcat -b ${worker.broker} -C -t ${topicOf('orders')} -o -2 -c 2 -f '%k %s\\n'`]),
      ...(shop === null
        ? []
        : [`  psql ${withoutSecret(shop.url)} -c "UPDATE orders SET status = 'mine' WHERE id = 7"`]),
      ...(search === null ? [] : [`  curl -sS --fail-with-body "${search.origin}/${topicOf('orders')}/_doc/7?pretty"`]),
    ]
    this.#report.tell({ event: 'hint', text: lines.join('\n') })
  }
}

/** The source connector, whose rows are in the topics. */
interface Source {
  readonly log: LogWatch
  readonly orders: number
  /** Whether it resumed from an earlier run. */
  readonly resumes: boolean
}

/** Returns the URL without the password, so that it can be printed (I8). psql asks for it. */
function withoutSecret(address: string): string {
  const url = new URL(address)
  url.password = ''
  return url.href
}

const stepOf = (kind: string): string => (kind === 'versitygw' ? 'store' : kind)

const quiet: Logger = {
  name: 'quickstart',
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => quiet,
}

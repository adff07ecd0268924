import { rmSync } from 'node:fs'
import { join } from 'node:path'

import { systemClock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { Progress, Server } from '../../servers/server.ts'
import { reasonOf } from '../../servers/server-error.ts'
import { Servers } from '../../servers/servers.ts'
import { archiveConfig, bucket, searchConfig, sourceConfig, topicOf } from './connectors.ts'
import { describeJourney, followOrder } from './journey.ts'
import { LogWatch } from './log-watch.ts'
import { parseOptions, usage, type QuickstartOptions } from './options.ts'
import { Report } from './report.ts'
import { publicationName, Shop, slotName, tables } from './shop.ts'
import { Archive, Search } from './targets.ts'
import { QuickstartWorker } from './worker.ts'

const clock = systemClock
const stepTimeoutMs = 180_000
const seconds = (ms: number): string => (ms / 1000).toFixed(1)
const grouped = (count: number): string => count.toLocaleString('en-US')

/**
 * `penstock quickstart`: starts everything, shows a row's way, and stays until it is told to stop.
 * @returns the exit code: 0 when all was shown, 2 when something could not be had, 130 when interrupted before the end.
 */
export async function quickstart(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(usage)
    return 0
  }
  const interrupt = new AbortController()
  const onSignal = (): void => interrupt.abort()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  let run: QuickstartRun | null = null
  try {
    const options = parseOptions(args, process.env)
    const { signal } = interrupt
    const report = new Report({ json: options.json, clock, signal, write: (line) => process.stdout.write(`${line}\n`) })
    run = await QuickstartRun.open(options, report, signal)
    const complete = await run.demonstrate()
    signal.throwIfAborted()
    if (!options.once) await run.stay()
    return complete ? 0 : 2
  } catch (error) {
    if (interrupt.signal.aborted) return 130
    process.stderr.write(`penstock: ${reasonOf(error)}\n`)
    return 1
  } finally {
    await run?.close()
  }
}

/** All that one quickstart has started. */
class QuickstartRun {
  readonly #options: QuickstartOptions
  readonly #report: Report
  readonly #signal: AbortSignal
  readonly #servers: Servers
  readonly #stopWriting = new AbortController()
  #worker: QuickstartWorker | null = null
  #shop: Shop | null = null
  #log: LogWatch | null = null
  #writing: Promise<void> = Promise.resolve()

  private constructor(options: QuickstartOptions, report: Report, signal: AbortSignal, servers: Servers) {
    this.#options = options
    this.#report = report
    this.#signal = signal
    this.#servers = servers
  }

  /** Waits for the run before with the same folder. */
  static async open(options: QuickstartOptions, report: Report, signal: AbortSignal): Promise<QuickstartRun> {
    const { data } = options
    const tell = ({ kind, doing }: Progress): void => report.tell({ event: 'progress', step: kind, text: doing })
    const servers =
      data === null
        ? Servers.open({ signal, report: tell })
        : await Servers.keep(join(data, 'servers'), { signal, report: tell })
    return new QuickstartRun(options, report, signal, servers)
  }

  /** True when nothing was missing. */
  async demonstrate(): Promise<boolean> {
    const { postgres, elasticsearch, s3 } = this.#options.given
    const start = (kind: Server['kind'], given: string | null, port: number) => this.#startServer(kind, given, port)
    const searchServer = start('elasticsearch', elasticsearch, 19_200)
    const storeServer = start('versitygw', s3, 19_000)
    const shop = await this.#startShop(postgres)
    const worker = await this.#startWorker(shop)
    if (worker === null) return false
    const source = shop === null ? null : await this.#startSource(worker, shop)
    const [search, store] = await Promise.all([searchServer, storeServer])
    const serversUp = clock.monotonic()
    const [searchable, archived] = await Promise.all([
      search === null || source === null ? null : this.#startSearch(worker, search, source.orders),
      store === null || source === null ? null : this.#startArchive(worker, store),
    ])
    this.#signal.throwIfAborted()
    await this.#summarize(worker, searchable === null ? null : searchable.firstAt - serversUp)
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
    this.#hint(worker, shop, searchable?.search ?? null)
    return searchable !== null && archived !== null
  }

  /** Waits for Ctrl-C. */
  async stay(): Promise<void> {
    this.#report.tell({ event: 'hint', text: 'The shop keeps changing. Ctrl-C ends everything.' })
    await new Promise<void>((resolve) => {
      if (this.#signal.aborted) resolve()
      else this.#signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  /** Stops in the order of the flow, so that nothing fails for what it stands on. */
  async close(): Promise<void> {
    this.#stopWriting.abort()
    await this.#writing.catch(() => {}) // the shop's server may be what is broken
    await this.#log?.close()
    const keep = this.#options.data !== null && this.#options.given.postgres === null
    if (this.#shop !== null && !keep) await this.#worker?.delete('shop-source').catch(() => {}) // it is stopped below
    await this.#worker?.stop()
    if (this.#shop !== null) await this.#release(this.#shop, keep)
    await this.#servers.close()
    const kept = this.#options.data === null ? 'nothing is left' : `its data is in ${this.#options.data}`
    this.#report.tell({ event: 'end', text: `Everything has stopped; ${kept}.` })
  }

  async #release(shop: Shop, keep: boolean): Promise<void> {
    try {
      if (!keep) {
        await shop.dropReplication()
        this.#report.tell({ event: 'end', text: `Dropped slot ${slotName} and publication ${publicationName}.` })
      } else {
        this.#report.tell({
          event: 'end',
          text: `Kept slot ${slotName}: the next run with this folder goes on from it.`,
        })
      }
    } catch (error) {
      this.#report.tell({ event: 'end', text: `Could not drop slot ${slotName}: ${reasonOf(error)}` })
    } finally {
      await shop.close().catch(() => {}) // its server may be gone
    }
  }

  #deadline(): AbortSignal {
    return AbortSignal.any([this.#signal, AbortSignal.timeout(stepTimeoutMs)])
  }

  #startServer(kind: Server['kind'], given: string | null, port: number): Promise<Server | null> {
    return this.#report.step(kind === 'versitygw' ? 'store' : kind, async () => {
      const server = await this.#servers.get(kind, { given, port })
      const { host } = new URL(server.address)
      return { text: `http://${host}  ${server.description}`, value: server }
    })
  }

  #startShop(given: string | null): Promise<Shop | null> {
    return this.#report.step('postgres', async () => {
      const server = await this.#servers.get('postgres', { given, port: 15_432 })
      const shop = await Shop.open(server.address, given === null ? 'shop' : 'penstock_shop', this.#options.orders)
      this.#shop = shop
      const { host, pathname } = new URL(shop.url)
      return { text: `${host}${pathname}  ${server.description}, wal_level=logical`, value: shop }
    })
  }

  #startWorker(shop: Shop | null): Promise<QuickstartWorker | null> {
    return this.#report.step('log', async () => {
      const folder = join(this.#options.data ?? this.#servers.folder, 'worker')
      // Offsets that outlived their slot would make the source refuse to go on.
      if (this.#options.data !== null && shop !== null && !(await shop.hasSlot()))
        rmSync(folder, { recursive: true, force: true })
      const worker = await QuickstartWorker.start(this.#servers, folder, clock, this.#deadline())
      this.#worker = worker
      return { text: `embedded, Kafka protocol on ${worker.broker} — kcat -b ${worker.broker} -L`, value: worker }
    })
  }

  #startSource(worker: QuickstartWorker, shop: Shop): Promise<{ log: LogWatch; orders: number } | null> {
    return this.#report.step('source', async () => {
      const signal = this.#deadline()
      const resumes = await shop.hasSlot()
      const { rows, orders } = await shop.count()
      const log = await LogWatch.open(worker.broker, clock, quiet, signal)
      this.#log = log
      const posted = clock.monotonic()
      await worker.create('shop-source', sourceConfig(shop.url))
      const followed = Promise.all(tables.map((table) => log.follow(topicOf(table), signal)))
      const whole = (): boolean => (resumes ? log.count > 0 : log.count >= rows)
      const took = await worker.until('shop-source', signal, async () => (whole() ? clock.monotonic() - posted : null))
      await followed
      const speed = `snapshot ${grouped(rows)} rows · ${Math.round(rows / took)}k rows/s`
      return { text: `${tables.length} tables, ${resumes ? 'going on from the slot' : speed}`, value: { log, orders } }
    })
  }

  #startSearch(
    worker: QuickstartWorker,
    server: Server,
    orders: number,
  ): Promise<{ search: Search; firstAt: number } | null> {
    return this.#report.step('search', async () => {
      const [search, index, signal] = [new Search(server.address), topicOf('orders'), this.#deadline()]
      await worker.create('shop-search', searchConfig(server.address))
      let firstAt: number | null = null
      await worker.until('shop-search', signal, async () => {
        const count = await search.count(index, signal)
        if (count > 0) firstAt ??= clock.monotonic()
        return count >= orders ? count : null
      })
      const text = `${search.origin}/${index}  ${grouped(orders)} documents`
      return { text, value: { search, firstAt: firstAt ?? clock.monotonic() } }
    })
  }

  #startArchive(worker: QuickstartWorker, server: Server): Promise<Archive | null> {
    return this.#report.step('archive', async () => {
      const archive = new Archive(server.address, bucket)
      await archive.makeBucket()
      await worker.create('shop-archive', archiveConfig(server.address))
      const prefix = `topics/${topicOf('orders')}/`
      const count = await worker.until(
        'shop-archive',
        this.#deadline(),
        async () => (await archive.count(prefix)) || null,
      )
      return { text: `s3://${bucket}/${prefix}…  ${count} ${count === 1 ? 'object' : 'objects'}`, value: archive }
    })
  }

  async #summarize(worker: QuickstartWorker, firstMs: number | null): Promise<void> {
    const memory = await worker.memoryMb()
    const first = firstMs === null ? [] : [`first row searchable ${seconds(firstMs)} s after the servers were up`]
    const parts = [...first, ...(memory === null ? [] : [`worker and log ${memory} MB`])]
    this.#report.tell({ event: 'summary', text: parts.join(' · '), firstRowMs: firstMs ?? -1, memoryMb: memory ?? -1 })
  }

  #hint(worker: QuickstartWorker, shop: Shop | null, search: Search | null): void {
    const lines = [
      'Try next:',
      `  curl "${worker.rest}/connectors?expand=status"`,
      `  kcat -b ${worker.broker} -C -t ${topicOf('orders')} -o -1 -c 1`,
      ...(shop === null ? [] : [`  psql ${shop.url} -c "UPDATE orders SET status = 'mine' WHERE id = 7"`]),
      ...(search === null ? [] : [`  curl "${search.origin}/${topicOf('orders')}/_doc/7?pretty"`]),
    ]
    this.#report.tell({ event: 'hint', text: lines.join('\n') })
  }
}

const quiet: Logger = {
  name: 'quickstart',
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => quiet,
}

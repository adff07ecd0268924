import { errorMessage } from 'penstock/api'
import type { Clock, Logger } from 'penstock/api'
import { captureFindings } from '../preflight/capture-findings.ts'
import { captureView, type CaptureView } from '../preflight/capture-view.ts'
import { coverageOf, TableTree } from '../preflight/coverage.ts'
import type { Finding, ShowCondition } from '../preflight/finding.ts'
import { harmFindings } from '../preflight/publication-findings.ts'
import { planPublication } from './publication-plan.ts'
import { readPublication, type Publication } from './publication.ts'
import type { PgSession } from '../connection/session.ts'
import type { SourceSettings } from '../config/settings.ts'
import { listTables, listUnlogged, readTables, type CatalogTable, type ListedTable } from '../schema/table-catalog.ts'
import { fullName } from '../schema/table-filter.ts'

/** How often the publication is looked at. */
export const watchIntervalMs = 30_000

/**
 * Tells of what the stream is silent about: tables whose rows cannot arrive, and a publication that is gone, which ends
 * the stream at the next row. Nothing is changed here: rows may be lost already, and somebody has to know. What is found
 * stands as a condition of the task until it is over. Lives as long as the task.
 */
export class PublicationWatch {
  readonly #settings: SourceSettings
  readonly #show: ShowCondition
  /** Names of captured tables by identifier. */
  readonly #captured = new Map<number, string>()
  #shown: ReadonlySet<string> = new Set()

  constructor(settings: SourceSettings, show: ShowCondition) {
    this.#settings = settings
    this.#show = show
  }

  /** Tables that are captured, and so are missed when the publication does not hold them any more. */
  add(tables: readonly CatalogTable[]): void {
    for (const table of tables) this.#captured.set(table.oid, fullName(table))
  }

  /** What is captured; null where there is no publication. */
  async look(sql: PgSession, serverVersion: number): Promise<CaptureView | null> {
    const listed = await listTables(sql)
    const publication = await readPublication(sql, this.#settings.publication, serverVersion)
    const renamed = this.#renamed(listed)
    if (publication === null) {
      this.#showAll([...renamed, await this.#gone(sql, listed, serverVersion)])
      return null
    }
    const { findings, view } = await this.#uncaptured(sql, publication, listed, serverVersion)
    this.#showAll([...renamed, ...findings])
    return view
  }

  async #uncaptured(
    sql: PgSession,
    publication: Publication,
    listed: readonly ListedTable[],
    serverVersion: number,
  ): Promise<{ readonly findings: readonly Finding[]; readonly view: CaptureView }> {
    const settings = this.#settings
    const tree = new TableTree(listed)
    const sent = new Set(publication.tables.map((table) => table.oid))
    const coverage = coverageOf(listed, sent, tree, settings.filter)
    const tables = coverage.uncovered.map(({ table }) => table)
    const left = [...tables, ...tables.flatMap((table) => tree.leaves(table))].map((table) => table.oid)
    const details = new Map((await readTables(sql, [...new Set(left)])).map((table) => [table.oid, table]))
    const plan = planPublication({ settings, publication, listed, tree, details, serverVersion })
    const unlogged = await listUnlogged(sql)
    const findings = captureFindings({
      settings,
      publication,
      listed,
      unlogged,
      coverage,
      told: new Set(plan.refused.map(({ table }) => table.oid)),
      known: new Set(this.#captured.values()),
    })
    return {
      findings: [...harmFindings(publication, plan, settings), ...findings],
      view: captureView({ settings, publication, coverage, listed, tree, unlogged }),
    }
  }

  async #gone(sql: PgSession, listed: readonly ListedTable[], serverVersion: number): Promise<Finding> {
    const settings = this.#settings
    const tree = new TableTree(listed)
    const matching = listed.filter((table) => settings.filter.includesTable(table))
    const leaves = matching.flatMap((table) => tree.leaves(table)).map((table) => table.oid)
    const details = new Map((await readTables(sql, leaves)).map((table) => [table.oid, table]))
    const { statement } = planPublication({ settings, publication: null, listed, tree, details, serverVersion })
    return {
      code: 'PG_PUBLICATION',
      key: 'publication.name',
      message:
        `publication "${settings.publication}" was dropped. The next row that anybody writes to database ` +
        `${settings.connection.database} ends the stream for good, also when the publication is created again after it. ` +
        `Run at once: ${statement};`,
    }
  }

  /** A table that took the name in the meantime is another matter: it is looked for in the publication. */
  #renamed(listed: readonly ListedTable[]): Finding[] {
    const names = new Set(listed.map(fullName))
    return listed.flatMap((table) => {
      const before = this.#captured.get(table.oid)
      if (before === undefined || names.has(before) || this.#settings.filter.includesTable(table)) return []
      const message =
        `${before} was renamed to ${fullName(table)}, which the filters leave out: its changes are not captured. ` +
        'Name it in table.include.list, or rename it back.'
      return [{ code: 'PG_TABLE', key: 'table.include.list', message }]
    })
  }

  #showAll(findings: readonly Finding[]): void {
    const messages = new Map<string, string[]>()
    for (const { code, message } of findings) messages.set(code, [...(messages.get(code) ?? []), message])
    for (const code of this.#shown) if (!messages.has(code)) this.#show(code, null)
    for (const [code, lines] of messages) this.#show(code, lines.join(' '))
    this.#shown = new Set(messages.keys())
  }
}

/** Looks again and again, one look at a time: the next is due an interval after the last one has ended. */
export function lookRegularly(clock: Clock, logger: Logger, look: () => Promise<void>): () => void {
  let stopped = false
  let cancel: () => void = () => undefined
  const wait = (): void => {
    if (stopped) return
    cancel = clock.after(watchIntervalMs, () => {
      look()
        .catch((error: unknown) => {
          // Where the server is away the stream itself says so.
          const reason = errorMessage(error)
          logger.debug(`the publication could not be looked at: ${reason}`)
        })
        .finally(wait)
    })
  }
  wait()
  return () => {
    stopped = true
    cancel()
  }
}

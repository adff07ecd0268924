import { errorMessage, type Clock, type Logger } from 'penstock/api'
import type { SourceSettings } from '../config/source-settings.ts'
import type { PgConnection } from '../connection/pg-connection.ts'
import { captureFindings } from '../preflight/capture-findings.ts'
import type { Finding, SetCondition } from '../preflight/finding.ts'
import { blockedWriteFindings } from '../preflight/publication-findings.ts'
import { fullName } from '../schema/sql-text.ts'
import {
  listTables,
  listUnpublishable,
  readTables,
  type CatalogTable,
  type ListedTable,
} from '../schema/table-catalog.ts'
import { captureView, type CaptureView } from './capture-view.ts'
import { coverageOf, TableTree } from './coverage.ts'
import { planPublication } from './publication-plan.ts'
import { readPublication, type Publication } from './publication.ts'

/** Time between two checks of the publication. */
export const checkIntervalMs = 30_000

/**
 * Reports what the stream itself does not: tables whose rows cannot arrive, and a dropped publication, which ends the
 * stream at the next row. Changes nothing, because rows may be lost already and the user must know. Each finding is a
 * condition of the task until it is resolved. Lives as long as the task.
 */
export class PublicationMonitor {
  readonly #settings: SourceSettings
  readonly #setCondition: SetCondition
  /** Names of the captured tables by oid. */
  readonly #captured = new Map<number, string>()
  #shown: ReadonlySet<string> = new Set()

  constructor(settings: SourceSettings, setCondition: SetCondition) {
    this.#settings = settings
    this.#setCondition = setCondition
  }

  /** Adds captured tables: a finding reports them when the publication no longer covers them. */
  add(tables: readonly CatalogTable[]): void {
    for (const table of tables) this.#captured.set(table.oid, fullName(table))
  }

  /** Checks the publication and returns what is captured; null when the publication does not exist. */
  async check(sql: PgConnection, serverVersion: number): Promise<CaptureView | null> {
    const listed = await listTables(sql)
    const publication = await readPublication(sql, this.#settings.publication, serverVersion)
    const renamed = this.#renamedFindings(listed)
    if (publication === null) {
      this.#setConditions([...renamed, await this.#droppedFinding(sql, listed, serverVersion)])
      return null
    }
    const { findings, view } = await this.#findings(sql, publication, listed, serverVersion)
    this.#setConditions([...renamed, ...findings])
    return view
  }

  async #findings(
    sql: PgConnection,
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
    const unpublishable = await listUnpublishable(sql)
    const findings = captureFindings({
      settings,
      publication,
      listed,
      unpublishable,
      coverage,
      reported: new Set(plan.refused.map(({ table }) => table.oid)),
      known: new Set(this.#captured.values()),
    })
    return {
      findings: [...blockedWriteFindings({ publication, plan, settings }), ...findings],
      view: captureView({ settings, publication, coverage, listed, tree, unpublishable }),
    }
  }

  async #droppedFinding(sql: PgConnection, listed: readonly ListedTable[], serverVersion: number): Promise<Finding> {
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
        `publication "${settings.publication}" was dropped. The next write to database ${settings.connection.database} ` +
        `breaks the stream permanently, even if the publication is created again after it. Run immediately: ${statement};`,
    }
  }

  /** A renamed table whose old name is taken by another table is not reported here: the publication is checked for the name. */
  #renamedFindings(listed: readonly ListedTable[]): Finding[] {
    const names = new Set(listed.map(fullName))
    return listed.flatMap((table) => {
      const before = this.#captured.get(table.oid)
      if (before === undefined || names.has(before) || this.#settings.filter.includesTable(table)) return []
      const message =
        `${before} was renamed to ${fullName(table)}, which the filters exclude: its changes are not captured. ` +
        'Add it to table.include.list, or rename it back.'
      return [{ code: 'PG_TABLE', key: 'table.include.list', message }]
    })
  }

  #setConditions(findings: readonly Finding[]): void {
    const messages = new Map<string, string[]>()
    for (const { code, message } of findings) messages.set(code, [...(messages.get(code) ?? []), message])
    for (const code of this.#shown) if (!messages.has(code)) this.#setCondition(code, null)
    for (const [code, lines] of messages) this.#setCondition(code, lines.join(' '))
    this.#shown = new Set(messages.keys())
  }
}

/** Runs the periodic check, one run at a time: the next starts {@link checkIntervalMs} after the last has ended. */
export function checkPeriodically(clock: Clock, logger: Logger, check: () => Promise<void>): () => void {
  let stopped = false
  let cancel: () => void = () => undefined
  const wait = (): void => {
    if (stopped) return
    cancel = clock.after(checkIntervalMs, () => {
      check()
        .catch((error: unknown) => {
          // When the server is unreachable, the stream itself reports it.
          const reason = errorMessage(error)
          logger.debug(`the periodic check failed: ${reason}`)
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

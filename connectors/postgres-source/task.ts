import {
  errorMessage,
  ConnectError,
  type CommittedSourceOffset,
  type SourceOffset,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from 'penstock/api'
import { Connections } from './connection/connections.ts'
import { tableFilterHash, CaptureHistory, tablesPartition } from './publication/capture-history.ts'
import { isOwnPartition, sourcePartition } from './offsets/source-offset.ts'
import { MessageForm } from './records/logical-message.ts'
import { pgError } from './connection/pg-error.ts'
import { PublicationMonitor } from './publication/publication-monitor.ts'
import { RecordBuilder, versionHeader } from './records/record-builder.ts'
import type { SessionStart } from './session/start-plan.ts'
import { settingsOf, type SourceSettings } from './config/source-settings.ts'
import { dropSlot } from './replication/slot.ts'
import type { SessionContext } from './session/session-context.ts'
import { aheadPartition, SnapshotAhead } from './snapshot/snapshot-ahead.ts'
import { CaptureSession } from './session/capture-session.ts'
import { TableRegistry } from './schema/table-registry.ts'
import type { ShapeContext } from './schema/table-shape.ts'
import { TypeCatalog } from './schema/type-catalog.ts'
import { PendingChanges } from './offsets/pending-changes.ts'
import { ConversionFailures } from './values/conversion-failures.ts'
import { version } from './version.ts'

const metricsMs = 1_000

/** Captures one database: its tables, then its changes. Connects in `poll`, so that the worker retries transient failures. */
export class PostgresSourceTask implements SourceTask {
  #context: SourceTaskContext | null = null
  #sessionContext: SessionContext | null = null
  #session: CaptureSession | null = null
  #next: Omit<SessionStart, 'first'> = { position: null, durable: null, lineage: null }
  #first = true
  #stopped = false
  readonly #pending = new PendingChanges()
  #stopMetrics: () => void = () => undefined

  async start(context: SourceTaskContext): Promise<void> {
    const settings = settingsOf(context.config, context.raw)
    this.#context = context
    this.#sessionContext = sessionContextOf(settings, context)
    const retained = context.metrics.gauge(
      'source_wal_retained_bytes',
      'Bytes of WAL that the replication slot retains',
    )
    const behind = context.metrics.gauge(
      'source_behind_seconds',
      'Seconds since the commit of the oldest change that is not durable in its topic yet; 0 when all are',
    )
    this.#stopMetrics = context.clock.every(metricsMs, () => {
      // While Postgres is unreachable the last value stays.
      const bytes = this.#session?.retainedBytes ?? null
      if (bytes !== null) retained.set(bytes)
      behind.set(this.#behindMs(context) / 1000)
    })
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    this.#started()
    try {
      const records = await (await this.#openSession(signal)).take(signal)
      if (records !== null) this.#pending.onPolled(records)
      return records
    } catch (error) {
      if (this.#stopped || (signal.aborted && this.#session === null)) return null
      await this.#closeFailedSession()
      throw pgError(error, 'reading the replication stream')
    }
  }

  async commit(offsets: readonly CommittedSourceOffset[]): Promise<void> {
    const last = offsets.findLast(({ partition }) => isOwnPartition(partition))
    if (last === undefined) return
    this.#next = { ...this.#next, durable: last.offset }
    this.#pending.onDurable(last.offset)
    this.#session?.committed(last.offset)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopMetrics()
    await this.#session?.close()
    this.#session = null
    const settings = this.#sessionContext?.settings
    if (settings?.dropSlotOnStop === true) await this.#dropSlot(settings)
  }

  #started(): SourceTaskContext {
    if (this.#context === null) throw new ConnectError('the task was not started')
    return this.#context
  }

  async #openSession(signal: AbortSignal): Promise<CaptureSession> {
    if (this.#session !== null) return this.#session
    if (this.#sessionContext === null) throw new ConnectError('the task was not started')
    const start = { ...this.#next, first: this.#first }
    const session = new CaptureSession(this.#sessionContext, start)
    this.#session = session
    const onAbort = (): void => void session.close()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      signal.throwIfAborted()
      await session.open()
    } catch (error) {
      this.#session = null
      await session.close()
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    this.#first = false
    this.#context?.recovered?.()
    return session
  }

  /** Closes the failed session and keeps its position: the next session reads nothing twice. */
  async #closeFailedSession(): Promise<void> {
    const session = this.#session
    if (session === null) return
    this.#session = null
    this.#next = session.next
    await session.close()
  }

  #behindMs(context: SourceTaskContext): number {
    const micros = this.#pending.oldestCommitMicros ?? this.#session?.oldestQueued ?? null
    return micros === null ? 0 : Math.max(0, context.clock.now() - micros / 1000)
  }

  async #dropSlot(settings: SourceSettings): Promise<void> {
    const context = this.#started()
    try {
      const connections = new Connections(settings, context.clock, (code, message) =>
        context.setCondition(code, message),
      )
      try {
        await dropSlot(await connections.open('sql', 'dropping the replication slot'), settings.slot)
      } catch (error) {
        throw await connections.waits.explainSlotInUse(error, settings.slot)
      } finally {
        await connections.close()
      }
    } catch (error) {
      context.logger.warn(
        `slot.drop.on.stop: replication slot "${settings.slot}" was not dropped (${errorMessage(error)}). ` +
          `It retains WAL until you run: SELECT pg_drop_replication_slot('${settings.slot}');`,
      )
    }
  }
}

/** Returns null when the worker may not read the topics, and sets a condition. */
async function highestVersion(context: SourceTaskContext, topics: readonly string[]): Promise<bigint | null> {
  try {
    const highest = await context.greatestHeader(topics, versionHeader)
    context.setCondition('PG_VERSIONS_UNREAD', null)
    return highest
  } catch (error) {
    if (!(error instanceof ConnectError) || error.code !== 'TOPIC_READ_DENIED') throw error
    context.setCondition(
      'PG_VERSIONS_UNREAD',
      `row versions start above that of the stored offset only, because the topics may not be read: if the topics hold higher versions, ` +
        `sinks reject the new rows. ${error.message}`,
    )
    return null
  }
}

function captureHistory({ prefix }: SourceSettings, context: SourceTaskContext): CaptureHistory {
  return new CaptureHistory({
    load: async () => (await context.readOffsets([tablesPartition(prefix)]))[0] ?? null,
    save: (offset) => context.advanceOffset?.(tablesPartition(prefix), offset),
    setCondition: (message) => context.setCondition('PG_UNREAD', message),
    filterHash: tableFilterHash(context.raw),
  })
}

function snapshotAhead({ prefix }: SourceSettings, context: SourceTaskContext): SnapshotAhead {
  const partition = aheadPartition(prefix)
  return new SnapshotAhead({
    load: async () => (await context.readOffsets([partition]))[0] ?? null,
    save: (offset) => context.advanceOffset?.(partition, offset),
    setCondition: (message) => context.setCondition('PG_SNAPSHOT_AHEAD', message),
    warn: (message) => context.logger.warn(message),
  })
}

function sessionContextOf(settings: SourceSettings, context: SourceTaskContext): SessionContext {
  const { clock, logger } = context
  const failures = new ConversionFailures(settings.failureMode, {
    logger,
    nulled: context.metrics.counter(
      'source_values_nulled_total',
      'Values that became null, because their record type cannot represent them or the WAL does not hold them',
    ),
    misdirected: context.metrics.counter(
      'source_deletions_unsure_total',
      'Deletions that may be of another row, because the WAL does not hold their key or two rows shared it',
    ),
    setCondition: (code, message) => context.setCondition(code, message),
  })
  const warned = new Set<string>()
  const history = captureHistory(settings, context)
  const shapes: ShapeContext = {
    prefix: settings.prefix,
    delimiter: settings.delimiter,
    filter: settings.filter,
    keyRules: settings.keyRules,
    modes: settings.modes,
    schemaNames: settings.schemaNames,
    fieldNames: settings.fieldNames,
    comments: settings.comments,
    types: new TypeCatalog(),
    failures,
    warn: (message) => {
      if (warned.has(message)) return
      warned.add(message)
      logger.warn(message)
    },
  }
  const tables = new TableRegistry(shapes, (table, committedAt) => history.onRows(table, table.captured, committedAt))
  const records = new RecordBuilder(
    {
      prefix: settings.prefix,
      database: settings.connection.database,
      taskId: String(context.task),
      connectorVersion: version,
      extendedHeaders: settings.extendedHeaders,
      tombstones: settings.tombstones,
      messages: new MessageForm(settings.messages),
    },
    clock,
  )
  const partition = sourcePartition(settings.prefix)
  const advance = context.advanceOffset?.bind(context)
  const store = advance === undefined ? null : (offset: SourceOffset): void => advance(partition, offset)
  return {
    settings,
    tables,
    records,
    monitor: new PublicationMonitor(settings, (code, message) => context.setCondition(code, message)),
    history,
    ahead: snapshotAhead(settings, context),
    clock,
    logger,
    store,
    stored: async () => (await context.readOffsets([partition]))[0] ?? null,
    highestVersion: async (topics) => await highestVersion(context, topics),
    setCondition: (code, message) => context.setCondition(code, message),
    sharedVersions: context.metrics.counter(
      'source_shared_versions_total',
      'Changes from the 1,025th of a transaction on: they share a version, and only their order in the topic distinguishes them',
    ),
  }
}

import {
  ConnectError,
  errorMessage,
  type CommittedSourceOffset,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from 'penstock/api'
import { settingsOf, type SourceSettings } from './config/source-settings.ts'
import { Connections } from './connection/connections.ts'
import { pgError } from './connection/pg-error.ts'
import { PendingChanges } from './offsets/pending-changes.ts'
import { isOwnPartition } from './offsets/source-offset.ts'
import { SourceMeters } from './session/source-meters.ts'
import { dropSlot } from './replication/slot.ts'
import { CaptureSession } from './session/capture-session.ts'
import { createSessionContext } from './session/create-session-context.ts'
import type { SessionContext } from './session/session-context.ts'
import type { SessionStart } from './session/start-plan.ts'

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
    this.#sessionContext = createSessionContext(settings, context)
    const meters = new SourceMeters(context.metrics)
    this.#stopMetrics = context.clock.every(metricsMs, () => meters.measure(this.#session, this.#behindMs(context)))
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

import { errorMessage, RetriableError, type Clock, type ConnectError } from 'penstock/api'
import type { SetCondition } from '../preflight/finding.ts'
import type { ConnectionSettings } from './connection-settings.ts'
import { findBlockers, findSlotReader, type WaitingQuery } from './find-blockers.ts'
import { PgConnection, type ObservedQuery } from './pg-connection.ts'
import { codeOf, objectInUse, pgError } from './pg-error.ts'
import { blockerList, unknownWaitMessage, waitMessage, type QueryPurpose } from './wait-message.ts'

/** A query that runs longer is probed, and then probed again at this interval. */
export const waitProbeIntervalMs = 5_000
/** A probe may wait too: for locks on the catalog, or for a busy server. */
const probeTimeoutMs = 10_000
const cancelTimeoutMs = 2_000

const readerHint = 'To see which session reads it: SELECT pid, application_name, client_addr FROM pg_stat_replication;'
const lockHint =
  'To see which session holds it: SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0;'

export interface WaitMonitorOptions {
  readonly connection: ConnectionSettings
  /** The lock timeout of the queries, 0 for none. The probe runs before it expires. */
  readonly lockTimeoutMs: number
  readonly clock: Clock
  readonly setCondition: SetCondition
}

/** A running query. */
interface Wait extends WaitingQuery {
  readonly code: string
  readonly purpose: QueryPurpose
  /** The message that the condition shows. */
  message: string | null
  /** The blockers at the last probe. */
  blockedBy: string | null
  ended: boolean
  probe: PgConnection | null
  cancel: () => void
}

/**
 * Shows what a query waits for while it waits: the holder of a lock, or the transactions that a slot's creation waits
 * for. Probes on another connection, because the query's own one is busy.
 */
export class WaitMonitor {
  readonly #options: WaitMonitorOptions
  readonly #waits = new Set<Wait>()
  #closed = false

  constructor(options: WaitMonitorOptions) {
    this.#options = options
  }

  /** Observes every query that may wait. */
  readonly observe = (connection: PgConnection, slot: string | null): ObservedQuery => {
    const wait: Wait = {
      pid: connection.pid,
      createsSlot: slot !== null,
      candidates: null,
      code: slot === null ? 'PG_LOCK_WAITS' : 'PG_SLOT_WAITS',
      purpose: slot === null ? { what: connection.purpose } : { slot },
      message: null,
      blockedBy: null,
      ended: false,
      probe: null,
      cancel: () => undefined,
    }
    this.#waits.add(wait)
    this.#schedule(wait)
    return { explain: (error) => explained(error, wait.blockedBy), end: () => this.#end(wait) }
  }

  /** Adds the session that reads the slot to the error of a slot in use. */
  async explainSlotInUse(error: unknown, slot: string): Promise<unknown> {
    const code = codeOf(error)
    if (code !== objectInUse && code !== 'PG_SLOT_ACTIVE') return error
    const failure = pgError(error, `reading replication slot "${slot}"`)
    try {
      const probe = await this.#connect()
      try {
        const reader = await findSlotReader(probe, slot)
        return extended(failure, reader.length === 0 ? readerHint : `It is read by: ${blockerList(reader)}`)
      } finally {
        await probe.close()
      }
    } catch {
      // The reader cannot be found out: the failure is reported without it.
      return extended(failure, readerHint)
    }
  }

  /** Cancels waiting queries: the server would keep waiting for a client that is gone, and then create a slot that no client uses (I9). */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#waits].map((wait) => this.#cancelQuery(wait)))
  }

  #schedule(wait: Wait): void {
    const { clock, lockTimeoutMs } = this.#options
    const limit = wait.createsSlot || lockTimeoutMs === 0 ? waitProbeIntervalMs : lockTimeoutMs / 2
    wait.cancel = clock.after(Math.min(waitProbeIntervalMs, limit), () => void this.#probe(wait))
  }

  async #probe(wait: Wait): Promise<void> {
    const text = await this.#readMessage(wait)
    if (wait.ended || this.#closed) {
      await wait.probe?.close()
      return
    }
    if (text !== wait.message) {
      wait.message = text
      this.#show(wait.code)
    }
    this.#schedule(wait)
  }

  async #readMessage(wait: Wait): Promise<string | null> {
    try {
      wait.probe ??= await this.#connect()
      const blocked = await findBlockers(wait.probe, wait)
      wait.blockedBy = blocked.blockers.length === 0 ? null : blockerList(blocked.blockers)
      return waitMessage(wait.purpose, blocked)
    } catch (error) {
      await wait.probe?.close()
      wait.probe = null
      return unknownWaitMessage(wait.purpose, errorMessage(error))
    }
  }

  async #connect(timeoutMs = probeTimeoutMs): Promise<PgConnection> {
    const { connection, clock } = this.#options
    const connectTimeoutMs = Math.min(connection.connectTimeoutMs, timeoutMs)
    return await PgConnection.connect({ ...connection, connectTimeoutMs, queryTimeoutMs: timeoutMs }, 'sql', clock)
  }

  #end(wait: Wait): void {
    wait.ended = true
    wait.cancel()
    this.#waits.delete(wait)
    if (wait.message !== null) this.#show(wait.code)
    if (!this.#closed) void wait.probe?.close()
  }

  async #cancelQuery(wait: Wait): Promise<void> {
    wait.cancel()
    await wait.probe?.close()
    if (!wait.createsSlot && wait.message === null) return
    try {
      const connection = await this.#connect(cancelTimeoutMs)
      try {
        await connection.query('select pg_cancel_backend($1)', [wait.pid])
      } finally {
        await connection.close()
      }
    } catch {
      // An unreachable server, or one without free connections, ends the query on its own.
    }
  }

  /** Several queries can wait at the same time. */
  #show(code: string): void {
    const texts = [...this.#waits].flatMap((wait) => (wait.code === code && wait.message !== null ? wait.message : []))
    this.#options.setCondition(code, texts.length === 0 ? null : [...new Set(texts)].join(' '))
  }
}

/** The query has ended: only the last probe knows what blocked it. */
function explained(error: ConnectError, seen: string | null): ConnectError {
  if (seen !== null && error instanceof RetriableError) return extended(error, `Blocked by: ${seen}`)
  return error.code === 'PG_LOCK_TIMEOUT' ? extended(error, lockHint) : error
}

function extended({ code, message, cause }: ConnectError, more: string): RetriableError {
  const text = message.slice(`${code ?? ''}: `.length)
  return new RetriableError(`${text} ${more}`, { ...(code === null ? {} : { code }), cause })
}

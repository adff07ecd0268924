import { errorMessage, RetriableError, type Clock, type ConnectError } from 'penstock/api'
import { namesOf, unknownText, waitText, type Doing } from './blocker-text.ts'
import { findBlockers, findReader, type Waiter } from './blockers.ts'
import type { ShowCondition } from '../preflight/finding.ts'
import { codeOf, objectInUse, pgError } from './pg-error.ts'
import { PgSession, type ConnectionSettings, type ObservedQuery } from './session.ts'

/** A query that runs longer is probed, and then probed again at this interval. */
export const waitPatienceMs = 5_000
/** A probe may wait too: for locks on the catalog, or for a busy server. */
const lookTimeoutMs = 10_000
const cancelTimeoutMs = 2_000

const readerHint = 'To see which session reads it: SELECT pid, application_name, client_addr FROM pg_stat_replication;'
const lockHint =
  'To see which session holds it: SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0;'

export interface WaitWatchParts {
  readonly connection: ConnectionSettings
  /** The lock timeout of the queries, 0 for none. The probe runs before it expires. */
  readonly lockTimeoutMs: number
  readonly clock: Clock
  readonly show: ShowCondition
}

/** A running query. */
interface Wait extends Waiter {
  readonly code: string
  readonly doing: Doing
  /** The message that the condition shows. */
  text: string | null
  /** What blocked it at the last probe. */
  seen: string | null
  ended: boolean
  look: PgSession | null
  cancel: () => void
}

/**
 * Shows what a query waits for while it waits: the holder of a lock, or the transactions that a slot's creation waits
 * for. Probes on another connection, because the query's own one is busy.
 */
export class WaitWatch {
  readonly #parts: WaitWatchParts
  readonly #waits = new Set<Wait>()
  #closed = false

  constructor(parts: WaitWatchParts) {
    this.#parts = parts
  }

  /** Observes every query that may wait. */
  readonly observe = (session: PgSession, slot: string | null): ObservedQuery => {
    const wait: Wait = {
      pid: session.pid,
      makesSlot: slot !== null,
      candidates: null,
      code: slot === null ? 'PG_LOCK_WAITS' : 'PG_SLOT_WAITS',
      doing: slot === null ? { what: session.doing } : { slot },
      text: null,
      seen: null,
      ended: false,
      look: null,
      cancel: () => undefined,
    }
    this.#waits.add(wait)
    this.#schedule(wait)
    return { explain: (error) => explained(error, wait.seen), end: () => this.#end(wait) }
  }

  /** Adds the session that reads the slot to the error of a slot in use. */
  async explainActive(error: unknown, slot: string): Promise<unknown> {
    const code = codeOf(error)
    if (code !== objectInUse && code !== 'PG_SLOT_ACTIVE') return error
    const failure = pgError(error, `reading replication slot "${slot}"`)
    try {
      const look = await this.#connect()
      try {
        const reader = await findReader(look, slot)
        return extended(failure, reader.length === 0 ? readerHint : `It is read by: ${namesOf(reader)}`)
      } finally {
        await look.close()
      }
    } catch {
      // The reader cannot be found out: the failure is reported without it.
      return extended(failure, readerHint)
    }
  }

  /** Cancels waiting queries: the server would keep waiting for a client that is gone, and then create a slot that no client uses (I9). */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#waits].map((wait) => this.#giveUp(wait)))
  }

  #schedule(wait: Wait): void {
    const { clock, lockTimeoutMs } = this.#parts
    const limit = wait.makesSlot || lockTimeoutMs === 0 ? waitPatienceMs : lockTimeoutMs / 2
    wait.cancel = clock.after(Math.min(waitPatienceMs, limit), () => void this.#look(wait))
  }

  async #look(wait: Wait): Promise<void> {
    const text = await this.#ask(wait)
    if (wait.ended || this.#closed) {
      await wait.look?.close()
      return
    }
    if (text !== wait.text) {
      wait.text = text
      this.#show(wait.code)
    }
    this.#schedule(wait)
  }

  async #ask(wait: Wait): Promise<string | null> {
    try {
      wait.look ??= await this.#connect()
      const blocked = await findBlockers(wait.look, wait)
      wait.seen = blocked.blockers.length === 0 ? null : namesOf(blocked.blockers)
      return waitText(wait.doing, blocked)
    } catch (error) {
      await wait.look?.close()
      wait.look = null
      return unknownText(wait.doing, errorMessage(error))
    }
  }

  async #connect(timeoutMs = lookTimeoutMs): Promise<PgSession> {
    const { connection, clock } = this.#parts
    const connectTimeoutMs = Math.min(connection.connectTimeoutMs, timeoutMs)
    return await PgSession.connect({ ...connection, connectTimeoutMs, queryTimeoutMs: timeoutMs }, 'sql', clock)
  }

  #end(wait: Wait): void {
    wait.ended = true
    wait.cancel()
    this.#waits.delete(wait)
    if (wait.text !== null) this.#show(wait.code)
    if (!this.#closed) void wait.look?.close()
  }

  async #giveUp(wait: Wait): Promise<void> {
    wait.cancel()
    await wait.look?.close()
    if (!wait.makesSlot && wait.text === null) return
    try {
      const session = await this.#connect(cancelTimeoutMs)
      try {
        await session.query('select pg_cancel_backend($1)', [wait.pid])
      } finally {
        await session.close()
      }
    } catch {
      // An unreachable server, or one without free connections, ends the query on its own.
    }
  }

  /** Several queries can wait at the same time. */
  #show(code: string): void {
    const texts = [...this.#waits].flatMap((wait) => (wait.code === code && wait.text !== null ? wait.text : []))
    this.#parts.show(code, texts.length === 0 ? null : [...new Set(texts)].join(' '))
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

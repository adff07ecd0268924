import { ConnectError, type Clock } from 'penstock/api'
import type { ShowCondition } from '../preflight/finding.ts'
import { PgSession } from './session.ts'
import type { SourceSettings } from '../config/settings.ts'
import { WaitWatch } from './wait-watch.ts'

/** The connections of one session. A condition shows what their queries wait for. */
export class Connections {
  readonly #settings: SourceSettings
  readonly #clock: Clock
  readonly #sessions: PgSession[] = []
  readonly waits: WaitWatch
  #closed = false

  constructor(settings: SourceSettings, clock: Clock, show: ShowCondition) {
    this.#settings = settings
    this.#clock = clock
    const { connection, lockTimeoutMs } = settings
    this.waits = new WaitWatch({ connection, lockTimeoutMs, clock, show })
  }

  /** @param doing what its queries are for, as the start of a message */
  async open(kind: 'sql' | 'replication', doing: string): Promise<PgSession> {
    const session = await PgSession.connect(this.#settings.connection, kind, this.#clock, this.waits.observe)
    session.doing = doing
    this.#sessions.push(session)
    if (!this.#closed) return session
    await session.close()
    throw new ConnectError('the task is stopping')
  }

  async end(session: PgSession): Promise<void> {
    this.#sessions.splice(this.#sessions.indexOf(session), 1)
    await session.close()
  }

  /** Closes all connections. A concurrent {@link open} then fails. */
  async close(): Promise<void> {
    this.#closed = true
    await this.waits.close()
    await Promise.all(this.#sessions.map((session) => session.close()))
  }
}

import { ConnectError, type Clock } from 'penstock/api'
import type { SourceSettings } from '../config/source-settings.ts'
import type { SetCondition } from '../preflight/finding.ts'
import { PgConnection } from './pg-connection.ts'
import { WaitMonitor } from './wait-monitor.ts'

/** The connections of one session. A condition shows what their queries wait for. */
export class Connections {
  readonly #settings: SourceSettings
  readonly #clock: Clock
  readonly #open: PgConnection[] = []
  readonly waits: WaitMonitor
  #closed = false

  constructor(settings: SourceSettings, clock: Clock, setCondition: SetCondition) {
    this.#settings = settings
    this.#clock = clock
    const { connection, lockTimeoutMs } = settings
    this.waits = new WaitMonitor({ connection, lockTimeoutMs, clock, setCondition })
  }

  /** @param purpose the purpose of its queries, as the start of a message */
  async open(kind: 'sql' | 'replication', purpose: string): Promise<PgConnection> {
    const connection = await PgConnection.connect(this.#settings.connection, kind, this.#clock, this.waits.observe)
    connection.purpose = purpose
    this.#open.push(connection)
    if (!this.#closed) return connection
    await connection.close()
    throw new ConnectError('the task is stopping')
  }

  async end(connection: PgConnection): Promise<void> {
    this.#open.splice(this.#open.indexOf(connection), 1)
    await connection.close()
  }

  /** Closes all connections. A concurrent {@link open} then fails. */
  async close(): Promise<void> {
    this.#closed = true
    await this.waits.close()
    await Promise.all(this.#open.map((connection) => connection.close()))
  }
}

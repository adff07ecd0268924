import type { Clock } from '../../foundation/clock.ts'
import type { LogStreaks } from '../../foundation/logging/log-streaks.ts'
import { Secret } from '../../foundation/network/secret.ts'
import { apiVersions } from '../../protocol/messages/api-versions.ts'
import { saslAuthenticate } from '../../protocol/messages/sasl-authenticate.ts'
import { saslHandshake } from '../../protocol/messages/sasl-handshake.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import type { BrokerMeters } from '../metrics/broker-meters.ts'

/** The only user of a broker that requires authentication. */
export interface BrokerCredentials {
  readonly username: string
  readonly password: string
}

/** The only supported SASL mechanism. */
export const mechanism = 'PLAIN'

/** Maximum size of a request before authentication, as Kafka's `sasl.server.max.receive.size`. */
export const maxBytesBefore = 512 * 1024

/** Timeout for authentication. */
const limitMs = 15_000
/** Delay of the response to wrong credentials, as Kafka's `connection.failed.authentication.delay.ms`. */
const failureDelayMs = 1000

const before: ReadonlySet<number> = new Set([apiVersions.key, saslHandshake.key, saslAuthenticate.key])

/** Authenticates clients: each connection has to send the credentials of the user once. */
export class Authenticator {
  readonly #credentials: Secret
  readonly #clock: Clock
  readonly #meters: BrokerMeters
  readonly #streaks: LogStreaks

  constructor(
    { username, password }: BrokerCredentials,
    around: { readonly clock: Clock; readonly streaks: LogStreaks; readonly meters: BrokerMeters },
  ) {
    this.#credentials = new Secret(`${username}\0${password}`)
    this.#clock = around.clock
    this.#meters = around.meters
    this.#streaks = around.streaks
  }

  /** Starts the session of a new connection. @param client its name in the logs */
  session(client: string): Session {
    return new Session(this, client, this.#clock.monotonic())
  }

  /** Returns whether a PLAIN message (RFC 4616) has the right user and password. Takes constant time. */
  accepts(message: Uint8Array): boolean {
    const [authorizeAs, username, password, ...others] = Buffer.from(message).toString('utf8').split('\0')
    const isWhole = username !== undefined && password !== undefined && others.length === 0
    const isSelf = authorizeAs === '' || authorizeAs === username
    return this.#credentials.is(`${username ?? ''}\0${password ?? ''}`) && isWhole && isSelf
  }

  /** Counts a failed authentication, and logs the first of many. */
  failed(client: string, why: string): void {
    this.#meters.authenticationFailed()
    this.#streaks.log(
      'warn',
      { kind: 'authentication', client },
      `refused a client that did not authenticate: ${why}. Clients need security.protocol=SASL_PLAINTEXT, sasl.mechanism=${mechanism} and the credentials of the embedded log`,
      { client },
    )
  }

  /** @param signal ends the wait early */
  async delay(signal: AbortSignal): Promise<void> {
    // The connection has closed, or the broker stops.
    await this.#clock.sleep(failureDelayMs, signal).catch(() => undefined)
  }
}

/** The state of the authentication of a client. */
type State = 'begun' | 'agreed' | 'authenticated' | 'refused'

/** The authentication of one connection. */
export class Session {
  /** Called once, when the client has authenticated. */
  onAuthenticated: () => void = () => undefined
  readonly #authenticator: Authenticator
  readonly #client: string
  readonly #beganMs: number
  #state: State = 'begun'

  constructor(authenticator: Authenticator, client: string, beganMs: number) {
    this.#authenticator = authenticator
    this.#client = client
    this.#beganMs = beganMs
  }

  get state(): State {
    return this.#state
  }

  /** @throws ProtocolError for an API that a client may not call before it has authenticated: Kafka closes the connection, too. */
  check(api: { readonly key: number; readonly name: string }): void {
    if (this.#state !== 'authenticated' && !before.has(api.key))
      throw new ProtocolError(`it sent ${api.name} before it had authenticated`)
  }

  /** The mechanism was agreed on: the client may send its credentials. */
  agree(): void {
    this.#state = 'agreed'
  }

  /** Returns whether the credentials are right. The response to wrong ones is delayed. */
  async authenticate(message: Uint8Array, signal: AbortSignal): Promise<boolean> {
    if (this.#authenticator.accepts(message)) {
      this.#state = 'authenticated'
      this.onAuthenticated()
      return true
    }
    this.refuse('it showed a wrong user name or password')
    await this.#authenticator.delay(signal)
    return false
  }

  /** Rejects the client: nothing more is read from it. The last response has the reason. */
  refuse(why: string): void {
    if (this.#state === 'refused') return
    this.#state = 'refused'
    this.#authenticator.failed(this.#client, why)
  }

  /** Whether the client has exceeded the timeout for authentication. */
  isLate(nowMs: number): boolean {
    return this.#state !== 'authenticated' && nowMs - this.#beganMs >= limitMs
  }
}

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { RestUser } from '../../config/worker/rest/rest-users.ts'
import type { Clock } from '../../foundation/clock.ts'
import { PasswordHash } from '../../foundation/network/password-hash.ts'
import { isToken, tokenHash } from '../../foundation/network/token-hash.ts'
import { TooManyLoginsError, UnauthorizedError } from './access-errors.ts'
import { Caller } from './caller.ts'
import type { Credentials } from './credentials.ts'
import { LoginBudget } from './login-budget.ts'
import { PasswordChecks } from './password-checks.ts'

/** How long a password that was verified is accepted without computing its hash again. */
const verifiedMs = 60_000

/** A user that has logged in, with what is known of its last log-in. */
interface KnownUser {
  readonly user: RestUser
  /** Of the password that was verified last; null: none. */
  digest: Buffer | null
  untilMs: number
  /** The log-ins that are being checked, by digest of the password. */
  readonly checks: Map<string, Promise<boolean>>
}

/** The users of the REST API, and their log-ins. */
export class UserLogins {
  readonly #clock: Clock
  readonly #budget: LoginBudget
  readonly #checks = new PasswordChecks()
  /** Of the digests of passwords: outside of this process they are of no use. */
  readonly #key = randomBytes(32)
  readonly #unknown = PasswordHash.ofNoPassword()
  #users: ReadonlyMap<string, KnownUser> = new Map()
  #tokens: ReadonlyMap<string, RestUser> = new Map()

  constructor(users: readonly RestUser[], clock: Clock) {
    this.#clock = clock
    this.#budget = new LoginBudget(clock)
    this.replace(users)
  }

  /** Only these users have access from here on. Their passwords are verified again. */
  replace(users: readonly RestUser[]): void {
    this.#users = new Map(
      users.map((user) => [user.name, { user, digest: null, untilMs: 0, checks: new Map<string, Promise<boolean>>() }]),
    )
    this.#tokens = new Map(users.flatMap((user) => (user.token === null ? [] : [[user.token, user] as const])))
  }

  /**
   * Returns the user with these credentials: immediately, unless the hash of a password has to be computed.
   * @param address of the client
   * @throws UnauthorizedError; TooManyLoginsError when too many log-ins of the address have failed; OverloadedError
   */
  login(credentials: Credentials | null, address: string): Caller | Promise<Caller> {
    if (credentials?.scheme === 'basic') return this.#withPassword(credentials, address)
    // A token is random: its hash needs neither salt nor cost, and the search for it tells nothing.
    const user =
      credentials !== null && isToken(credentials.token) ? this.#tokens.get(tokenHash(credentials.token)) : undefined
    if (user !== undefined) return Caller.of(user, 'user token')
    this.#pay(address, null)
    throw refused(null)
  }

  #withPassword(
    { user: name, password }: Extract<Credentials, { scheme: 'basic' }>,
    address: string,
  ): Caller | Promise<Caller> {
    const known = this.#users.get(name)
    const digest = createHmac('sha256', this.#key).update(password).digest()
    if (known !== undefined && this.#isVerified(known, digest)) return Caller.of(known.user, 'password')
    const check = known?.checks.get(digest.toString('hex'))
    if (known !== undefined && check !== undefined) return this.#joined(check, known)
    this.#pay(address, known?.user.name ?? null)
    return this.#check(known ?? null, { password, digest, address })
  }

  async #check(
    known: KnownUser | null,
    given: { readonly password: string; readonly digest: Buffer; readonly address: string },
  ): Promise<Caller> {
    let isRefused = false
    try {
      isRefused = !(await this.#verify(known, given.password, given.digest))
    } finally {
      // Also when it could not be checked.
      if (!isRefused) this.#budget.refund(given.address)
    }
    if (isRefused || known === null || !this.#isCurrent(known)) throw refused(known?.user.name ?? null)
    known.digest = given.digest
    known.untilMs = this.#clock.monotonic() + verifiedMs
    return Caller.of(known.user, 'password')
  }

  /** The outcome of a check of the same password that another log-in has begun. */
  async #joined(check: Promise<boolean>, known: KnownUser): Promise<Caller> {
    if ((await check) && this.#isCurrent(known)) return Caller.of(known.user, 'password')
    throw refused(known.user.name)
  }

  /** Whether the users have not been replaced since. */
  #isCurrent(known: KnownUser): boolean {
    return this.#users.get(known.user.name) === known
  }

  /** An unknown user takes as long as a known one, so that the time does not tell which users there are. */
  async #verify(known: KnownUser | null, password: string, digest: Buffer): Promise<boolean> {
    const hash = known?.user.password ?? null
    const check = this.#checks.verify(hash ?? this.#unknown, password)
    const key = digest.toString('hex')
    known?.checks.set(key, check)
    try {
      return (await check) && hash !== null
    } finally {
      known?.checks.delete(key)
    }
  }

  #isVerified(known: KnownUser, digest: Buffer): boolean {
    if (known.digest === null) return false
    if (this.#clock.monotonic() < known.untilMs) return timingSafeEqual(known.digest, digest)
    known.digest = null
    return false
  }

  #pay(address: string, user: string | null): void {
    const waitMs = this.#budget.take(address)
    if (waitMs > 0) throw new TooManyLoginsError(waitMs, user)
  }
}

function refused(user: string | null): UnauthorizedError {
  return new UnauthorizedError(true, 'rest.users.file', user)
}

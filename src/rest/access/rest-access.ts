import type { AccessToken } from '../request/access-token.ts'
import type { Exchange } from '../request/exchange.ts'
import type { Operation } from '../route.ts'

import { AccessDeniedError, UnauthorizedError, type AccessSetting } from './access-errors.ts'
import { Caller } from './caller.ts'
import { credentialsOf } from './credentials.ts'
import type { UserLogins } from './user-logins.ts'

const everyone = Caller.unlimited('none')
const withToken = Caller.unlimited('token')

/** Who may use the REST API: the clients with the worker's token, its users, or everyone when there are neither. */
export class RestAccess {
  readonly #token: AccessToken | null
  readonly #users: UserLogins | null

  constructor(token: AccessToken | null, users: UserLogins | null) {
    this.#token = token
    this.#users = users
  }

  /** Whether clients have to authenticate. */
  get isRequired(): boolean {
    return this.#token !== null || this.#users !== null
  }

  /**
   * Returns the caller: immediately, unless the hash of a password has to be computed.
   * @throws UnauthorizedError, TooManyLoginsError, OverloadedError
   */
  callerOf(authorization: string | undefined, address: string | undefined): Caller | Promise<Caller> {
    if (!this.isRequired) return everyone
    if (this.#token?.accepts(authorization) === true) return withToken
    if (this.#users === null) throw new UnauthorizedError(authorization !== undefined, 'rest.token.file')
    if (authorization === undefined) throw new UnauthorizedError(false, 'rest.users.file')
    return this.#users.login(credentialsOf(authorization), address ?? '')
  }

  /**
   * The header `Authorization` of a request that is forwarded, and the setting that the receiver has to share; null when this
   * worker requires nothing.
   */
  forwarded({ caller, authorization }: Exchange): {
    readonly authorization: string | undefined
    readonly setting: AccessSetting | null
  } {
    if (caller.proof === 'none') return { authorization, setting: null }
    if (caller.proof === 'token')
      return { authorization: this.#token?.authorization ?? authorization, setting: 'rest.token.file' }
    return { authorization, setting: 'rest.users.file' }
  }
}

/** Checks that the caller may use a route. @throws AccessDeniedError */
export function authorize(caller: Caller, { method, path, needs }: Operation, params: Exchange['params']): void {
  const operation = `${method} ${path}`
  const connector = params['connector']
  if (!caller.hasRole(needs.role)) throw AccessDeniedError.ofRole(caller, operation, needs.role)
  if (connector !== undefined) checkReach(caller, connector)
  if (needs.of === 'all connectors' && caller.isLimited) throw AccessDeniedError.ofAll(caller, operation)
}

/** @throws AccessDeniedError when the caller may not use connectors of that name, whether there is one or not */
export function checkReach(caller: Caller, connector: string): void {
  if (!caller.reaches(connector)) throw AccessDeniedError.ofConnector(caller, connector)
}

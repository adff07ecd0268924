import type { Role } from '../../config/worker/rest/rest-users.ts'
import { clipped } from '../../foundation/logging/clipped.ts'
import { RestError } from '../rest-error.ts'
import type { Caller } from './caller.ts'

/** The challenge of a response with status 401. Basic is first: a client that knows only one scheme knows this one. */
export const challenge = 'Basic realm="penstock", Bearer realm="penstock"'
/** That of a 403 (RFC 6750): the client is known, and may not do this. */
export const insufficient = 'Bearer realm="penstock", error="insufficient_scope"'

/** The setting that names what clients have to show. */
export type AccessSetting = 'rest.token.file' | 'rest.users.file'

const required: Readonly<Record<AccessSetting, string>> = {
  'rest.token.file':
    'the header "Authorization: Bearer <token>" with the token in the file that the worker\'s rest.token.file names',
  'rest.users.file':
    'a user of the file that the worker\'s rest.users.file names: with Basic authentication, or with the header "Authorization: Bearer <token>"',
}

/** What a request without access carried, for the log. */
const credentials: Readonly<Record<AccessSetting, { readonly missing: string; readonly wrong: string }>> = {
  'rest.token.file': { missing: 'no token', wrong: 'a wrong token' },
  'rest.users.file': { missing: 'no credentials', wrong: 'wrong credentials' },
}

/** 401: the request carries no credentials, or wrong ones. */
export class UnauthorizedError extends RestError {
  override readonly name = 'UnauthorizedError'
  /** Whether the request carried credentials. */
  readonly isRefused: boolean
  /** What the request carried, for the log. */
  readonly carried: string
  readonly setting: AccessSetting
  /** The user whose log-in failed; null: an unknown one, or none. */
  readonly user: string | null

  constructor(isRefused: boolean, setting: AccessSetting, user: string | null = null) {
    super(401, `HTTP 401 Unauthorized. Requests need ${required[setting]}`)
    this.isRefused = isRefused
    this.setting = setting
    this.user = user
    const { missing, wrong } = credentials[setting]
    this.carried = isRefused ? wrong : missing
  }
}

/** 403: the caller is known, and may not do this. */
export class AccessDeniedError extends RestError {
  override readonly name = 'AccessDeniedError'

  constructor(reason: string) {
    super(403, `HTTP 403 Forbidden. ${reason}`)
  }

  static ofRole({ user, role }: Caller, operation: string, needed: Role): AccessDeniedError {
    return new AccessDeniedError(`${operation} needs the role ${needed}; the user "${user ?? ''}" has the role ${role}`)
  }

  static ofConnector({ user }: Caller, connector: string): AccessDeniedError {
    return new AccessDeniedError(
      `The user "${user ?? ''}" has no access to connectors of the name "${clipped(connector)}"`,
    )
  }

  static ofTopic({ user }: Caller, topic: string): AccessDeniedError {
    return new AccessDeniedError(
      `No connector that the user "${user ?? ''}" has access to uses the topic "${clipped(topic)}"`,
    )
  }

  static ofRecords({ user }: Caller, topic: string): AccessDeniedError {
    return new AccessDeniedError(
      `The user "${user ?? ''}" may not read the records of topic "${clipped(topic)}". The line <user>.topics of the users file allows it`,
    )
  }

  static ofAll({ user }: Caller, operation: string): AccessDeniedError {
    return new AccessDeniedError(
      `${operation} concerns all connectors; the user "${user ?? ''}" has access to some of them`,
    )
  }
}

/** 429: too many log-ins from this address have failed. */
export class TooManyLoginsError extends RestError {
  override readonly name = 'TooManyLoginsError'
  readonly retryAfterSeconds: number
  /** As in {@link UnauthorizedError}. */
  readonly user: string | null

  constructor(retryAfterMs: number, user: string | null) {
    const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000))
    super(429, `HTTP 429 Too Many Requests. Too many log-ins from this address have failed. Retry in ${seconds} s`)
    this.retryAfterSeconds = seconds
    this.user = user
  }
}

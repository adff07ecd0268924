import { Secret } from '../../foundation/network/secret.ts'
import { RestError } from '../rest-error.ts'

/** The challenge of a response with status 401. Basic is first: a client that knows only one scheme knows this one. */
export const challenge = 'Basic realm="penstock", Bearer realm="penstock"'

/** The token that requests must carry: as `Bearer`, or as the password of `Basic` with any user name. */
export class AccessToken {
  /** The header of requests from this worker to another one. */
  readonly authorization: string
  readonly #token: Secret

  constructor(token: string) {
    this.authorization = `Bearer ${token}`
    this.#token = new Secret(token)
  }

  /** Compares in constant time. */
  accepts(authorization: string | undefined): boolean {
    const given = credentialOf(authorization ?? '')
    return this.#token.is(given ?? '') && given !== null
  }
}

/** 401: the request carries no token, or a wrong one. */
export class UnauthorizedError extends RestError {
  override readonly name = 'UnauthorizedError'
  readonly carried: 'no token' | 'a wrong token'

  constructor(carried: 'no token' | 'a wrong token') {
    super(
      401,
      'HTTP 401 Unauthorized. Requests need the header "Authorization: Bearer <token>" with the token in the file that the worker\'s rest.token.file names',
    )
    this.carried = carried
  }
}

function credentialOf(authorization: string): string | null {
  const [, scheme = '', credential = ''] = /^(\S+) +(\S+) *$/.exec(authorization) ?? []
  if (scheme.toLowerCase() === 'bearer') return credential
  if (scheme.toLowerCase() !== 'basic') return null
  const pair = Buffer.from(credential, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  return colon < 0 ? null : pair.slice(colon + 1)
}

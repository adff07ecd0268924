import { Secret } from '../../foundation/network/secret.ts'
import { credentialsOf } from '../access/credentials.ts'

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
    const given = credentialsOf(authorization)
    const credential = given?.scheme === 'basic' ? given.password : given?.token
    return this.#token.is(credential ?? '') && credential !== undefined
  }
}

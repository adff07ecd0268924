import type { PasswordHash } from '../../foundation/network/password-hash.ts'
import { OverloadedError } from '../rest-error.ts'

/** The checks that may wait. Each takes about 0.2 s of a core and 16 MB. */
const maxWaiting = 32

/** Checks passwords one at a time, so that log-ins use no more than one core, and one thread of libuv. */
export class PasswordChecks {
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /** @throws OverloadedError when too many wait */
  async verify(hash: PasswordHash, password: string): Promise<boolean> {
    if (this.#waiting >= maxWaiting) throw new OverloadedError('busy', `${maxWaiting} passwords are being checked`)
    this.#waiting += 1
    const turn = this.#last.then(async () => await hash.verify(password))
    this.#last = turn.catch(() => undefined)
    try {
      return await turn
    } finally {
      this.#waiting -= 1
    }
  }
}

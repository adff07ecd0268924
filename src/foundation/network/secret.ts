import { createHash, timingSafeEqual } from 'node:crypto'

/** A token or password to compare with. Only its digest is kept in memory (I8). */
export class Secret {
  readonly #digest: Buffer

  constructor(text: string) {
    this.#digest = digestOf(text)
  }

  /** Returns whether the text is the secret, in time that does not depend on the text's contents. */
  is(text: string): boolean {
    return timingSafeEqual(digestOf(text), this.#digest)
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

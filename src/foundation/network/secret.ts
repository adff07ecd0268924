import { createHash, timingSafeEqual } from 'node:crypto'

/** A text that others have to know. Only its digest is kept. */
export class Secret {
  readonly #digest: Buffer

  constructor(text: string) {
    this.#digest = digestOf(text)
  }

  /** Whether the text is the secret. Takes as long for a wrong one as for the right one. */
  is(text: string): boolean {
    return timingSafeEqual(digestOf(text), this.#digest)
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

import type { ParsedSchema } from './parsed-schema.ts'

const maxSchemas = 1000
/** Of all texts together. */
const maxLength = 8 * 1024 * 1024

/** The schemas that were parsed lately, by type and text, within bounds (I10): clients send the same ones again. */
export class RecentSchemas {
  readonly #schemas = new Map<string, ParsedSchema>()
  #length = 0

  /** The schema of a text without references. @throws what `parse` throws, which is not kept */
  of(schemaType: string, text: string, parse: () => ParsedSchema): ParsedSchema {
    const key = `${schemaType} ${text}`
    const known = this.#schemas.get(key)
    if (known !== undefined) {
      // The one that was not used for longest is the first.
      this.#schemas.delete(key)
      this.#schemas.set(key, known)
      return known
    }
    const parsed = parse()
    if (key.length > maxLength / 4) return parsed
    this.#schemas.set(key, parsed)
    this.#length += key.length
    for (const oldest of this.#schemas.keys()) {
      if (this.#schemas.size <= maxSchemas && this.#length <= maxLength) break
      this.#schemas.delete(oldest)
      this.#length -= oldest.length
    }
    return parsed
  }
}

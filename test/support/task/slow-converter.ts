import type { Converter } from '../../../src/api/converter.ts'
import { DataError, NotReadyError } from '../../../src/api/errors.ts'
import { deferred, type Deferred } from '../../../src/foundation/async/deferred.ts'

/** Converts text of which each value has a schema, the word before its first space, that has to be found first. */
export class SlowConverter implements Converter {
  /** How often each schema was looked for. */
  readonly lookups: string[] = []
  /** What the next look-ups fail with. */
  readonly errors: Error[] = []
  readonly #known = new Set<string>()
  readonly #lookups = new Map<string, Deferred<void>>()

  /** Ends the look-ups of schemas, also those that follow. */
  find(...schemas: readonly string[]): void {
    for (const schema of schemas) this.#lookup(schema).resolve()
  }

  fromConnect: Converter['fromConnect'] = (_topic, _schema, value) => Buffer.from(this.#checked(String(value)))

  toConnect: Converter['toConnect'] = (_topic, bytes) => {
    return { schema: null, value: this.#checked(Buffer.from(bytes ?? []).toString()) }
  }

  #lookup(schema: string): Deferred<void> {
    const lookup = this.#lookups.get(schema) ?? deferred()
    this.#lookups.set(schema, lookup)
    return lookup
  }

  #checked(text: string): string {
    if (text === 'garbage') throw new DataError('no schema is named')
    const [schema = ''] = text.split(' ')
    if (this.#known.has(schema)) return text
    throw new NotReadyError(`the schema ${schema}`, async () => {
      this.lookups.push(schema)
      const error = this.errors.shift()
      if (error !== undefined) throw error
      await this.#lookup(schema).promise
      this.#known.add(schema)
    })
  }
}

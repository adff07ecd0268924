import type { Converter } from '../../../src/api/converter.ts'
import { DataError, RetriableError } from '../../../src/api/errors.ts'

/** Converts text, but fails on `bad…`, and on `flaky…` as often as the test says. */
export class FragileConverter implements Converter {
  /** How often `flaky…` fails from now on. */
  failures = 0

  fromConnect: Converter['fromConnect'] = (_topic, _schema, value) =>
    value === null ? null : Buffer.from(this.#checked(String(value)))

  toConnect: Converter['toConnect'] = (_topic, bytes) => ({
    schema: null,
    value: bytes === null ? null : this.#checked(Buffer.from(bytes).toString()),
  })

  #checked(text: string): string {
    if (text.startsWith('bad')) throw new DataError(`${text} has no form`)
    if (text.startsWith('flaky') && this.failures > 0) {
      this.failures -= 1
      throw new RetriableError(`${text} is not there yet`)
    }
    return text
  }
}

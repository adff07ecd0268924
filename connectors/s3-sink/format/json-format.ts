import type { ConnectValue, Schema, SinkRecord } from 'penstock/api'

import type { FormatWriter, ObjectFormat } from './object-format.ts'
import { RecordBuffer } from './record-buffer.ts'
import { RecordText } from './record-text.ts'

const lineFeed = Buffer.from('\n')
const fullBytes = 240 * 1024

/** JSON Lines: one value of JSON on each line. */
export function jsonFormat(decimalFormat: 'BASE64' | 'NUMERIC'): ObjectFormat {
  const text = new RecordText(decimalFormat)
  return {
    extension: '.json',
    contentType: 'application/x-ndjson',
    compressible: true,
    begin: (schema) => new JsonWriter(schema, text),
  }
}

class JsonWriter implements FormatWriter {
  readonly #schema: Schema | null
  readonly #text: RecordText
  readonly #lines = new RecordBuffer(lineFeed, fullBytes)

  constructor(schema: Schema | null, text: RecordText) {
    this.#schema = schema
    this.#text = text
  }

  get held(): number {
    return this.#lines.held
  }

  get isFull(): boolean {
    return this.#lines.isFull
  }

  append(_record: SinkRecord, value: ConnectValue): number {
    return this.#lines.append(this.#text.of(this.#schema, value))
  }

  takeBack(): void {
    this.#lines.takeBack()
  }

  drain(): Buffer {
    return this.#lines.take()
  }

  finish(): Buffer {
    return this.#lines.take()
  }
}

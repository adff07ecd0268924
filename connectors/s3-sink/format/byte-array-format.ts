import { DataError, type ConnectValue, type Schema, type SinkRecord } from 'penstock/api'

import type { FormatWriter, ObjectFormat } from './object-format.ts'
import { RecordBuffer } from './record-buffer.ts'

const fullBytes = 240 * 1024

export interface ByteArraySettings {
  /** Of records, for messages. */
  readonly part: 'value' | 'key'
  /** With its dot: `.bin`. */
  readonly extension: string
  /** Follows the bytes of each record. */
  readonly separator: Buffer
}

/** The bytes of values or keys as they are. Nothing but the separator tells where one ends, and they may contain it. */
export function byteArrayFormat(settings: ByteArraySettings): ObjectFormat {
  return {
    extension: settings.extension,
    contentType: 'application/octet-stream',
    compressible: true,
    separatorBytes: settings.separator.length,
    begin: (schema) => new ByteArrayWriter(settings, schema),
  }
}

class ByteArrayWriter implements FormatWriter {
  readonly #part: 'value' | 'key'
  readonly #schema: Schema | null
  readonly #records: RecordBuffer

  constructor({ part, separator }: ByteArraySettings, schema: Schema | null) {
    this.#part = part
    this.#schema = schema
    this.#records = new RecordBuffer(separator, fullBytes)
  }

  get held(): number {
    return this.#records.held
  }

  get isFull(): boolean {
    return this.#records.isFull
  }

  append(_record: SinkRecord, value: ConnectValue): number {
    if (!(value instanceof Uint8Array)) throw notBytes(this.#schema?.type ?? typeof value, this.#part)
    return this.#records.append(value)
  }

  takeBack(): void {
    this.#records.takeBack()
  }

  drain(): Buffer {
    return this.#records.take()
  }

  finish(): Buffer {
    return this.#records.take()
  }
}

function notBytes(what: string, part: 'value' | 'key'): DataError {
  return new DataError(
    `ByteArrayFormat writes bytes, and the ${part} is ${what}. Set ${part}.converter to org.apache.kafka.connect.converters.ByteArrayConverter`,
  )
}

import { DataError, type ConnectValue, type SinkRecord } from 'penstock/api'

import type { FormatWriter, ObjectFormat } from './object-format.ts'
import { RecordBuffer } from './record-buffer.ts'

const fullBytes = 240 * 1024

export interface ByteArraySettings {
  /** With its dot: `.bin`. */
  readonly extension: string
  /** Follows the bytes of each record. */
  readonly separator: Buffer
}

/** The bytes of the values as they are. Nothing but the separator tells where one ends, and they may contain it. */
export function byteArrayFormat({ extension, separator }: ByteArraySettings): ObjectFormat {
  return {
    extension,
    contentType: 'application/octet-stream',
    compressible: true,
    begin: () => new ByteArrayWriter(separator),
  }
}

class ByteArrayWriter implements FormatWriter {
  readonly #records: RecordBuffer

  constructor(separator: Buffer) {
    this.#records = new RecordBuffer(separator, fullBytes)
  }

  get held(): number {
    return this.#records.held
  }

  get isFull(): boolean {
    return this.#records.isFull
  }

  append({ valueSchema }: SinkRecord, value: ConnectValue): number {
    if (!(value instanceof Uint8Array)) throw notBytes(valueSchema?.type ?? typeof value)
    return this.#records.append(value)
  }

  drain(): Buffer {
    return this.#records.take()
  }

  finish(): Buffer {
    return this.#records.take()
  }
}

function notBytes(what: string): DataError {
  return new DataError(
    `ByteArrayFormat writes bytes, and the value is ${what}. Set value.converter to org.apache.kafka.connect.converters.ByteArrayConverter`,
  )
}

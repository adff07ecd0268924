import type { ParsedConfig } from 'penstock/api'

import type { RecordFormat } from './record-format.ts'
import { byteArrayFormat, jsonFormat, sizedFormat } from './text-formats.ts'

export type FormatName = 'json' | 'avro' | 'bytes'

/** What the formats need to know. */
export interface FormatSettings {
  readonly bytes: { readonly extension: string; readonly separator: Buffer }
  /** The options of Confluent's AvroData. */
  readonly avroData: ParsedConfig
}

/** The formats of a task, each loaded when an object has it. */
export class Formats {
  readonly #settings: FormatSettings
  readonly #bytes: RecordFormat
  #avro: RecordFormat | null = null

  constructor(settings: FormatSettings) {
    this.#settings = settings
    this.#bytes = byteArrayFormat(settings.bytes.separator)
  }

  /** Returns whether an object with this end of its name has the format. */
  has(name: FormatName, extension: string): boolean {
    return this.nameOf(extension) === name
  }

  /** Returns the format that an object with this end of its name has; null: none that the source reads. */
  nameOf(extension: string): FormatName | null {
    const own = extension.replace(/\.(?:gz|zst)$/, '')
    if (own === this.#settings.bytes.extension) return 'bytes'
    if (own === '.json') return 'json'
    return own === '.avro' ? 'avro' : null
  }

  /** Returns the format of bytes whose sizes a manifest says. */
  sized(sizes: string): RecordFormat {
    return sizedFormat(sizes, this.#settings.bytes.separator.length)
  }

  async open(name: FormatName): Promise<RecordFormat> {
    if (name === 'json') return jsonFormat
    if (name === 'bytes') return this.#bytes
    if (this.#avro === null) {
      const { avroFormat } = await import('./avro-format.ts')
      this.#avro = avroFormat(this.#settings.avroData)
    }
    return this.#avro
  }
}

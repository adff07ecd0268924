import { DataError, lastHeader, type SinkRecord } from 'penstock/api'
import type { SinkSettings } from './settings.ts'

/** An external version: a number, or a bigint past 2^53. Null writes without a version. */
export type Version = number | bigint | null

/**
 * Finds each record's version. In `auto` a topic's first record decides between header and offset; a topic that
 * mixes both would order its documents by incomparable numbers, and fails by name.
 */
export class DocumentVersions {
  readonly #settings: Pick<SinkSettings, 'documentVersion' | 'versionHeader'>
  readonly #kinds = new Map<string, 'header' | 'offset'>()

  constructor(settings: Pick<SinkSettings, 'documentVersion' | 'versionHeader'>) {
    this.#settings = settings
  }

  /** @throws DataError when a header is missing, malformed, or mixed with offsets. */
  of(record: SinkRecord): Version {
    const { documentVersion, versionHeader } = this.#settings
    if (documentVersion === 'none') return null
    if (documentVersion === 'offset') return record.originalOffset
    const header = lastHeader(record.headers, versionHeader)
    if (documentVersion === 'auto') this.#agree(record.originalTopic, header === undefined ? 'offset' : 'header')
    if (header === undefined) {
      if (documentVersion === 'auto') return record.originalOffset
      throw new DataError(
        `the record has no header '${versionHeader}' to take its version from. Use document.version=auto or offset`,
        { code: 'ES_VERSION_HEADER' },
      )
    }
    return parse(header.value, versionHeader)
  }

  #agree(topic: string, kind: 'header' | 'offset'): void {
    const known = this.#kinds.get(topic)
    if (known === undefined) this.#kinds.set(topic, kind)
    else if (known !== kind) {
      throw new DataError(
        `topic '${topic}' mixes records with and without the header '${this.#settings.versionHeader}': their versions cannot be compared. Set document.version to header, offset or none, or give the topic one producer`,
        { code: 'ES_VERSION_MIXED' },
      )
    }
  }
}

function parse(value: unknown, name: string): number | bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  const text = String(value)
  if (!/^\d{1,19}$/.test(text))
    throw new DataError(`header '${name}' holds '${text}', which is no version (an integer from 0)`, {
      code: 'ES_VERSION_HEADER',
    })
  const big = BigInt(text)
  return big <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(big) : big
}

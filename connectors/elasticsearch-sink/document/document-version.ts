import { ConnectError, DataError, lastHeader, type SinkRecord } from 'penstock/api'
import type { SinkSettings } from '../config/settings.ts'

/** An external version: a number, or a bigint past 2^53. Null writes without a version. */
export type Version = number | bigint | null

/** The lowest version of our Postgres source. It is above every offset. */
export const firstRowVersion = 2 ** 53

/** The first offsets of a partition with and without a version header. */
export class VersionKinds {
  headerFrom = Number.POSITIVE_INFINITY
  plainFrom = Number.POSITIVE_INFINITY
}

/**
 * Finds the version of each record: with `auto` its version header if it has one, else its offset. A partition may change once
 * from offsets to row versions, which are above every offset: a topic of Debezium that our source continues. Other mixtures
 * cannot be compared and fail.
 */
export class DocumentVersions {
  readonly #settings: Pick<SinkSettings, 'documentVersion' | 'versionHeader'>

  constructor(settings: Pick<SinkSettings, 'documentVersion' | 'versionHeader'>) {
    this.#settings = settings
  }

  /**
   * @param kinds the versions that the record's partition has had so far.
   * @throws DataError when a header is missing or malformed, ConnectError where versions are mixed.
   */
  of(record: SinkRecord, kinds: VersionKinds): Version {
    const { documentVersion, versionHeader } = this.#settings
    if (documentVersion === 'none') return null
    if (documentVersion === 'offset') return record.originalOffset
    const header = lastHeader(record.headers, versionHeader)
    if (header === undefined) {
      if (documentVersion === 'auto') return this.#plain(record, kinds)
      throw new DataError(
        `the record has no header '${versionHeader}' to take its version from. Use document.version=auto or offset`,
        { code: 'ES_VERSION_HEADER' },
      )
    }
    const version = parse(header.value, versionHeader)
    if (documentVersion === 'auto') this.#noteHeader(record, version, kinds)
    return version
  }

  #plain(record: SinkRecord, kinds: VersionKinds): number {
    const { originalTopic, originalOffset } = record
    if (originalOffset > kinds.headerFrom) {
      throw new ConnectError(
        `record ${placeOf(record)}: topic '${originalTopic}' changed back from records with the header '${this.#settings.versionHeader}' to records without it: their offsets are lower than the versions of the documents. ${newIndexAdvice}`,
        { code: 'ES_VERSION_MIXED', stage: 'TASK_PUT', topicPartition: placeOf(record) },
      )
    }
    if (originalOffset < kinds.plainFrom) kinds.plainFrom = originalOffset
    return originalOffset
  }

  #noteHeader(record: SinkRecord, version: number | bigint, kinds: VersionKinds): void {
    const { originalTopic, originalOffset } = record
    if (originalOffset < kinds.headerFrom) kinds.headerFrom = originalOffset
    if (version < firstRowVersion && originalOffset > kinds.plainFrom) {
      throw new ConnectError(
        `record ${placeOf(record)}: topic '${originalTopic}' has records without the header '${this.#settings.versionHeader}' before this one, whose version ${version} is not above every offset. ${newIndexAdvice}`,
        { code: 'ES_VERSION_MIXED', stage: 'TASK_PUT', topicPartition: placeOf(record) },
      )
    }
  }
}

/** How to index a topic whatever its versions were: offsets follow the order of the partition. */
export const newIndexAdvice =
  'Delete the index, or route to a new one, and create the connector under another name with document.version=offset: it reads the topic from its beginning, in the order of its offsets'

/** The place of a record: `topic-partition@offset`. */
export function placeOf(record: SinkRecord): string {
  return `${record.originalTopic}-${record.originalPartition}@${record.originalOffset}`
}

/** The version in a header; null without the header. @throws DataError */
export function versionIn(record: SinkRecord, name: string): Version {
  const header = lastHeader(record.headers, name)
  return header === undefined ? null : parse(header.value, name)
}

const largestSafe = BigInt(Number.MAX_SAFE_INTEGER)

function parse(value: unknown, name: string): number | bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  // Versions of our Postgres source: such a header is read as INT64.
  if (typeof value === 'bigint' && value > largestSafe) return value
  const text = String(value)
  if (!/^\d{1,19}$/.test(text))
    throw new DataError(`header '${name}' holds '${text}', which is not a version (an integer from 0)`, {
      code: 'ES_VERSION_HEADER',
    })
  const big = BigInt(text)
  return big <= largestSafe ? Number(big) : big
}

import { isJsonObject, parseJson, type JsonObject } from '../../api/json/json-parse.ts'
import type { ReadableRecord } from '../../runtime/plugin-thread/records/readable-record.ts'

/** The commit that a record is from, as Debezium's envelope and the header of the row version tell. */
export interface RecordCommit {
  /** `16/B374D848`; null if it is not known. */
  readonly lsn: string | null
  /** Milliseconds since the epoch; null if it is not known. */
  readonly time: number | null
  /** Null if it is not known. */
  readonly transaction: string | null
  /** The row version: `__penstock.version`. Null if the record has none. */
  readonly version: string | null
}

const versionHeader = '__penstock.version'
/** See docs/decisions/0018: a version is (epoch × 2^43 + commit LSN / 8) × 1024 + index. */
const lsnOfVersion = (version: bigint): bigint => ((version >> 10n) & ((1n << 43n) - 1n)) << 3n

/** Returns null for a record of which no commit is known. */
export function commitOf({ value, headers }: Pick<ReadableRecord, 'value' | 'headers'>): RecordCommit | null {
  const version = headers.findLast(({ key }) => key === versionHeader)?.value ?? null
  const isVersion = version !== null && /^\d{1,19}$/.test(version)
  const source = sourceOf(value)
  if (!isVersion && source === null) return null
  const lsn = isVersion ? lsnOfVersion(BigInt(version)) : integerOf(source?.['lsn'])
  const time = integerOf(source?.['ts_ms'])
  return {
    lsn: lsn === null ? null : lsnText(lsn),
    time: time === null ? null : Number(time),
    transaction: integerOf(source?.['txId'])?.toString() ?? null,
    version: isVersion ? version : null,
  }
}

/** The block `source` of an envelope; null where there is none, as in a flattened record or a tombstone. */
function sourceOf(value: string): JsonObject | null {
  const parsed = parseJson(value)
  const source = isJsonObject(parsed) ? parsed['source'] : null
  return isJsonObject(source) && source['connector'] === 'postgresql' ? source : null
}

function integerOf(value: unknown): bigint | null {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value)) ? BigInt(value) : null
}

/** As Postgres writes it. */
function lsnText(lsn: bigint): string {
  const [high, low] = [lsn >> 32n, lsn & 0xffff_ffffn]
  return `${high.toString(16)}/${low.toString(16)}`.toUpperCase()
}

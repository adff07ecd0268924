import { ConnectError, DataError, errorMessage, noHeaders, type Header } from 'penstock/api'

import type { S3Store } from '../../s3-store/client/s3-store.ts'
import { objectBytes, unpackedBytes } from '../../s3-store/reading/object-bytes.ts'
import type { ArchiveObject, ArchiveUnit } from './archive-unit.ts'
import { RecordStream } from './record-stream.ts'
import { headersOf } from './stored-headers.ts'
import type { Formats } from '../format/open-format.ts'
import type { StoredValue } from '../format/record-format.ts'

/** An object cannot be read: its bytes are no object of its format, or the objects of a unit do not fit. */
export class DamagedObjectError extends ConnectError {}

/** A record of a unit. */
export interface ArchiveRecord {
  /** Null where there is no manifest that says it. */
  readonly offset: number | null
  readonly timestamp: number | null
  readonly key: StoredValue
  readonly value: StoredValue
  readonly headers: readonly Header[]
}

const none: StoredValue = { schema: null, value: null }

/** Reads the records of a unit in their order. */
export interface RecordReader {
  readonly unit: ArchiveUnit
  /** Returns up to so many records; none only at the end. @throws DamagedObjectError */
  take(count: number): Promise<readonly ArchiveRecord[]>
  /** Returns whether there are no more records. @throws DamagedObjectError */
  isAtEnd(): Promise<boolean>
  close(): Promise<void>
}

/** Reads the objects of a unit. */
export class UnitReader implements RecordReader {
  readonly unit: ArchiveUnit
  readonly #values: RecordStream | null
  readonly #keys: RecordStream | null
  readonly #headers: RecordStream | null

  private constructor(
    unit: ArchiveUnit,
    streams: {
      readonly value: RecordStream | null
      readonly keys: RecordStream | null
      readonly headers: RecordStream | null
    },
  ) {
    this.unit = unit
    this.#values = streams.value
    this.#keys = streams.keys
    this.#headers = streams.headers
  }

  static async open(unit: ArchiveUnit, store: S3Store, formats: Formats, signal: AbortSignal): Promise<UnitReader> {
    const stream = async (object: ArchiveObject | null): Promise<RecordStream | null> => {
      if (object === null) return null
      const { listed, format, sizes } = object
      const reader = sizes === null ? await formats.open(format) : formats.sized(sizes)
      return new RecordStream(reader.read(unpackedBytes(listed.key, objectBytes(store, listed, signal))))
    }
    const [value, keys, headers] = [await stream(unit.value), await stream(unit.keys), await stream(unit.headers)]
    return new UnitReader(unit, { value, keys, headers })
  }

  /** Returns up to so many records; none only at the end. @throws DamagedObjectError */
  async take(count: number): Promise<readonly ArchiveRecord[]> {
    const { value, keys, headers } = this.unit
    const own = await of(value ?? keys, async () => await (this.#values ?? this.#keys)?.take(count))
    const keysOf = this.#values === null ? own : await of(keys, async () => await this.#keys?.takeAll(own.length))
    const beside = await of(headers, async () => await this.#headers?.takeAll(own.length))
    if (this.#keys !== null && keysOf.length < own.length) throw this.#misfit(keys)
    if (this.#headers !== null && beside.length < own.length) throw this.#misfit(headers)
    const texts = await of(headers, async () => beside.map(headersOf))
    return own.map((record, i) => ({
      offset: null,
      timestamp: null,
      value: this.#values === null ? none : record,
      key: keysOf[i] ?? none,
      headers: texts[i] ?? noHeaders,
    }))
  }

  /** Returns whether there are no more records. @throws DamagedObjectError */
  async isAtEnd(): Promise<boolean> {
    const { value, keys, headers } = this.unit
    const at = async (object: ArchiveObject | null, stream: RecordStream | null): Promise<boolean> =>
      await guarded(object, async () => (await stream?.isAtEnd()) ?? true)
    if (!(await at(value ?? keys, this.#values ?? this.#keys))) return false
    if (!(await at(keys, this.#keys))) throw this.#misfit(keys)
    if (!(await at(headers, this.#headers))) throw this.#misfit(headers)
    return true
  }

  async close(): Promise<void> {
    for (const stream of [this.#values, this.#keys, this.#headers]) await stream?.close()
  }

  #misfit(object: ArchiveObject | null): DamagedObjectError {
    return damaged(object, 'it has another number of records than the object of the values beside it')
  }
}

async function of<T>(
  object: ArchiveObject | null,
  read: () => Promise<readonly T[] | undefined>,
): Promise<readonly T[]> {
  return (await guarded(object, read)) ?? []
}

/** @throws DamagedObjectError for what is wrong with the bytes of the object, and other errors as they are */
async function guarded<T>(object: ArchiveObject | null, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof DataError) throw damaged(object, errorMessage(error), error)
    throw error
  }
}

function damaged(object: ArchiveObject | null, why: string, cause?: unknown): DamagedObjectError {
  const advice = 'Restore the object from a copy, or set behavior.on.error=ignore to leave out the rest of it.'
  const options = cause === undefined ? {} : { cause }
  return new DamagedObjectError(`${object?.listed.key ?? 'an object'} cannot be read: ${why}. ${advice}`, {
    code: 'S3_OBJECT_DAMAGED',
    ...options,
  })
}

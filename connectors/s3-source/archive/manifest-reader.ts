import { ConnectError, DataError, errorMessage, present } from 'penstock/api'

import type { S3Store } from '../../s3-store/client/s3-store.ts'
import {
  parseManifest,
  type Manifest,
  type ManifestGroup,
  type ManifestObject,
} from '../../s3-store/manifest/manifest.ts'
import { numbersIn } from '../../s3-store/manifest/number-list.ts'
import { objectNameOf, type ObjectPart } from '../../s3-store/object/object-name.ts'
import { ObjectChangedError } from '../../s3-store/reading/object-bytes.ts'
import type { ArchiveObject, ArchiveUnit } from './archive-unit.ts'
import type { ArchiveScope } from './list-archive.ts'
import { DamagedObjectError, UnitReader, type ArchiveRecord, type RecordReader } from './unit-reader.ts'

/** The records of a group, with what the manifest says of them. */
interface GroupRecords {
  readonly reader: UnitReader
  readonly offsets: readonly number[]
  /** -1: it has none. */
  readonly timestamps: readonly number[] | null
  next: number
}

/** Reads the records of a manifest: those of all its groups in the order of their offsets, with their timestamps. */
export class ManifestReader implements RecordReader {
  readonly unit: ArchiveUnit
  readonly #groups: readonly GroupRecords[]

  private constructor(unit: ArchiveUnit, groups: readonly GroupRecords[]) {
    this.unit = unit
    this.#groups = groups
  }

  /** @throws DamagedObjectError, ObjectChangedError */
  static async open(
    unit: ArchiveUnit,
    store: S3Store,
    scope: ArchiveScope,
    signal: AbortSignal,
  ): Promise<ManifestReader> {
    const { groups } = await readManifest(unit, store, signal)
    const opened: GroupRecords[] = []
    for (const group of groups) opened.push(await openGroup(group, { unit, store, scope, signal }))
    return new ManifestReader(unit, opened)
  }

  /** Returns up to so many records; none only at the end. @throws DamagedObjectError */
  async take(count: number): Promise<readonly ArchiveRecord[]> {
    const waiting = this.#groups.filter((group) => nextOf(group) !== null).toSorted((a, b) => offsetOf(a) - offsetOf(b))
    const [first, second] = waiting
    if (first === undefined) return []
    const end = second === undefined ? Number.POSITIVE_INFINITY : offsetOf(second)
    let wanted = 1
    while (wanted < count && (first.offsets[first.next + wanted] ?? Number.POSITIVE_INFINITY) < end) wanted += 1
    const records = await first.reader.take(wanted)
    if (records.length === 0) throw this.#misfit(first)
    const from = first.next
    first.next += records.length
    return records.map(({ key, value, headers }, i) => {
      const timestamp = first.timestamps?.[from + i] ?? -1
      const offset = first.offsets[from + i] ?? null
      return { key, value, headers, offset, timestamp: timestamp < 0 ? null : timestamp }
    })
  }

  /** Returns whether there are no more records. @throws DamagedObjectError if an object has more than the manifest says */
  async isAtEnd(): Promise<boolean> {
    if (this.#groups.some((group) => nextOf(group) !== null)) return false
    for (const group of this.#groups) if (!(await group.reader.isAtEnd())) throw this.#misfit(group)
    return true
  }

  async close(): Promise<void> {
    for (const { reader } of this.#groups) await reader.close()
  }

  #misfit({ reader }: GroupRecords): DamagedObjectError {
    const { value, keys } = reader.unit
    const manifest = present(this.unit.manifest, 'a manifest').key
    return damaged((value ?? keys)?.listed.key ?? manifest, `it has another number of records than ${manifest} says`)
  }
}

const nextOf = ({ offsets, next }: GroupRecords): number | null => offsets[next] ?? null
const offsetOf = (group: GroupRecords): number => nextOf(group) ?? Number.POSITIVE_INFINITY

async function readManifest({ manifest }: ArchiveUnit, store: S3Store, signal: AbortSignal): Promise<Manifest> {
  const listed = present(manifest, 'a manifest')
  const bytes = await store.getRange(listed, { start: 0, end: listed.bytes }, signal)
  if (bytes === null) throw new ObjectChangedError(listed.key)
  try {
    return parseManifest(bytes)
  } catch (error) {
    throw damaged(listed.key, errorMessage(error), error)
  }
}

async function openGroup(
  { records, offsets, timestamps, objects }: ManifestGroup,
  { unit, store, scope, signal }: { unit: ArchiveUnit; store: S3Store; scope: ArchiveScope; signal: AbortSignal },
): Promise<GroupRecords> {
  const { key: manifest } = present(unit.manifest, 'a manifest')
  const parts: Partial<Record<ObjectPart, ArchiveObject>> = {}
  for (const object of objects) parts[object.part] = await located(object, { manifest, store, scope, signal })
  const { value = null, keys = null, headers = null } = parts
  try {
    const group = { ...unit, manifest: null, value, keys, headers }
    return {
      reader: await UnitReader.open(group, store, scope.formats, signal),
      offsets: offsets.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i)),
      timestamps: timestamps === null ? null : numbersIn(timestamps.each, records),
      next: 0,
    }
  } catch (error) {
    if (error instanceof DataError) throw damaged(manifest, errorMessage(error), error)
    throw error
  }
}

/** Looks at an object that a manifest names. */
async function located(
  { key, bytes, sizes }: ManifestObject,
  { manifest, store, scope, signal }: { manifest: string; store: S3Store; scope: ArchiveScope; signal: AbortSignal },
): Promise<ArchiveObject> {
  const head = await store.headObject(key, signal)
  if (head === 'denied') throw new ConnectError(`HEAD ${key} was refused. Grant the credentials s3:GetObject.`)
  if (head === null) throw damaged(key, `it is missing, and ${manifest} names it`)
  if (head.bytes !== bytes) throw damaged(key, `it has ${head.bytes} bytes, and ${manifest} says ${bytes}`)
  const name = objectNameOf(scope.layout, key)
  const format = name === null ? null : scope.formats.nameOf(name.extension)
  if (format === null) throw damaged(key, 'the source does not read its format')
  return { listed: { key, bytes, tag: head.tag, modifiedMs: 0 }, format, sizes }
}

function damaged(key: string, why: string, cause?: unknown): DamagedObjectError {
  return new DamagedObjectError(`${key} cannot be read: ${why}. Restore it from a copy.`, {
    code: 'S3_OBJECT_DAMAGED',
    ...(cause === undefined ? {} : { cause }),
  })
}

import type { ListedObject } from '../../s3-store/client/object-reads.ts'
import type { FormatName } from '../format/open-format.ts'

/** An object that can be read. */
export interface ArchiveObject {
  readonly listed: ListedObject
  readonly format: FormatName
  /** Those of its records, where the manifest says them; otherwise the format tells where they end. */
  readonly sizes: string | null
}

/** The objects that hold the same records: their values, and beside them their keys and headers. */
export interface ArchiveUnit {
  readonly topic: string
  readonly partition: number
  /** The names of its objects up to the last delimiter. */
  readonly directory: string
  /** The offset that names it. */
  readonly start: number
  /** The replay of dead letters that it is of; null: it is of none. */
  readonly replayId: string | null
  /** What is read instead, with archive.manifest: it names the objects. */
  readonly manifest: ListedObject | null
  /** Null: the records are tombstones, of which there are only keys. */
  readonly value: ArchiveObject | null
  readonly keys: ArchiveObject | null
  readonly headers: ArchiveObject | null
}

/** How far the units of one replay, or those of none, of a directory of a Kafka partition are read. Its objects are read in the order of their offsets. */
export interface Position {
  /** The unit that is read. */
  readonly start: number
  /** The number of its records that are read. */
  readonly record: number
  /** That of its objects while it was read: the sink may replace the last one by a longer one. */
  readonly tag: string
  /** Whether it had no more records. */
  readonly complete: boolean
}

/** The tag of the objects of a unit, together. */
export function tagOf({ manifest, value, keys, headers }: ArchiveUnit): string {
  if (manifest !== null) return manifest.tag
  return [value, keys, headers].flatMap((object) => object?.listed.tag ?? []).join()
}

/** Returns whether a unit has records that are not read. */
export function isDue(unit: ArchiveUnit, position: Position | null): boolean {
  if (position === null || unit.start > position.start) return true
  return unit.start === position.start && (!position.complete || position.tag !== tagOf(unit))
}

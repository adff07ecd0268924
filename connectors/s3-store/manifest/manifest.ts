import { createHash } from 'node:crypto'

import { DataError, errorMessage, isJsonObject, parseJson, type JsonValue } from 'penstock/api'

import { manifestDirectory, type ObjectPart } from '../object/object-name.ts'
import { objectKey, type KeyLayout } from '../object/object-key.ts'

/** Names sort by offsets. */
const padWidth = 20
const format = 'penstock-archive-manifest'
const version = 1

/** An object that a manifest describes. */
export interface ManifestObject {
  readonly key: string
  readonly part: ObjectPart
  readonly bytes: number
  /** Of its bytes as they are stored, in hex. */
  readonly sha256: string
  /** Connect's schema as JSON; null: values have none, or it contains itself. */
  readonly schema: string | null
  /** The sizes of the records of a format that does not tell where they end, as {@link NumberList}; null: others. */
  readonly sizes: string | null
}

/** Objects that hold parts of the same records. */
export interface ManifestGroup {
  readonly records: number
  /** The offsets of the records, in their order: a first one, and how many follow each other. */
  readonly offsets: readonly (readonly [first: number, count: number])[]
  /** Milliseconds since the epoch. `each` is a {@link NumberList}, -1 for a record without one; null: no record has one. */
  readonly timestamps: { readonly min: number; readonly max: number; readonly each: string } | null
  /** The smallest and the largest WAL position of Debezium's change events, as in `source.lsn`; null: they are none. */
  readonly lsn: { readonly min: string; readonly max: string } | null
  readonly objects: readonly ManifestObject[]
}

/** What the objects that ended together hold. One for each range of offsets of a partition; each names the one before. */
export interface Manifest {
  readonly topic: string
  readonly topicId: string | null
  readonly clusterId: string | null
  readonly partition: number
  /** The range of offsets, without `to`: those of it that no group lists have no record in the archive. */
  readonly from: number
  readonly to: number
  readonly previous: { readonly key: string; readonly sha256: string } | null
  readonly groups: readonly ManifestGroup[]
}

/** The beginning of the names of the manifests of a partition. */
export function manifestPrefix(layout: KeyLayout, topic: string, partition: number): string {
  const key = manifestKey(layout, { topic, partition }, 0)
  return key.slice(0, key.lastIndexOf(layout.fileDelimiter) + layout.fileDelimiter.length)
}

/** The name of the manifest of the objects that begin at an offset. */
export function manifestKey(
  layout: KeyLayout,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  start: number,
): string {
  const path = `${manifestDirectory}${layout.directoryDelimiter}partition=${partition}`
  return objectKey({ ...layout, padWidth }, { topic, partition, path, extension: '.json' }, start)
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A manifest as it is stored, with the SHA-256 of its own text at its end. */
export function manifestBytes({ topicId, clusterId, ...manifest }: Manifest): Buffer {
  const json = JSON.stringify({ format, version, topic_id: topicId, cluster_id: clusterId, ...manifest })
  return Buffer.from(`${json.slice(0, -1)},"sha256":"${sha256Of(Buffer.from(json))}"}\n`)
}

/** Returns the text of a manifest without its SHA-256. @throws DataError if that is another one */
function provenText(text: string): string {
  const [, body = '', sha256] = /^(.*),"sha256":"([0-9a-f]{64})"}\n$/s.exec(text) ?? []
  const own = `${body}}`
  if (sha256 !== sha256Of(Buffer.from(own)))
    throw new DataError('its own SHA-256 is another one: it was changed or cut off, or it is no manifest')
  return own
}

/** @throws DataError if the bytes are no manifest */
export function parseManifest(bytes: Buffer): Manifest {
  try {
    const json = object(parseJson(provenText(bytes.toString())))
    if (json['format'] !== format) throw new DataError('it is no manifest of an archive')
    if (json['version'] !== version) throw new DataError(`its version is ${String(json['version'])}, not ${version}`)
    const previous = json['previous'] === null ? null : object(json['previous'])
    return {
      topic: text(json['topic']),
      topicId: textOrNull(json['topic_id']),
      clusterId: textOrNull(json['cluster_id']),
      partition: number(json['partition']),
      from: number(json['from']),
      to: number(json['to']),
      previous: previous === null ? null : { key: text(previous['key']), sha256: text(previous['sha256']) },
      groups: list(json['groups']).map(groupOf),
    }
  } catch (error) {
    if (error instanceof DataError) throw error
    throw new DataError(`it is no JSON: ${errorMessage(error)}`, { cause: error })
  }
}

function groupOf(value: JsonValue): ManifestGroup {
  const json = object(value)
  const times = json['timestamps'] === null ? null : object(json['timestamps'])
  const lsn = json['lsn'] === null ? null : object(json['lsn'])
  return {
    records: number(json['records']),
    offsets: list(json['offsets']).map((run) => {
      const [first, count] = list(run)
      return [number(first), number(count)]
    }),
    timestamps:
      times === null ? null : { min: number(times['min']), max: number(times['max']), each: text(times['each']) },
    lsn: lsn === null ? null : { min: text(lsn['min']), max: text(lsn['max']) },
    objects: list(json['objects']).map(objectOf),
  }
}

function objectOf(value: JsonValue): ManifestObject {
  const json = object(value)
  const part = json['part']
  if (part !== 'value' && part !== 'keys' && part !== 'headers') throw new DataError('it names another part of records')
  return {
    key: text(json['key']),
    part,
    bytes: number(json['bytes']),
    sha256: text(json['sha256']),
    schema: textOrNull(json['schema']),
    sizes: textOrNull(json['sizes']),
  }
}

function object(value: JsonValue | undefined): Readonly<Record<string, JsonValue>> {
  if (isJsonObject(value)) return value
  throw new DataError('a part of the manifest is missing')
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  if (Array.isArray(value)) return value as readonly JsonValue[]
  throw new DataError('a list of the manifest is missing')
}

function text(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value
  throw new DataError('a text of the manifest is missing')
}

function textOrNull(value: JsonValue | undefined): string | null {
  return value === null || value === undefined ? null : text(value)
}

function number(value: JsonValue | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new DataError('a number of the manifest is missing')
}

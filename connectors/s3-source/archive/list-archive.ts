import { ConnectError } from 'penstock/api'

import type { ListedObject } from '../../s3-store/client/object-reads.ts'
import type { S3Store } from '../../s3-store/client/s3-store.ts'
import { objectNameOf, type ObjectName } from '../../s3-store/object/object-name.ts'
import type { ArchiveObject, ArchiveUnit } from './archive-unit.ts'
import type { FormatName, Formats } from '../format/open-format.ts'

/** 200 bytes each. */
const maxObjects = 2_000_000

/** Which objects a task reads. */
export interface ArchiveScope {
  readonly layout: { readonly topicsDir: string; readonly directoryDelimiter: string; readonly fileDelimiter: string }
  readonly format: FormatName
  readonly formats: Formats
  /** Objects that were put before this time are left out. */
  readonly sinceMs: number
  /** Whether manifests are read, and only the objects that they name. */
  readonly byManifests: boolean
  /** Whether the task reads an object. */
  takes(name: ObjectName, key: string): boolean
}

/**
 * Lists what a task reads, in the order of topics, partitions and offsets. Objects with other names than the sink gives, and values of
 * other formats, are left out.
 */
export async function listArchive(store: S3Store, scope: ArchiveScope, signal: AbortSignal): Promise<ArchiveUnit[]> {
  const { topicsDir, directoryDelimiter } = scope.layout
  const prefix = topicsDir === '' ? '' : topicsDir + directoryDelimiter
  const units = new Map<string, OpenUnit>()
  let from: string | null = null
  let count = 0
  do {
    const page = await store.listObjects({ prefix, ...(from === null ? {} : { from }) }, signal)
    for (const listed of page.objects) if (add(units, listed, scope)) count += 1
    if (count > maxObjects) throw tooMany()
    from = page.next
  } while (from !== null)
  return [...units.values()]
    .filter(({ manifest, value, keys }) => manifest !== null || value !== null || keys !== null)
    .toSorted(inOrder)
}

type OpenUnit = { -readonly [K in keyof ArchiveUnit]: ArchiveUnit[K] }

function add(units: Map<string, OpenUnit>, listed: ListedObject, scope: ArchiveScope): boolean {
  const name = objectNameOf(scope.layout, listed.key)
  if (name === null || listed.modifiedMs < scope.sinceMs || !scope.takes(name, listed.key)) return false
  if ((name.part === 'manifest') !== scope.byManifests) return false
  const object = name.part === 'manifest' ? null : objectOf(listed, name, scope)
  if (object === null && name.part !== 'manifest') return false
  const { topic, partition, start, replayId } = name
  const directory = listed.key.slice(0, listed.key.lastIndexOf(scope.layout.directoryDelimiter))
  const id = JSON.stringify([directory, partition, start, replayId])
  const place = { topic, partition, directory, start, replayId }
  const unit = units.get(id) ?? { ...place, manifest: null, value: null, keys: null, headers: null }
  if (name.part === 'manifest') unit.manifest = listed
  else unit[name.part] = object
  units.set(id, unit)
  return true
}

function objectOf(listed: ListedObject, { part, extension }: ObjectName, scope: ArchiveScope): ArchiveObject | null {
  const format = scope.formats.nameOf(extension)
  if (format === null || (part === 'value' && format !== scope.format)) return null
  return { listed, format, sizes: null }
}

function inOrder(a: ArchiveUnit, b: ArchiveUnit): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  if (a.partition !== b.partition) return a.partition - b.partition
  if (a.start !== b.start) return a.start - b.start
  if (a.directory !== b.directory) return a.directory < b.directory ? -1 : 1
  return (a.replayId ?? '') < (b.replayId ?? '') ? -1 : 1
}

function tooMany(): ConnectError {
  return new ConnectError(
    `the archive has more than ${maxObjects} objects for one task. Raise tasks.max, or read some topics only with topic.regex.list.`,
    { code: 'S3_TOO_MANY_OBJECTS' },
  )
}

import { createHash } from 'node:crypto'

import { DataError, errorMessage } from 'penstock/api'

import type { ListedObject } from '../client/object-reads.ts'
import type { S3Store } from '../client/s3-store.ts'
import { objectNameOf } from '../object/object-name.ts'
import { objectBytes } from '../reading/object-bytes.ts'
import { parseManifest, sha256Of, type Manifest, type ManifestObject } from './manifest.ts'

/** What is wrong with an archive. */
export interface ArchiveFault {
  readonly kind:
    | 'missing object'
    | 'object cut off'
    | 'object changed'
    | 'object without manifest'
    | 'missing manifest'
    | 'manifest changed'
    | 'gap'
    | 'overlap'
  /** The object or manifest that it is about. */
  readonly key: string
  readonly why: string
}

/** What was verified of a partition. */
export interface VerifiedPartition {
  readonly topic: string
  readonly partition: number
  /** Of the dead letters that were delivered again, whose manifests name each other only; null: the others. */
  readonly replayId: string | null
  /** The offsets of all manifests, without `to`. */
  readonly from: number
  readonly to: number
  readonly manifests: number
  readonly objects: number
  readonly records: number
  readonly bytes: number
  readonly faults: number
}

export interface VerifyOptions {
  readonly layout: { readonly topicsDir: string; readonly directoryDelimiter: string; readonly fileDelimiter: string }
  /** Called for each fault, as soon as it is found. */
  readonly onFault: (fault: ArchiveFault) => void
  /** Called for each partition when it is verified. */
  readonly onPartition: (partition: VerifiedPartition) => void
}

/** The objects of a partition or of one replay of it, by what their names say. */
interface PartitionListing {
  readonly topic: string
  readonly partition: number
  readonly replayId: string | null
  readonly manifests: ListedObject[]
  readonly objects: Map<string, ListedObject>
}

/**
 * Reads an archive with manifests, all bytes of it, and compares it with them: each manifest is the one that the next one names, their
 * ranges of offsets follow each other, and each object has the size and the SHA-256 that its manifest says. What was deleted from the
 * end, with its manifests, cannot be missed: compare `to` with the topic.
 */
export async function verifyArchive(store: S3Store, options: VerifyOptions, signal: AbortSignal): Promise<void> {
  for (const listing of await listPartitions(store, options, signal))
    options.onPartition(await new PartitionCheck(store, options, listing, signal).run())
}

async function listPartitions(
  store: S3Store,
  { layout }: VerifyOptions,
  signal: AbortSignal,
): Promise<readonly PartitionListing[]> {
  const prefix = layout.topicsDir === '' ? '' : layout.topicsDir + layout.directoryDelimiter
  const listings = new Map<string, PartitionListing>()
  let from: string | null = null
  do {
    const page = await store.listObjects({ prefix, ...(from === null ? {} : { from }) }, signal)
    for (const listed of page.objects) {
      const name = objectNameOf(layout, listed.key)
      if (name === null) continue
      const { topic, partition, replayId } = name
      const id = `${topic}-${partition} ${replayId ?? ''}`
      const listing = listings.get(id) ?? {
        topic,
        partition,
        replayId,
        manifests: [],
        objects: new Map<string, ListedObject>(),
      }
      listings.set(id, listing)
      if (name.part === 'manifest') listing.manifests.push(listed)
      else listing.objects.set(listed.key, listed)
    }
    from = page.next
  } while (from !== null)
  return [...listings.values()]
}

class PartitionCheck {
  readonly #store: S3Store
  readonly #options: VerifyOptions
  readonly #listing: PartitionListing
  readonly #signal: AbortSignal
  readonly #unlisted: Map<string, ListedObject>
  /** The one before; null: none, or it cannot be read. */
  #before: { readonly key: string; readonly sha256: string; readonly to: number } | null = null
  #range: { readonly from: number; to: number } | null = null
  #objects = 0
  #records = 0
  #bytes = 0
  #faults = 0

  constructor(store: S3Store, options: VerifyOptions, listing: PartitionListing, signal: AbortSignal) {
    this.#store = store
    this.#options = options
    this.#listing = listing
    this.#signal = signal
    this.#unlisted = new Map(listing.objects)
  }

  async run(): Promise<VerifiedPartition> {
    const { topic, partition, replayId, manifests } = this.#listing
    for (const listed of manifests) await this.#checkManifest(listed)
    for (const key of this.#unlisted.keys())
      this.#fault('object without manifest', key, 'no manifest names it, so it is not known whether it is whole')
    const { from, to } = this.#range ?? { from: 0, to: 0 }
    const [objects, records, bytes, faults] = [this.#objects, this.#records, this.#bytes, this.#faults]
    return { topic, partition, replayId, from, to, manifests: manifests.length, objects, records, bytes, faults }
  }

  async #checkManifest(listed: ListedObject): Promise<void> {
    const bytes = await this.#store.getRange(listed, { start: 0, end: listed.bytes }, this.#signal)
    if (bytes === null) return this.#fault('missing manifest', listed.key, 'it was deleted or replaced meanwhile')
    let manifest: Manifest
    try {
      manifest = parseManifest(bytes)
      checkOffsets(manifest)
    } catch (error) {
      this.#before = null
      return this.#fault('manifest changed', listed.key, errorMessage(error))
    }
    this.#checkLink(listed.key, manifest)
    this.#before = { key: listed.key, sha256: sha256Of(bytes), to: manifest.to }
    this.#range ??= { from: manifest.from, to: manifest.to }
    this.#range.to = manifest.to
    for (const group of manifest.groups) {
      this.#records += group.records
      for (const object of group.objects) await this.#checkObject(object, listed.key)
    }
  }

  /** Compares a manifest with the one before it. */
  #checkLink(key: string, { previous, from }: Manifest): void {
    const before = this.#before
    if (previous !== null && previous.key !== before?.key) {
      const why = `it is missing or unreadable, and ${key} names it as the one before`
      return this.#fault('missing manifest', previous.key, why)
    }
    if (before === null) return
    if (previous === null) return this.#fault('gap', key, `it names no manifest before it, and there is ${before.key}`)
    if (previous.sha256 !== before.sha256)
      this.#fault('manifest changed', before.key, `its SHA-256 is not the one that ${key} names`)
    if (from > before.to) this.#fault('gap', key, `the offsets from ${before.to} to ${from - 1} are in no manifest`)
    if (from < before.to)
      this.#fault('overlap', key, `the offsets from ${from} to ${before.to - 1} are in ${before.key} too`)
  }

  async #checkObject({ key, bytes, sha256 }: ManifestObject, manifest: string): Promise<void> {
    const listed = this.#listing.objects.get(key)
    this.#unlisted.delete(key)
    this.#objects += 1
    if (listed === undefined) return this.#fault('missing object', key, `${manifest} names it`)
    if (listed.bytes < bytes)
      return this.#fault('object cut off', key, `it has ${listed.bytes} bytes, and ${manifest} says ${bytes}`)
    const hash = createHash('sha256')
    for await (const piece of objectBytes(this.#store, listed, this.#signal)) hash.update(piece)
    this.#bytes += listed.bytes
    if (hash.digest('hex') !== sha256)
      this.#fault('object changed', key, `its SHA-256 is not the one in ${manifest}: at least one byte is another one`)
  }

  #fault(kind: ArchiveFault['kind'], key: string, why: string): void {
    this.#faults += 1
    this.#options.onFault({ kind, key, why })
  }
}

/** @throws DataError unless the records of each group are in order, and all are in the range of the manifest */
function checkOffsets({ from, to, groups }: Manifest): void {
  for (const { records, offsets } of groups) {
    let next = from
    let count = 0
    for (const [first, length] of offsets) {
      if (first < next || length < 1) throw new DataError('its offsets are not in order')
      next = first + length
      count += length
    }
    if (next > to) throw new DataError('it has offsets behind its range')
    if (count !== records) throw new DataError(`it has ${count} offsets for ${records} records`)
  }
}

import { readWholeFile, replaceFile, type FileSystem } from '../../log/disk/file-system.ts'
import { crc32c } from '../../protocol/record-batch/crc32c.ts'
import { CorruptMetadataError } from '../broker-error.ts'
import type { TopicOverrides } from '../settings/topic-configs.ts'

/*
 * `<data directory>/__cluster/metadata.json`: the topics of the broker. It is replaced as a whole, by rename, before the response to
 * a change (I1). A deleted topic stays listed under `deleting` until its directories are removed, so that its records never appear
 * in a topic of the same name. `checksum` is the CRC-32C of everything else as compact JSON, in hexadecimal, because JSON with a
 * flipped bit may still be valid. Files of earlier versions have no checksum.
 */

/** A topic as it is stored. */
export interface TopicRecord {
  readonly name: string
  /** base64url of 16 bytes. */
  readonly id: string
  readonly partitionCount: number
  readonly configs: TopicOverrides
}

/** Committed offsets of a deleted topic whose tombstones are not yet written. */
export interface ObsoleteOffsets {
  readonly name: string
  /** That of the deleted topic. */
  readonly id: string
  /** By partition of the offsets topic: records below this offset belong to the deleted topic. */
  readonly before: readonly number[]
}

/** The metadata of the broker, outside its partition logs. */
export interface ClusterMetadata {
  readonly clusterId: string
  readonly topics: readonly TopicRecord[]
  /** Topics whose directories are still to be removed. */
  readonly deleting: readonly TopicRecord[]
  readonly obsoleteOffsets: readonly ObsoleteOffsets[]
}

const directoryName = '__cluster'
const fileName = 'metadata.json'
const formatVersion = 1

/** A random uuid in Kafka's text form. Never the zero uuid, never one that begins with a dash (tools take that for an option). */
export function randomUuid(): string {
  for (;;) {
    const text = Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex').toString('base64url')
    if (!text.startsWith('-')) return text
  }
}

/** Returns whether a data directory has the metadata of a cluster. */
export function hasClusterFile(fs: FileSystem, dataDirectory: string): boolean {
  return fs.exists(`${dataDirectory}/${directoryName}/${fileName}`)
}

/** Reads the metadata of a data directory; without a file, that of an empty cluster. @throws CorruptMetadataError for a damaged file. */
export function readClusterFile(fs: FileSystem, dataDirectory: string): ClusterMetadata {
  const path = `${dataDirectory}/${directoryName}/${fileName}`
  if (!fs.exists(path)) {
    refuseOrphans(fs, dataDirectory)
    return { clusterId: randomUuid(), topics: [], deleting: [], obsoleteOffsets: [] }
  }
  try {
    return parse(JSON.parse(readWholeFile(fs, path).toString('utf8')))
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof CorruptMetadataError)) throw error
    throw new CorruptMetadataError(
      `${path} does not read as the broker's metadata (${error.message}). Restore it from a backup.`,
      {
        cause: error,
      },
    )
  }
}

/** Replaces the file; durable on return. */
export async function writeClusterFile(
  fs: FileSystem,
  dataDirectory: string,
  metadata: ClusterMetadata,
): Promise<void> {
  const directory = `${dataDirectory}/${directoryName}`
  if (!fs.exists(directory)) {
    fs.makeDirectory(directory)
    await fs.syncDirectory(dataDirectory)
  }
  await replaceFile(fs, directory, fileName, encode(metadata))
}

/** Returns whether the file contains exactly this metadata. @throws the system's error */
export function clusterFileHolds(fs: FileSystem, dataDirectory: string, metadata: ClusterMetadata): boolean {
  if (!hasClusterFile(fs, dataDirectory)) return false
  return readWholeFile(fs, `${dataDirectory}/${directoryName}/${fileName}`).equals(encode(metadata))
}

/** Returns the size of the file for this metadata. */
export function clusterFileSize(metadata: ClusterMetadata): number {
  return encode(metadata).length
}

function encode(metadata: ClusterMetadata): Buffer {
  const content = { version: formatVersion, ...metadata }
  const text = JSON.stringify({ ...content, checksum: checksumOf(content) }, null, 1)
  return Buffer.from(`${text}\n`, 'utf8')
}

/** Rejects a data directory with partitions but without metadata: an empty start would hide and later overwrite them. */
function refuseOrphans(fs: FileSystem, dataDirectory: string): void {
  if (!fs.exists(dataDirectory)) return
  const orphan = fs.list(dataDirectory).find((name) => /^[a-zA-Z0-9._-]+-\d+$/.test(name))
  if (orphan === undefined) return
  throw new CorruptMetadataError(
    `${dataDirectory} holds the partition ${orphan} but no ${directoryName}/${fileName}. Restore that file, or choose an empty directory.`,
  )
}

function checksumOf(content: object): string {
  return crc32c(Buffer.from(JSON.stringify(content), 'utf8')).toString(16)
}

function parse(value: unknown): ClusterMetadata {
  if (typeof value !== 'object' || value === null) throw new CorruptMetadataError('it is not an object')
  const { checksum, ...content } = value as Record<string, unknown>
  const { version, clusterId, topics, deleting, obsoleteOffsets = [], ...others } = content
  if (version !== formatVersion) throw new CorruptMetadataError(`version ${String(version)} is not ${formatVersion}`)
  // A damaged "checksum" must not make the file one that has none.
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new CorruptMetadataError(`${unknown} is not a field of it`)
  if (checksum !== undefined && checksum !== checksumOf(content))
    throw new CorruptMetadataError('its checksum is wrong')
  if (typeof clusterId !== 'string') throw new CorruptMetadataError('clusterId is missing')
  return {
    clusterId,
    topics: parseTopics(topics),
    deleting: parseTopics(deleting),
    obsoleteOffsets: parseObsolete(obsoleteOffsets),
  }
}

function parseObsolete(value: unknown): ObsoleteOffsets[] {
  if (!Array.isArray(value)) throw new CorruptMetadataError('obsoleteOffsets is not a list')
  return value.map((item: unknown) => {
    const { name, id, before } = item as Record<string, unknown>
    const isComplete = typeof name === 'string' && typeof id === 'string' && Array.isArray(before)
    if (!isComplete) throw new CorruptMetadataError(`obsolete offsets are not complete: ${JSON.stringify(item)}`)
    return { name, id, before: before.map(Number) }
  })
}

function parseTopics(value: unknown): TopicRecord[] {
  if (!Array.isArray(value)) throw new CorruptMetadataError('topics are missing')
  return value.map((item: unknown) => {
    const { name, id, partitionCount, configs } = item as Record<string, unknown>
    if (
      typeof name !== 'string' ||
      typeof id !== 'string' ||
      typeof partitionCount !== 'number' ||
      !isTextRecord(configs)
    ) {
      throw new CorruptMetadataError(`a topic is not complete: ${JSON.stringify(item)}`)
    }
    return { name, id, partitionCount, configs }
  })
}

function isTextRecord(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && Object.values(value).every((item) => typeof item === 'string')
}

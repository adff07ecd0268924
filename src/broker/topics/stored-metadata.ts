import type { Logger } from '../../foundation/logging/logger.ts'
import type { FileSystem } from '../../log/disk/file-system.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import {
  clusterFileHolds,
  clusterFileSize,
  hasClusterFile,
  readClusterFile,
  writeClusterFile,
  type ClusterMetadata,
  type TopicRecord,
} from './cluster-file.ts'
import { TopicError } from './topic-error.ts'

/** The options of {@link StoredMetadata.open}. */
export interface StoredMetadataOptions {
  readonly fs: FileSystem
  readonly dataDirectory: string
  readonly logger: Logger
}

/** The metadata of the cluster, in memory and in its file. Changes must not overlap. */
export class StoredMetadata {
  readonly #options: StoredMetadataOptions
  #current: ClusterMetadata

  private constructor(options: StoredMetadataOptions, metadata: ClusterMetadata) {
    this.#options = options
    this.#current = metadata
  }

  /** Reads the file, or creates it. @throws CorruptMetadataError; the system's error */
  static async open(options: StoredMetadataOptions): Promise<StoredMetadata> {
    const { fs, dataDirectory } = options
    const isNew = !hasClusterFile(fs, dataDirectory)
    const metadata = readClusterFile(fs, dataDirectory)
    const stored = new StoredMetadata(options, metadata)
    if (isNew) await stored.save(metadata)
    return stored
  }

  get current(): ClusterMetadata {
    return this.#current
  }

  /** The size of the file. */
  get sizeInBytes(): number {
    return clusterFileSize(this.#current)
  }

  /** Returns the record of a topic. @throws TopicError UNKNOWN_TOPIC_OR_PARTITION */
  recordOf(name: string): TopicRecord {
    const record = this.#current.topics.find((candidate) => candidate.name === name)
    if (record === undefined)
      throw new TopicError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'.`)
    return record
  }

  /** Replaces the metadata; durable on return. @throws the system's error; the metadata is then unchanged. */
  async save(metadata: ClusterMetadata): Promise<void> {
    const { fs, dataDirectory } = this.#options
    try {
      await writeClusterFile(fs, dataDirectory, metadata)
    } catch (error) {
      await this.#revert(metadata)
      throw error
    }
    this.#current = metadata
  }

  /** Replaces the record of a topic. @throws as {@link save} does. */
  replaceRecord(record: TopicRecord): Promise<void> {
    const topics = this.#current.topics.map((other) => (other.name === record.name ? record : other))
    return this.save({ ...this.#current, topics })
  }

  /** Undoes a change that failed after its file was replaced. Otherwise the next start would apply a rejected change. */
  async #revert(refused: ClusterMetadata): Promise<void> {
    const { fs, dataDirectory, logger } = this.#options
    try {
      if (clusterFileHolds(fs, dataDirectory, refused)) await writeClusterFile(fs, dataDirectory, this.#current)
    } catch (error) {
      const advice =
        'metadata.json contains a rejected change: the next start applies it unless another change succeeds first'
      logger.error(advice, { error: String(error) })
    }
  }
}

import { rmSync } from 'node:fs'
import type { Logger } from '../../foundation/logging/logger.ts'
import { readWholeFile, type FileSystem } from '../../log/disk/file-system.ts'
import { checkpointName } from '../../log/recovery/partition-checkpoint.ts'
import { suffixes } from '../../log/segment/segment-files.ts'
import { CorruptMetadataError } from '../broker-error.ts'
import type { ClusterMetadata, TopicRecord } from './cluster-file.ts'

/*
 * On disk: `<data directory>/<topic>-<partition>/`, with Kafka's `partition.metadata` in it, which has the topic id (KIP-516):
 *
 *   version: 0
 *   topic_id: <base64url>
 *
 * It tells the directory of one topic from that of another topic with the same name. It is not synced when it is written: if a
 * crash loses it, the next start writes it again, as for directories of an earlier version.
 */
const metadataName = 'partition.metadata'
const directoryPattern = /^([a-zA-Z0-9._-]+)-(\d+)$/

/** The directories of partitions: to which topic they belong, and which may be removed. */
export class PartitionDirectories {
  readonly #fs: FileSystem
  readonly #dataDirectory: string
  readonly #logger: Logger

  constructor(fs: FileSystem, dataDirectory: string, logger: Logger) {
    this.#fs = fs
    this.#dataDirectory = dataDirectory
    this.#logger = logger
  }

  pathOf(topic: string, partition: number): string {
    return `${this.#dataDirectory}/${topic}-${partition}`
  }

  /**
   * Creates the directory of a new partition. Removes the rest of an interrupted creation.
   * @throws CorruptMetadataError when the directory contains records; the system's error.
   */
  async claim(topic: string, partition: number, topicId: string): Promise<void> {
    const path = this.pathOf(topic, partition)
    if (this.#hasRecords(path)) throw this.#unknownRecords(path)
    await this.#empty(path)
    this.#fs.makeDirectory(path)
    this.#writeId(path, topicId)
  }

  /** Checks that the directory of a partition belongs to its topic. @throws CorruptMetadataError when it belongs to another topic. */
  verify(topic: string, partition: number, topicId: string): void {
    const path = this.pathOf(topic, partition)
    if (!this.#fs.exists(path)) {
      this.#logger.error('the directory of a partition is missing: its records are lost, and it starts empty', { path })
      this.#fs.makeDirectory(path)
    } else if (!this.#fs.list(path).some((name) => name.endsWith(suffixes.log) || name === checkpointName)) {
      // A power failure leaves such a directory of a partition without records, so this is not certainly a loss.
      this.#logger.warn(
        'the directory of a partition holds no log: it starts empty. If records were written to it, stop the broker and ' +
          'put the files back from a copy',
        { path },
      )
    }
    const found = this.#idIn(path)
    if (found === topicId) return
    if (found !== null) {
      throw new CorruptMetadataError(
        `${path} belongs to the topic with id ${found}, but metadata.json says that topic ${topic} has id ${topicId}. ` +
          `Restore __cluster/metadata.json and the directories of the partitions from one backup; if the records are those of ` +
          `this topic and only ${metadataName} is damaged, remove that file: it is written again.`,
      )
    }
    try {
      this.#writeId(path, topicId)
    } catch (error) {
      // Nothing depends on it yet, and a full disk must not prevent the broker from starting.
      this.#logger.warn('partition.metadata could not be written', { path, error: String(error) })
    }
  }

  /**
   * Rejects directories with records of partitions that metadata.json does not list: a new topic of that name would meet them.
   * @throws CorruptMetadataError
   */
  refuseUnknown({ topics, deleting }: ClusterMetadata): void {
    const counts = new Map<string, number>()
    for (const { name, partitionCount } of [...topics, ...deleting])
      counts.set(name, Math.max(counts.get(name) ?? 0, partitionCount))
    for (const name of this.#fs.list(this.#dataDirectory)) {
      const [, topic = '', partition] = directoryPattern.exec(name) ?? []
      if (partition === undefined || Number(partition) < (counts.get(topic) ?? 0)) continue
      const path = `${this.#dataDirectory}/${name}`
      if (this.#hasRecords(path)) throw this.#unknownRecords(path)
    }
  }

  /**
   * Removes the directories of a deleted topic, but not those of another topic with the same name.
   * @param isNameInUse whether a topic of that name exists: a directory without a topic id belongs to it.
   * @throws the system's error; directories that were removed stay removed.
   */
  async remove({ name, id, partitionCount }: TopicRecord, isNameInUse: boolean): Promise<void> {
    for (let partition = 0; partition < partitionCount; partition += 1) {
      const path = this.pathOf(name, partition)
      if (!this.#fs.exists(path)) continue
      const owner = this.#idIn(path)
      if (owner !== null ? owner !== id : isNameInUse) continue
      await this.#empty(path)
      rmSync(path, { recursive: true, force: true })
    }
  }

  /** Removes a directory durably: otherwise a power failure could bring it back for a topic of the same name. The topic id goes last. */
  async #empty(path: string): Promise<void> {
    if (!this.#fs.exists(path)) return
    const names = this.#fs.list(path)
    for (const name of names.filter((other) => other !== metadataName)) this.#fs.remove(`${path}/${name}`)
    if (names.includes(metadataName)) this.#fs.remove(`${path}/${metadataName}`)
    if (names.length > 0) await this.#fs.syncDirectory(path)
  }

  #hasRecords(path: string): boolean {
    if (!this.#fs.exists(path)) return false
    try {
      const logs = this.#fs.list(path).filter((name) => name.endsWith(suffixes.log))
      return logs.some((name) => this.#fs.sizeOf(`${path}/${name}`) > 0)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return false
      throw error
    }
  }

  #unknownRecords(path: string): CorruptMetadataError {
    const id = this.#idIn(path)
    const owner = id === null ? '' : ` of the topic with id ${id}`
    return new CorruptMetadataError(
      `${path} holds records${owner}, but metadata.json does not name this partition. Restore __cluster/metadata.json ` +
        `from the backup that the directory belongs to, or move the directory out of ${this.#dataDirectory}.`,
    )
  }

  /** Returns null without the file, or when a crash damaged it. */
  #idIn(path: string): string | null {
    const file = `${path}/${metadataName}`
    if (!this.#fs.exists(file)) return null
    return /^version: 0\ntopic_id: ([\w-]{22})\n$/.exec(readWholeFile(this.#fs, file).toString('utf8'))?.[1] ?? null
  }

  #writeId(path: string, topicId: string): void {
    const file = this.#fs.open(`${path}/${metadataName}`, 'create')
    try {
      file.write(Buffer.from(`version: 0\ntopic_id: ${topicId}\n`), 0)
    } finally {
      file.close()
    }
  }
}

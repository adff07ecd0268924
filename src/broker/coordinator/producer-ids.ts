import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { readWholeFile, replaceFile, type FileSystem } from '../../log/disk/file-system.ts'
import { crc32c } from '../../protocol/record-batch/crc32c.ts'

const fileName = 'producer-ids'
const blockSize = 1000
/** More ids than are ever assigned in a millisecond: the current time in this unit is above every assigned id. */
const idsPerMs = 1000

/** Far above every id that is assigned. A client may send any number; numbers above this limit are ignored. */
const idLimit = 2 ** 52

/** Used to report and to replace a damaged, missing or outdated file. */
export interface ProducerIdsContext {
  readonly clock: Clock
  readonly logger: Logger
  /** The ids that the partitions remember. */
  readonly usedIds: Iterable<number>
}

/** Encodes the file. Its checksum covers the lines before it, because a flipped bit turns a number into another one. */
function encode(next: number): string {
  const text = `version 1\nnext ${next}\n`
  return `${text}checksum ${crc32c(Buffer.from(text)).toString(16)}\n`
}

/** Null when the text is damaged. Version 0 has no checksum. */
function decode(text: string): number | null {
  const [, version, next] = /^version ([01])\nnext (\d+)\n(?:checksum [0-9a-f]+\n)?$/.exec(text) ?? []
  if (next === undefined) return null
  const expected = version === '0' ? `version 0\nnext ${next}\n` : encode(Number(next))
  return text === expected ? Number(next) : null
}

function firstAbove(ids: Iterable<number>): number {
  let first = 0
  for (const id of ids) if (id >= first && id < idLimit) first = id + 1
  return first
}

/**
 * Assigns producer ids, each only once. The end of a block of ids is durable before the first id of the block is assigned. The
 * unused rest of a block is skipped after a restart.
 */
export class ProducerIds {
  readonly #fs: FileSystem
  readonly #directory: string
  #next: number
  #blockEnd: number
  #reserving: Promise<void> | null = null

  private constructor(fs: FileSystem, directory: string, next: number) {
    this.#fs = fs
    this.#directory = directory
    this.#next = next
    this.#blockEnd = next
  }

  /**
   * Reads the next id. If two producers had the same id, a partition would take the first batch of the second one for a
   * duplicate and acknowledge it without writing it. So the ids that partitions remember take precedence over a file that is
   * damaged, missing, or restored from a backup.
   */
  static open(fs: FileSystem, directory: string, { clock, logger, usedIds }: ProducerIdsContext): ProducerIds {
    const path = `${directory}/${fileName}`
    const firstUnused = firstAbove(usedIds)
    const next = fs.exists(path) ? decode(readWholeFile(fs, path).toString('utf8')) : 0
    if (next !== null && next >= firstUnused) return new ProducerIds(fs, directory, next)
    const free = Math.max(clock.now() * idsPerMs, firstUnused)
    const reason = next === null ? 'is damaged' : 'is missing or older than the log'
    logger.error(`the file of the next producer id ${reason}; continuing far above all assigned ids`, {
      path,
      free,
    })
    return new ProducerIds(fs, directory, free)
  }

  /** Returns an unused id. @throws the system's error when the next block cannot be reserved. */
  async take(): Promise<number> {
    while (this.#next === this.#blockEnd) {
      this.#reserving ??= this.#reserve().finally(() => {
        this.#reserving = null
      })
      await this.#reserving
    }
    const id = this.#next
    this.#next += 1
    return id
  }

  async #reserve(): Promise<void> {
    const end = this.#blockEnd + blockSize
    await replaceFile(this.#fs, this.#directory, fileName, Buffer.from(encode(end), 'utf8'))
    this.#blockEnd = end
  }
}

import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { readWholeFile, replaceFile, type FileSystem } from '../../log/disk/file-system.ts'
import { crc32c } from '../../protocol/record-batch/crc32c.ts'

const fileName = 'producer-ids'
const blockSize = 1000
/** More than are ever given out in a millisecond: the time so far, in these, is above every id. */
const idsPerMs = 1000

/** No id that is given out comes near it. A client may send any number: one above it says nothing about ids that were given out. */
const idLimit = 2 ** 52

/** What a damaged, missing or outdated file is reported with and replaced by. */
export interface ProducerIdsContext {
  readonly clock: Clock
  readonly logger: Logger
  /** The ids that the partitions remember. */
  readonly usedIds: Iterable<number>
}

/** The file's text. A flipped bit in a number is another number: the checksum is that of the lines before it. */
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
 * Hands out producer ids, none of them twice, whatever happens: the end of a block of ids is durable before the first of the
 * block is given away. What a crash leaves of a block is skipped.
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
   * A partition that remembers an id takes the first batch of a second producer with it for a duplicate, and acknowledges it
   * without writing it. So a file that is damaged, that is missing, or that was restored from a backup does not count against
   * what the partitions remember.
   */
  static open(fs: FileSystem, directory: string, { clock, logger, usedIds }: ProducerIdsContext): ProducerIds {
    const path = `${directory}/${fileName}`
    const firstUnused = firstAbove(usedIds)
    const next = fs.exists(path) ? decode(readWholeFile(fs, path).toString('utf8')) : 0
    if (next !== null && next >= firstUnused) return new ProducerIds(fs, directory, next)
    const free = Math.max(clock.now() * idsPerMs, firstUnused)
    const reason = next === null ? 'is damaged' : 'is missing or older than the log'
    logger.error(`the file of the next producer id ${reason}; ids go on far above all that were given out`, {
      path,
      free,
    })
    return new ProducerIds(fs, directory, free)
  }

  /** An id nobody has. @throws the system's error when the next block cannot be reserved. */
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

import { readWholeFile, replaceFile, type FileSystem } from '../../log/file-system.ts'
import { CorruptMetadataError } from '../broker-error.ts'

const fileName = 'producer-ids'
const blockSize = 1000

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

  /** @throws CorruptMetadataError when the file does not read: ids must not be given out again. */
  static open(fs: FileSystem, directory: string): ProducerIds {
    const path = `${directory}/${fileName}`
    if (!fs.exists(path)) return new ProducerIds(fs, directory, 0)
    const text = readWholeFile(fs, path).toString('utf8')
    const next = /^version 0\nnext (\d+)\n$/.exec(text)?.[1]
    if (next === undefined) throw new CorruptMetadataError(`${path} does not read as the next producer id`)
    return new ProducerIds(fs, directory, Number(next))
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
    await replaceFile(this.#fs, this.#directory, fileName, Buffer.from(`version 0\nnext ${end}\n`, 'utf8'))
    this.#blockEnd = end
  }
}

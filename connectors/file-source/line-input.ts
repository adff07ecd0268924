import { fstatSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { Socket } from 'node:net'
import { ReadStream } from 'node:tty'

import { BoundedQueue, ConnectError, errorMessage, type Logger } from 'penstock/api'

const readBytes = 64 * 1024

/** An input of bytes. `read` returns null if there are none at the moment. */
export interface LineInput {
  read(): Promise<Uint8Array | null>
  close(): Promise<void>
}

/** A file that may not exist yet, and that may grow. */
export class FileInput implements LineInput {
  readonly #path: string
  readonly #logger: Logger
  readonly #buffer = Buffer.alloc(readBytes)
  #position: number
  #file: FileHandle | null = null
  #missed = false
  #closed = false

  constructor(path: string, position: number, logger: Logger) {
    this.#path = path
    this.#position = position
    this.#logger = logger
  }

  async read(): Promise<Uint8Array | null> {
    this.#file ??= await this.#open()
    if (this.#closed) await this.close()
    if (this.#file === null) return null
    const { bytesRead } = await this.#file.read(this.#buffer, 0, readBytes, this.#position).catch((error: unknown) => {
      throw unreadable(this.#path, error)
    })
    this.#position += bytesRead
    return bytesRead === 0 ? null : this.#buffer.subarray(0, bytesRead)
  }

  /** A read that is opening the file closes it then. */
  async close(): Promise<void> {
    this.#closed = true
    const file = this.#file
    this.#file = null
    await file?.close()
  }

  async #open(): Promise<FileHandle | null> {
    try {
      return await open(this.#path, 'r')
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT')
        throw unreadable(this.#path, error)
      if (!this.#missed) {
        this.#logger.warn(`Couldn't find file ${this.#path} for FileStreamSourceTask, waiting for it to be created`)
      }
      this.#missed = true
      return null
    }
  }
}

function unreadable(path: string, cause: unknown): ConnectError {
  const message = `the file ${path} cannot be read (${errorMessage(cause)}). Correct its path or permissions, and restart the task.`
  return new ConnectError(message, { code: 'FILE_SOURCE_UNREADABLE', cause })
}

/** The standard input of the process. */
export function standardInput(logger: Logger): LineInput {
  const stat = fstatSync(0)
  if (stat.isFile()) return new FileInput('/dev/stdin', 0, logger)
  return new StreamInput(stat.isCharacterDevice() ? new ReadStream(0) : new Socket({ fd: 0 }))
}

/** A pipe or a terminal. A read through the file system would block a thread of libuv's pool until input arrives. */
class StreamInput implements LineInput {
  readonly #queue = new BoundedQueue<Uint8Array>(1024 * 1024)
  readonly #stream: Socket

  constructor(stream: Socket) {
    this.#stream = stream
    stream.on('data', (bytes: Buffer) => {
      if (!this.#queue.push(bytes, bytes.length)) stream.pause()
    })
    // An error of a pipe or terminal is the same as its end.
    stream.on('error', () => stream.destroy())
  }

  async read(): Promise<Uint8Array | null> {
    const bytes = this.#queue.take() ?? null
    if (bytes !== null) this.#stream.resume()
    return bytes
  }

  async close(): Promise<void> {
    this.#stream.destroy()
  }
}

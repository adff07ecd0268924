import { fdatasync, fstat, write } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'

import {
  ConnectError,
  javaText,
  present,
  type Clock,
  type OffsetToCommit,
  type SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  errorMessage,
} from 'penstock/api'

const standardOutput = 1
/** The wait before a write to a full pipe is retried. */
const fullPipeMs = 20
const lineEnd = Buffer.from('\n')
const writeSome = promisify(write)
const sync = promisify(fdatasync)
const stat = promisify(fstat)

/** Appends the text of each value to a file as a line. Offsets are committed after the file is on disk (I1). */
export class FileSinkTask implements SinkTask {
  readonly #stopped = new AbortController()
  /** The call that runs, or the last one. */
  #call: Promise<void> = Promise.resolve()
  #clock: Clock | null = null
  #path = ''
  #file: FileHandle | null = null
  #descriptor = standardOutput
  #syncs = false

  async start(context: SinkTaskContext): Promise<void> {
    await this.#tracked(this.#open(context))
  }

  async open(): Promise<void> {}

  async put(records: readonly SinkRecord[]): Promise<void> {
    if (records.length === 0) return
    let text = ''
    for (const { valueSchema, value } of records) text += `${javaText(valueSchema, value)}\n`
    await this.#tracked(this.#write(Buffer.from(text)))
  }

  async preCommit(current: readonly OffsetToCommit[]): Promise<readonly OffsetToCommit[]> {
    await this.flush()
    return current
  }

  async close(): Promise<void> {}

  /** @throws ConnectError if the file was deleted, because the written records would be lost. */
  async flush(): Promise<void> {
    await this.#tracked(this.#sync())
  }

  /** Closes the file after the call that uses it has ended: another file may get the descriptor then. */
  async stop(): Promise<void> {
    this.#stopped.abort(new ConnectError('the task has stopped'))
    await this.#call.catch(() => undefined)
    await this.#file?.close()
    this.#file = null
  }

  async #tracked(call: Promise<void>): Promise<void> {
    this.#call = call
    await call
  }

  async #open({ config, clock }: SinkTaskContext): Promise<void> {
    this.#clock = clock
    const path = config['file']
    if (typeof path === 'string' && path !== '') {
      this.#path = path
      try {
        this.#file = await open(path, 'a')
      } catch (cause) {
        const why = errorMessage(cause)
        throw new ConnectError(`Couldn't find or create file '${path}' for FileStreamSinkTask: ${why}`, { cause })
      }
      this.#descriptor = this.#file.fd
    }
    const stats = await stat(this.#descriptor)
    this.#syncs = stats.isFile()
    if (this.#file !== null && this.#syncs && (await endsInsideLine(this.#path, stats.size))) await this.#write(lineEnd)
  }

  async #sync(): Promise<void> {
    // Pipes and terminals cannot be synced.
    if (!this.#syncs) return
    await sync(this.#descriptor)
    if (this.#file === null || (await stat(this.#descriptor)).nlink > 0) return
    throw new ConnectError(
      `the file '${this.#path}' was deleted, or replaced by another, while records were written to it. Restart the task: it opens the file again and rewrites the records since the last commit.`,
      { code: 'FILE_SINK_DELETED' },
    )
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      try {
        written += (await writeSome(this.#descriptor, bytes, written, bytes.length - written)).bytesWritten
      } catch (error) {
        // Standard output may be non-blocking, and its reader slow.
        if (!isFullPipe(error)) throw error
        await present(this.#clock, 'clock').sleep(fullPipeMs, this.#stopped.signal)
      }
    }
  }
}

/** Ends a partial line that a killed process or a full disk left, so that the next record starts on a new line. */
async function endsInsideLine(path: string, size: number): Promise<boolean> {
  if (size === 0) return false
  const file = await open(path, 'r').catch(() => null)
  // Skipped if the file may not be read.
  if (file === null) return false
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
    return bytesRead === 1 && !buffer.equals(lineEnd)
  } finally {
    await file.close()
  }
}

function isFullPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}

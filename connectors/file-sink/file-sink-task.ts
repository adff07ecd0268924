import { fdatasync, fstat, write } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'

import {
  ConnectError,
  javaText,
  type OffsetToCommit,
  type SinkRecord,
  type SinkTask,
  type SinkTaskContext,
} from 'penstock/api'

const standardOutput = 1
const writeSome = promisify(write)
const sync = promisify(fdatasync)
const stat = promisify(fstat)

/** Appends the text of each value to a file, one line each. Offsets are committed once the file is on disk. */
export class FileSinkTask implements SinkTask {
  #file: FileHandle | null = null
  #descriptor = standardOutput
  #syncs = false

  async start({ config }: SinkTaskContext): Promise<void> {
    const path = config['file']
    if (typeof path === 'string' && path !== '') {
      try {
        this.#file = await open(path, 'a')
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause)
        throw new ConnectError(`Couldn't find or create file '${path}' for FileStreamSinkTask: ${why}`, { cause })
      }
      this.#descriptor = this.#file.fd
    }
    this.#syncs = (await stat(this.#descriptor)).isFile()
  }

  async open(): Promise<void> {}

  async put(records: readonly SinkRecord[]): Promise<void> {
    if (records.length === 0) return
    let text = ''
    for (const { valueSchema, value } of records) text += `${javaText(valueSchema, value)}\n`
    const bytes = Buffer.from(text)
    for (let written = 0; written < bytes.length;) {
      written += (await writeSome(this.#descriptor, bytes, written, bytes.length - written)).bytesWritten
    }
  }

  async preCommit(current: readonly OffsetToCommit[]): Promise<readonly OffsetToCommit[]> {
    await this.flush()
    return current
  }

  async close(): Promise<void> {}

  async flush(): Promise<void> {
    // Pipes and terminals have nothing to sync.
    if (this.#syncs) await sync(this.#descriptor)
  }

  async stop(): Promise<void> {
    await this.#file?.close()
    this.#file = null
  }
}

import * as fs from 'node:fs'
import { DiskSync } from './disk-sync.ts'
import type { FileSystem, LogFile } from './file-system.ts'

const fileMode = 0o600
const directoryMode = 0o700

/** The machine's file system. Files are readable by their owner only. `close` ends the threads that sync. */
export class NodeFileSystem implements FileSystem {
  readonly #sync: DiskSync

  /**
   * @param onSyncDeath is told when a thread that syncs ends that nobody stopped. Nothing can be made durable any more: unless
   * somebody else ends the process, this does (D13).
   */
  constructor(
    onSyncDeath: (failure: Error) => void = (failure) => {
      throw failure
    },
  ) {
    this.#sync = new DiskSync(onSyncDeath)
  }

  open(path: string, mode: 'existing' | 'create'): LogFile {
    return new NodeFile(path, fs.openSync(path, mode === 'create' ? 'w+' : 'r+', fileMode), this.#sync)
  }

  exists(path: string): boolean {
    return fs.existsSync(path)
  }

  sizeOf(path: string): number {
    return fs.statSync(path).size
  }

  list(directory: string): string[] {
    return fs.readdirSync(directory)
  }

  makeDirectory(directory: string): void {
    fs.mkdirSync(directory, { recursive: true, mode: directoryMode })
  }

  rename(from: string, to: string): void {
    fs.renameSync(from, to)
  }

  remove(path: string): void {
    fs.unlinkSync(path)
  }

  freeBytes(path: string): number | null {
    return freeBytesAt(path)
  }

  async syncDirectory(directory: string): Promise<void> {
    if (process.platform === 'win32') return // Windows keeps names durable itself and cannot open a folder.
    const descriptor = fs.openSync(directory, 'r')
    try {
      await this.#sync.syncFolder(descriptor, directory)
    } finally {
      fs.closeSync(descriptor)
    }
  }

  close(): Promise<void> {
    return this.#sync.close()
  }
}

/** See {@link FileSystem.freeBytes}. */
export function freeBytesAt(path: string): number | null {
  try {
    const { bavail, bsize } = fs.statfsSync(path)
    return bavail * bsize
  } catch {
    return null // Whoever asks reports a failure of its own.
  }
}

class NodeFile implements LogFile {
  readonly path: string
  readonly #descriptor: number
  readonly #sync: DiskSync

  constructor(path: string, descriptor: number, sync: DiskSync) {
    this.path = path
    this.#descriptor = descriptor
    this.#sync = sync
  }

  read(target: Buffer, offset: number, length: number, position: number): number {
    let done = 0
    while (done < length) {
      const count = fs.readSync(this.#descriptor, target, offset + done, length - done, position + done)
      if (count === 0) break
      done += count
    }
    return done
  }

  write(bytes: Buffer, position: number): void {
    let done = 0
    while (done < bytes.length) {
      done += fs.writeSync(this.#descriptor, bytes, done, bytes.length - done, position + done)
    }
  }

  truncate(size: number): void {
    fs.ftruncateSync(this.#descriptor, size)
  }

  size(): number {
    return fs.fstatSync(this.#descriptor).size
  }

  sync(): Promise<void> {
    return this.#sync.syncFile(this.#descriptor, this.path)
  }

  close(): void {
    fs.closeSync(this.#descriptor)
  }
}

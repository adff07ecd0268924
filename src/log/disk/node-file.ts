import * as fs from 'node:fs'
import type { DescriptorPool, PooledFile } from './descriptor-pool.ts'
import type { DiskSync } from './disk-sync.ts'
import type { LogFile } from './file-system.ts'
import { StorageError } from '../log-error.ts'

const fileMode = 0o600

/** A file of the machine, whose descriptor the pool may close while the file is idle. */
export class NodeFile implements LogFile, PooledFile {
  readonly path: string
  wasUsed = true
  readonly #pool: DescriptorPool
  readonly #sync: DiskSync
  #descriptor: number | null = null
  #isClosed = false
  /** Whether there are unsynced writes. */
  #isDirty = false
  #isHeld = false
  #syncs = 0

  /** @throws the system's error */
  constructor(
    path: string,
    mode: 'existing' | 'create',
    parts: { readonly pool: DescriptorPool; readonly sync: DiskSync },
  ) {
    this.path = path
    this.#pool = parts.pool
    this.#sync = parts.sync
    this.#open(mode === 'create' ? 'w+' : 'r+')
  }

  get isOpen(): boolean {
    return this.#descriptor !== null
  }

  read(target: Buffer, offset: number, length: number, position: number): number {
    const descriptor = this.#use()
    let done = 0
    while (done < length) {
      const count = fs.readSync(descriptor, target, offset + done, length - done, position + done)
      if (count === 0) break
      done += count
    }
    return done
  }

  write(bytes: Buffer, position: number): void {
    const descriptor = this.#use()
    this.#dirtied()
    let done = 0
    while (done < bytes.length) {
      done += fs.writeSync(descriptor, bytes, done, bytes.length - done, position + done)
    }
  }

  truncate(size: number): void {
    const descriptor = this.#use()
    this.#dirtied()
    fs.ftruncateSync(descriptor, size)
  }

  size(): number {
    return fs.fstatSync(this.#use()).size
  }

  async sync(): Promise<void> {
    const descriptor = this.#use()
    this.#pool.busy(this)
    this.#syncs += 1
    this.#isDirty = false
    try {
      await this.#sync.syncFile(descriptor, this.path)
    } catch (error) {
      this.#isDirty = true
      throw error
    } finally {
      this.#syncs -= 1
      this.#mayBeIdle()
    }
  }

  hold(): void {
    this.#use()
    this.#isHeld = true
    this.#pool.busy(this)
  }

  close(): void {
    this.#isClosed = true
    if (this.#descriptor === null) return
    fs.closeSync(this.#descriptor)
    this.#descriptor = null
    this.#pool.closed(this)
  }

  rest(): void {
    if (this.#descriptor !== null) fs.closeSync(this.#descriptor)
    this.#descriptor = null
  }

  #use(): number {
    this.wasUsed = true
    if (this.#isClosed) throw new StorageError(`${this.path} is closed`, { code: 'EBADF' })
    return this.#descriptor ?? this.#open('r+')
  }

  #open(flags: 'r+' | 'w+'): number {
    this.#pool.opening()
    try {
      this.#descriptor = fs.openSync(this.path, flags, fileMode)
    } catch (error) {
      this.#pool.closed(this)
      throw error
    }
    this.#pool.idle(this)
    return this.#descriptor
  }

  #dirtied(): void {
    if (this.#isDirty) return
    this.#isDirty = true
    this.#pool.busy(this)
  }

  #mayBeIdle(): void {
    if (this.#descriptor !== null && !this.#isDirty && !this.#isHeld && this.#syncs === 0) this.#pool.idle(this)
  }
}

import { setImmediate as turn } from 'node:timers/promises'
import type { FileSystem, LogFile } from '../../../src/log/disk/file-system.ts'
import { copyOf, Directory, duplicate, Inode, survivingNames, type CrashOptions } from './memory-disk.ts'

/** Fails like the system does. */
class SystemError extends Error {
  readonly code: string

  constructor(code: string, path: string) {
    super(`${code}: ${path}`)
    this.name = 'SystemError'
    this.code = code
  }
}

const noGate = (): null => null

/** Something the log asks of the disk. */
export interface DiskOperation {
  readonly kind: 'open' | 'create' | 'read' | 'write' | 'truncate' | 'rename' | 'remove' | 'sync' | 'syncDirectory'
  readonly path: string
}

/** How an operation fails. Of a write, the first `afterBytes` bytes are written. */
export interface DiskFault {
  readonly code: string
  readonly afterBytes?: number
}

/**
 * A disk in memory, with a page cache: `crash` goes back to what was synced. It can be full (`capacity`), tear writes
 * (`failWrites`), fail syncs (`failSyncs`) and hold them back (`syncGate`), and fail any operation (`fault`).
 */
export class MemoryFileSystem implements FileSystem {
  readonly #directories = new Map<string, Directory>()
  /** Bytes all files may hold together. */
  capacity = Number.POSITIVE_INFINITY
  /**
   * The next syncs to fail, by the code they fail with. After `EIO`, what they were to write stays in the page cache and never
   * reaches the disk.
   */
  failSyncs: string[] = []
  /** When not null: so many more bytes are written, then writes fail with this code until it is null again. */
  failWrites: { code: string; afterBytes: number } | null = null
  /** When not null, syncs wait for it before they do anything but remember what they will make durable. */
  syncGate: Promise<void> | null = null
  /** What a sync waits for, when there is no gate. */
  syncDelay: () => Promise<void> | null = noGate
  /** How many turns of the event loop a sync takes. */
  syncTurns: () => number = () => 0
  /** What makes an append wait for a descriptor. */
  roomGate: () => Promise<void> | null = noGate
  /** Paths synced so far, directories included. */
  readonly syncs: string[] = []
  /** Files that are open. */
  openFiles = 0
  /** Called before every operation that changes something or syncs; may throw to end the world there. */
  onOperation: (kind: DiskOperation['kind']) => void = () => undefined
  /** Decides whether an operation fails. Called before each one, and `onOperation` after it when it goes through. */
  fault: (operation: DiskOperation) => DiskFault | null = () => null

  get usedBytes(): number {
    let used = 0
    for (const directory of this.#directories.values()) {
      for (const inode of directory.names.values()) used += inode.content.length
    }
    return used
  }

  open(path: string, mode: 'existing' | 'create'): LogFile {
    const { directory, name } = this.#place(path)
    const known = directory.names.get(name)
    this.pass(mode === 'existing' ? 'open' : 'create', path)
    if (mode === 'existing') {
      if (known === undefined) throw new SystemError('ENOENT', path)
      return new MemoryFile(this, path, known)
    }
    if (known !== undefined) {
      known.apply({ kind: 'truncate', size: 0 })
      return new MemoryFile(this, path, known)
    }
    if (this.usedBytes >= this.capacity) throw new SystemError('ENOSPC', path)
    const inode = new Inode()
    directory.apply({ kind: 'create', name, inode })
    return new MemoryFile(this, path, inode)
  }

  room(): Promise<void> | null {
    return this.roomGate()
  }

  exists(path: string): boolean {
    if (this.#directories.has(path)) return true
    const { parent, name } = split(path)
    return this.#directories.get(parent)?.names.has(name) ?? false
  }

  sizeOf(path: string): number {
    return this.#inode(path).content.length
  }

  list(directory: string): string[] {
    return [...(this.#directories.get(directory)?.names.keys() ?? [])]
  }

  makeDirectory(directory: string): void {
    if (!this.#directories.has(directory)) this.#directories.set(directory, new Directory())
  }

  rename(from: string, to: string): void {
    this.pass('rename', from)
    const { directory, name } = this.#place(from)
    if (!directory.names.has(name)) throw new SystemError('ENOENT', from)
    directory.apply({ kind: 'rename', from: name, to: split(to).name })
  }

  remove(path: string): void {
    this.pass('remove', path)
    const { directory, name } = this.#place(path)
    if (!directory.names.has(name)) throw new SystemError('ENOENT', path)
    directory.apply({ kind: 'remove', name })
  }

  freeBytes(): number | null {
    return Number.isFinite(this.capacity) ? Math.max(this.capacity - this.usedBytes, 0) : null
  }

  async syncDirectory(path: string): Promise<void> {
    this.pass('syncDirectory', path)
    const directory = this.#directories.get(path)
    const count = directory?.changes.length ?? 0
    await this.syncing(path)
    directory?.settle(Math.min(count, directory.changes.length))
  }

  /** What the machine finds after its power failed: open files are dead, what was not synced is lost or torn. */
  crash(options: CrashOptions): MemoryFileSystem {
    const random = options.unsynced === 'some' ? (options.random ?? Math.random) : null
    const after = new MemoryFileSystem()
    for (const [path, directory] of this.#directories) {
      after.#directories.set(path, options.unsynced === 'keep' ? copyOf(directory) : survivingNames(directory, random))
    }
    return after
  }

  /** Changes a byte of a file, synced or not. */
  corrupt(path: string, position: number): void {
    const inode = this.#inode(path)
    inode.content = duplicate(inode.content)
    inode.content[position] = (inode.content[position] ?? 0) ^ 0xff
    inode.durable = duplicate(inode.content)
    inode.changes = []
  }

  /** The content of a file as a reader sees it. */
  contentOf(path: string): Buffer {
    return this.#inode(path).content
  }

  /** Used by its files: lets an operation through, or fails it. */
  pass(kind: DiskOperation['kind'], path: string): void {
    const fault = this.fault({ kind, path })
    if (fault !== null) throw new SystemError(fault.code, path)
    if (kind !== 'open' && kind !== 'read') this.onOperation(kind)
  }

  /** Used by its files: one sync, with the faults that were asked for. */
  async syncing(path: string): Promise<void> {
    this.syncs.push(path)
    const failure = this.failSyncs.shift()
    await (this.syncGate ?? this.syncDelay() ?? Promise.resolve())
    for (let left = this.syncTurns(); left > 0; left -= 1) await turn()
    if (failure !== undefined) throw new SystemError(failure, path)
  }

  /** Used by its files: how many of `wanted` bytes may be written, and what fails then. */
  admit(file: { readonly path: string; readonly inode: Inode }, wanted: number, position: number): Admitted {
    const { path, inode } = file
    const asked = this.fault({ kind: 'write', path })
    if (asked !== null) return { bytes: Math.min(asked.afterBytes ?? 0, wanted), code: asked.code }
    this.onOperation('write')
    const growth = Math.max(position + wanted - inode.content.length, 0)
    const room = this.capacity - this.usedBytes
    if (growth > room) return { bytes: Math.max(wanted - (growth - Math.max(room, 0)), 0), code: 'ENOSPC' }
    const torn = this.failWrites
    if (torn === null) return { bytes: wanted, code: null }
    const bytes = Math.min(torn.afterBytes, wanted)
    torn.afterBytes -= bytes
    return { bytes, code: bytes < wanted ? torn.code : null }
  }

  #place(path: string): { readonly directory: Directory; readonly name: string } {
    const { parent, name } = split(path)
    const directory = this.#directories.get(parent)
    if (directory === undefined) throw new SystemError('ENOENT', parent)
    return { directory, name }
  }

  #inode(path: string): Inode {
    const { directory, name } = this.#place(path)
    const inode = directory.names.get(name)
    if (inode === undefined) throw new SystemError('ENOENT', path)
    return inode
  }
}

/** How much of a write goes through. */
interface Admitted {
  readonly bytes: number
  readonly code: string | null
}

class MemoryFile implements LogFile {
  readonly path: string
  readonly #disk: MemoryFileSystem
  readonly #inode: Inode
  #open = true
  #syncing = false

  constructor(disk: MemoryFileSystem, path: string, inode: Inode) {
    this.path = path
    this.#disk = disk
    this.#inode = inode
    disk.openFiles += 1
  }

  read(target: Buffer, offset: number, length: number, position: number): number {
    this.#requireOpen()
    this.#disk.pass('read', this.path)
    return this.#inode.content.copy(target, offset, position, Math.min(position + length, this.#inode.content.length))
  }

  write(bytes: Buffer, position: number): void {
    this.#requireOpen()
    const admitted = this.#disk.admit({ path: this.path, inode: this.#inode }, bytes.length, position)
    if (admitted.bytes > 0) {
      this.#inode.apply({ kind: 'write', position, bytes: Buffer.from(bytes.subarray(0, admitted.bytes)) })
    }
    if (admitted.code !== null) throw new SystemError(admitted.code, this.path)
  }

  truncate(size: number): void {
    this.#requireOpen()
    this.#disk.pass('truncate', this.path)
    this.#inode.apply({ kind: 'truncate', size })
  }

  size(): number {
    this.#requireOpen()
    return this.#inode.content.length
  }

  async sync(): Promise<void> {
    this.#requireOpen()
    if (this.#syncing) throw new SystemError('EDOUBLESYNC', this.path)
    this.#syncing = true
    const count = this.#inode.changes.length
    try {
      this.#disk.pass('sync', this.path)
      await this.#disk.syncing(this.path)
      this.#inode.settle(Math.min(count, this.#inode.changes.length))
    } catch (error) {
      if (error instanceof SystemError && error.code === 'EIO') this.#inode.lose(count)
      throw error
    } finally {
      this.#syncing = false
    }
  }

  /** A disk whose descriptors are short has closed it. */
  get isOpen(): boolean {
    return this.#disk.roomGate === noGate
  }

  hold(): void {
    this.#requireOpen()
  }

  close(): void {
    this.#requireOpen()
    this.#open = false
    this.#disk.openFiles -= 1
  }

  #requireOpen(): void {
    if (!this.#open) throw new SystemError('EBADF', this.path)
  }
}

function split(path: string): { readonly parent: string; readonly name: string } {
  const slash = path.lastIndexOf('/')
  return { parent: path.slice(0, slash), name: path.slice(slash + 1) }
}

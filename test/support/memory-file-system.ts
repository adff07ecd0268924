import type { FileSystem, LogFile } from '../../src/log/file-system.ts'

type Change =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly size: number }

type NameChange =
  | { readonly kind: 'create'; readonly name: string; readonly inode: Inode }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }

/** How a crash treats what was not synced. `random` is in [0, 1). */
export interface CrashOptions {
  /** `forget` loses all of it; `some` keeps a random part: writes whole, torn or not at all, names up to some change. */
  readonly unsynced: 'forget' | 'some'
  readonly random?: () => number
}

class Inode {
  durable: Buffer = Buffer.alloc(0)
  content: Buffer = Buffer.alloc(0)
  changes: Change[] = []

  apply(change: Change): void {
    this.content = applied(this.content, change)
    this.changes.push(change)
  }

  settle(count: number): void {
    for (const change of this.changes.splice(0, count)) this.durable = applied(this.durable, change)
  }
}

class Directory {
  durable = new Map<string, Inode>()
  names = new Map<string, Inode>()
  changes: NameChange[] = []

  apply(change: NameChange): void {
    rename(this.names, change)
    this.changes.push(change)
  }

  settle(count: number): void {
    for (const change of this.changes.splice(0, count)) rename(this.durable, change)
  }
}

/** Fails like the system does. */
class SystemError extends Error {
  readonly code: string

  constructor(code: string, path: string) {
    super(`${code}: ${path}`)
    this.name = 'SystemError'
    this.code = code
  }
}

/**
 * A disk in memory, with a page cache: `crash` goes back to what was synced. It can be full (`capacity`), tear a write
 * (`failWriteAfter`), fail a sync (`failSyncs`) and hold syncs back (`holdSyncs`).
 */
export class MemoryFileSystem implements FileSystem {
  readonly #directories = new Map<string, Directory>()
  /** Bytes all files may hold together. */
  capacity = Number.POSITIVE_INFINITY
  /** The next syncs to fail, by the code they fail with; such a sync loses nothing and makes nothing durable. */
  failSyncs: string[] = []
  /** When not null: so many more bytes are written, then writes fail with this code until it is null again. */
  failWrites: { code: string; afterBytes: number } | null = null
  /** When not null, syncs wait for it before they do anything but remember what they will make durable. */
  syncGate: Promise<void> | null = null
  /** Paths synced so far, folders included. */
  readonly syncs: string[] = []
  /** Called before every operation that changes something or syncs; may throw to end the world there. */
  onOperation: (name: string) => void = () => undefined

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
    if (mode === 'existing') {
      if (known === undefined) throw new SystemError('ENOENT', path)
      return new MemoryFile(this, path, known)
    }
    this.onOperation('create')
    if (known !== undefined) {
      known.apply({ kind: 'truncate', size: 0 })
      return new MemoryFile(this, path, known)
    }
    if (this.usedBytes >= this.capacity) throw new SystemError('ENOSPC', path)
    const inode = new Inode()
    directory.apply({ kind: 'create', name, inode })
    return new MemoryFile(this, path, inode)
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
    this.onOperation('rename')
    const { directory, name } = this.#place(from)
    if (!directory.names.has(name)) throw new SystemError('ENOENT', from)
    directory.apply({ kind: 'rename', from: name, to: split(to).name })
  }

  remove(path: string): void {
    this.onOperation('remove')
    const { directory, name } = this.#place(path)
    if (!directory.names.has(name)) throw new SystemError('ENOENT', path)
    directory.apply({ kind: 'remove', name })
  }

  async syncDirectory(path: string): Promise<void> {
    this.onOperation('syncDirectory')
    const directory = this.#directories.get(path)
    const count = directory?.changes.length ?? 0
    await this.syncing(path)
    directory?.settle(Math.min(count, directory.changes.length))
  }

  /** What the machine finds after its power failed: open files are dead, what was not synced is lost or torn. */
  crash(options: CrashOptions): MemoryFileSystem {
    const random = options.unsynced === 'forget' ? () => 1 : (options.random ?? Math.random)
    const after = new MemoryFileSystem()
    for (const [path, directory] of this.#directories) {
      const kept = new Directory()
      const names = new Map(directory.durable)
      const settled = options.unsynced === 'forget' ? 0 : Math.floor(random() * (directory.changes.length + 1))
      for (const change of directory.changes.slice(0, settled)) rename(names, change)
      for (const [name, inode] of names)
        kept.names.set(name, survivor(inode, options.unsynced === 'some' ? random : null))
      kept.durable = new Map(kept.names)
      after.#directories.set(path, kept)
    }
    return after
  }

  /** Changes a byte of a file, synced or not. */
  corrupt(path: string, position: number): void {
    const inode = this.#inode(path)
    inode.content = Buffer.from(inode.content)
    inode.content[position] = (inode.content[position] ?? 0) ^ 0xff
    inode.durable = Buffer.from(inode.content)
    inode.changes = []
  }

  /** The content of a file as a reader sees it. */
  contentOf(path: string): Buffer {
    return this.#inode(path).content
  }

  /** Used by its files: one sync, with the faults that were asked for. */
  async syncing(path: string): Promise<void> {
    this.syncs.push(path)
    const failure = this.failSyncs.shift()
    await (this.syncGate ?? Promise.resolve())
    if (failure !== undefined) throw new SystemError(failure, path)
  }

  /** Used by its files: how many of `wanted` bytes may be written, and what fails then. */
  admit(inode: Inode, wanted: number, position: number): { readonly bytes: number; readonly code: string | null } {
    const growth = Math.max(position + wanted - inode.content.length, 0)
    const room = this.capacity - this.usedBytes
    if (growth > room) return { bytes: Math.max(wanted - (growth - Math.max(room, 0)), 0), code: 'ENOSPC' }
    const fault = this.failWrites
    if (fault === null) return { bytes: wanted, code: null }
    const bytes = Math.min(fault.afterBytes, wanted)
    fault.afterBytes -= bytes
    return { bytes, code: bytes < wanted ? fault.code : null }
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
  }

  read(target: Buffer, offset: number, length: number, position: number): number {
    this.#requireOpen()
    return this.#inode.content.copy(target, offset, position, Math.min(position + length, this.#inode.content.length))
  }

  write(bytes: Buffer, position: number): void {
    this.#requireOpen()
    this.#disk.onOperation('write')
    const admitted = this.#disk.admit(this.#inode, bytes.length, position)
    if (admitted.bytes > 0) {
      this.#inode.apply({ kind: 'write', position, bytes: Buffer.from(bytes.subarray(0, admitted.bytes)) })
    }
    if (admitted.code !== null) throw new SystemError(admitted.code, this.path)
  }

  truncate(size: number): void {
    this.#requireOpen()
    this.#disk.onOperation('truncate')
    this.#inode.apply({ kind: 'truncate', size })
  }

  size(): number {
    this.#requireOpen()
    return this.#inode.content.length
  }

  async sync(): Promise<void> {
    this.#requireOpen()
    if (this.#syncing) throw new SystemError('EDOUBLESYNC', this.path)
    this.#disk.onOperation('sync')
    this.#syncing = true
    try {
      const count = this.#inode.changes.length
      await this.#disk.syncing(this.path)
      this.#inode.settle(Math.min(count, this.#inode.changes.length))
    } finally {
      this.#syncing = false
    }
  }

  close(): void {
    this.#open = false
  }

  #requireOpen(): void {
    if (!this.#open) throw new SystemError('EBADF', this.path)
  }
}

function applied(content: Buffer, change: Change): Buffer {
  if (change.kind === 'truncate') {
    const result = Buffer.alloc(change.size)
    content.copy(result)
    return result
  }
  const result = Buffer.alloc(Math.max(content.length, change.position + change.bytes.length))
  content.copy(result)
  change.bytes.copy(result, change.position)
  return result
}

function rename(names: Map<string, Inode>, change: NameChange): void {
  if (change.kind === 'create') names.set(change.name, change.inode)
  if (change.kind === 'remove') names.delete(change.name)
  if (change.kind !== 'rename') return
  const inode = names.get(change.from)
  if (inode === undefined) return
  names.delete(change.from)
  names.set(change.to, inode)
}

/** What is left of a file: what was synced, and with `random` some of what was not. */
function survivor(inode: Inode, random: (() => number) | null): Inode {
  let content: Buffer = Buffer.from(inode.durable)
  for (const change of inode.changes) {
    const fate = random === null ? 1 : random()
    if (fate >= 0.66) continue
    const torn = change.kind === 'write' && fate < 0.2 && random !== null
    content = applied(
      content,
      torn ? { ...change, bytes: change.bytes.subarray(0, Math.floor(random() * change.bytes.length)) } : change,
    )
  }
  const result = new Inode()
  result.content = content
  result.durable = Buffer.from(content)
  return result
}

function split(path: string): { readonly parent: string; readonly name: string } {
  const slash = path.lastIndexOf('/')
  return { parent: path.slice(0, slash), name: path.slice(slash + 1) }
}

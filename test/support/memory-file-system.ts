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
  /**
   * `forget` loses all of it; `some` keeps a random part: writes whole, torn or not at all, names up to some change. `keep` is
   * the death of the process alone: everything is still there, in the page cache, and a later loss of power may take it.
   */
  readonly unsynced: 'forget' | 'some' | 'keep'
  readonly random?: () => number
}

class Inode {
  durable: Buffer = Buffer.from(new ArrayBuffer(0))
  content: Buffer = Buffer.from(new ArrayBuffer(0))
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
  /** Files that are open. */
  openFiles = 0
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
    disk.openFiles += 1
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
    this.#requireOpen()
    this.#open = false
    this.#disk.openFiles -= 1
  }

  #requireOpen(): void {
    if (!this.#open) throw new SystemError('EBADF', this.path)
  }
}

/** The content after a change. Buffers have room to grow, so that a long file is not copied for every write. */
function applied(content: Buffer, change: Change): Buffer {
  const size =
    change.kind === 'truncate' ? change.size : Math.max(content.length, change.position + change.bytes.length)
  const result = resized(content, size)
  if (change.kind === 'write') change.bytes.copy(result, change.position)
  return result
}

function resized(content: Buffer, size: number): Buffer {
  if (size <= content.length) return content.subarray(0, size)
  if (content.byteOffset === 0 && content.buffer.byteLength >= size) {
    return Buffer.from(content.buffer, 0, size).fill(0, content.length)
  }
  const grown = Buffer.from(new ArrayBuffer(size * 2), 0, size)
  content.copy(grown)
  return grown
}

/** The same bytes, in memory of their own. */
function duplicate(content: Buffer): Buffer {
  const result = Buffer.from(new ArrayBuffer(content.length))
  content.copy(result)
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

/** The folder as a process finds it that starts after another was killed. */
function copyOf(directory: Directory): Directory {
  const copies = new Map<Inode, Inode>()
  const copy = (inode: Inode): Inode => {
    const known = copies.get(inode)
    if (known !== undefined) return known
    const made = new Inode()
    made.durable = duplicate(inode.durable)
    made.content = duplicate(inode.content)
    made.changes = [...inode.changes]
    copies.set(inode, made)
    return made
  }
  const result = new Directory()
  for (const [name, inode] of directory.durable) result.durable.set(name, copy(inode))
  for (const [name, inode] of directory.names) result.names.set(name, copy(inode))
  result.changes = directory.changes.map((change) =>
    change.kind === 'create' ? { ...change, inode: copy(change.inode) } : change,
  )
  return result
}

/** The folder after a loss of power: its durable names, and with `random` some of the changes after them. */
function survivingNames(directory: Directory, random: (() => number) | null): Directory {
  const result = new Directory()
  const names = new Map(directory.durable)
  const settled = random === null ? 0 : Math.floor(random() * (directory.changes.length + 1))
  for (const change of directory.changes.slice(0, settled)) rename(names, change)
  for (const [name, inode] of names) result.names.set(name, survivor(inode, random))
  result.durable = new Map(result.names)
  return result
}

/** What is left of a file: what was synced, and with `random` some of what was not. */
function survivor(inode: Inode, random: (() => number) | null): Inode {
  let content = duplicate(inode.durable)
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
  result.durable = duplicate(content)
  return result
}

function split(path: string): { readonly parent: string; readonly name: string } {
  const slash = path.lastIndexOf('/')
  return { parent: path.slice(0, slash), name: path.slice(slash + 1) }
}

type Change =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Buffer; isLost?: boolean }
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

/** A file's content: what a reader sees, what is on disk, and the changes that lie between. */
export class Inode {
  durable: Buffer = Buffer.from(new ArrayBuffer(0))
  content: Buffer = Buffer.from(new ArrayBuffer(0))
  changes: Change[] = []

  apply(change: Change): void {
    this.content = applied(this.content, change)
    this.changes.push(change)
  }

  settle(count: number): void {
    for (const change of this.changes.splice(0, count)) {
      if (change.kind === 'truncate' || change.isLost !== true) this.durable = applied(this.durable, change)
    }
  }

  /** A sync of the first `count` changes failed: their pages count as clean from now on, and no later sync writes them. */
  lose(count: number): void {
    for (const change of this.changes.slice(0, count)) if (change.kind === 'write') change.isLost = true
  }
}

/** A directory's names. */
export class Directory {
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

/** The content after a change. Buffers have room to grow, so that a long file is not copied forevery write. */
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
export function duplicate(content: Buffer): Buffer {
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

/** The directory as a process finds it that starts after another was killed. */
export function copyOf(directory: Directory): Directory {
  const copies = new Map<Inode, Inode>()
  const copy = (inode: Inode): Inode => {
    const known = copies.get(inode)
    if (known !== undefined) return known
    const made = new Inode()
    made.durable = duplicate(inode.durable)
    made.content = duplicate(inode.content)
    // The log cuts what a sync lost immediately: that its process dies in between is left out.
    made.changes = inode.changes.map((one) => (one.kind === 'write' ? { ...one, isLost: false } : one))
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

/** The directory after a loss of power: its durable names, and with `random` some of the changes after them. */
export function survivingNames(directory: Directory, random: (() => number) | null): Directory {
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
    if (fate >= 0.66 || (change.kind === 'write' && change.isLost === true)) continue
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

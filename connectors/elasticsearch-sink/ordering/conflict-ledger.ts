import { firstRowVersion, type Version } from '../document/document-version.ts'
import { documentKey, type Operation } from '../bulk/operation.ts'
import type { PartitionProgress } from './partition-progress.ts'

/** A document whose stored version is higher than that of a record. */
export interface Conflict {
  readonly index: string
  readonly id: string
  readonly progress: PartitionProgress
  /** The offset of the first record that met the higher version. */
  readonly offset: number
  readonly given: number | bigint
  readonly stored: number | bigint
}

/** What the ledger needs to know about the partitions. */
export interface LogView {
  /** The end of the partition log (high watermark); null while unknown. */
  end(progress: PartitionProgress): number | null
  /** Returns whether every record before this offset is applied. */
  passed(progress: PartitionProgress, offset: number): boolean
  /** Monotonic milliseconds. */
  now(): number
  /** Returns whether another partition, or a later record, shows that the source has reached the stored version. */
  reached(conflict: Conflict): boolean
}

interface Open extends Conflict {
  stored: number | bigint
  /** A record that was delivered earlier has a lower offset; null while unknown. */
  end: number | null
  /** The timestamp of the record. */
  readonly since: number
  /** The monotonic time, in milliseconds, at which it was opened. */
  readonly openedAt: number
  /** Whether {@link end} was moved once the source's records were old enough. */
  moved: boolean
}

/** Conflicts of a partition that exceed the limits: the sink reads again from `offset` to judge them. */
interface Untracked {
  offset: number
  end: number | null
}

/** The most that is tracked at a time (I10). */
export interface LedgerLimits {
  readonly entries: number
  readonly bytes: number
}

export const ledgerLimits: LedgerLimits = { entries: 400_000, bytes: 64 * 1024 * 1024 }

// Another writer may have read a record that the last fetch did not return; the next fetch does.
const refetchMs = 2000
// The source resends unconfirmed changes in the order of the WAL: it has caught up long before.
const resendMs = 5 * 60_000
// A record that explains a conflict and is in the partition log already is usually read earlier.
const longOpenMs = 30_000
const entryBytes = 150

/**
 * Separates conflicts that a redelivery explains from those that show two origins of versions (decision 19). A conflict is
 * open until a record of the document with at least the stored version comes. If it is still open when every record that can
 * have been delivered earlier is applied, it is an anomaly. With row versions the source may be resending changes: it gets five
 * minutes, measured by the timestamps of its records.
 */
export class ConflictLedger {
  readonly #log: LogView
  readonly #limits: LedgerLimits
  readonly #open = new Map<string, Open>()
  readonly #untracked = new Map<PartitionProgress, Untracked>()
  #bytes = 0
  #suspect: Conflict | null = null
  #suspects = 0
  #longOpen: Conflict | null = null

  constructor(log: LogView, limits: LedgerLimits = ledgerLimits) {
    this.#log = log
    this.#limits = limits
  }

  get empty(): boolean {
    return this.#open.size === 0 && this.#untracked.size === 0
  }

  get size(): number {
    return this.#open.size
  }

  /** The conflicts that wait only for the source to catch up: their number, and the first. */
  get suspects(): { readonly count: number; readonly first: Conflict | null } {
    return { count: this.#suspects, first: this.#suspect }
  }

  /** The first conflict that has been open for long because the partition is not yet read to where it ended. */
  get longOpen(): Conflict | null {
    return this.#longOpen
  }

  /** Adds a conflict. */
  note(operation: Operation, stored: number | bigint): void {
    const { index, id, version, progress, mark } = operation
    if (id === null || version === null) return
    const offset = progress.offsetOf(mark)
    const end = this.#log.end(progress)
    const conflict = { index, id, progress, offset, given: version, stored }
    const key = documentKey(operation)
    const known = this.#open.get(key)
    if (known !== undefined && known.progress === progress) {
      if (stored > known.stored) known.stored = stored
      known.end = end
      return
    }
    const bytes = entryBytes + 2 * key.length
    const full = this.#open.size >= this.#limits.entries || this.#bytes + bytes > this.#limits.bytes
    // A document with conflicts in two partitions is rare: the second is read again after the first.
    if (full || known !== undefined) this.#leaveUntracked(progress, offset, end)
    else {
      this.#bytes += bytes
      const openedAt = this.#log.now()
      this.#open.set(key, { ...conflict, end, since: operation.timestamp, openedAt, moved: false })
    }
  }

  /** An operation is done: its record may explain a conflict. */
  see(operation: Operation): void {
    if (operation.id === null || operation.version === null) return
    const key = documentKey(operation)
    const open = this.#open.get(key)
    if (open === undefined || operation.version < open.stored) return
    // Offsets can be compared within a partition only.
    if (open.progress !== operation.progress && operation.version < firstRowVersion) return
    this.#close(key)
  }

  /** Judges the open conflicts. Returns the anomalies, which are then closed. */
  judge(): readonly Conflict[] {
    const anomalies: Conflict[] = []
    this.#suspect = null
    this.#suspects = 0
    this.#longOpen = null
    const now = this.#log.now()
    for (const [key, open] of this.#open) {
      const verdict = this.#verdict(open)
      if (verdict === 'open') {
        if (this.#longOpen === null && now - open.openedAt >= longOpenMs) this.#longOpen = open
        continue
      }
      if (verdict === 'suspect') {
        this.#suspects += 1
        this.#suspect ??= open
        continue
      }
      this.#close(key)
      if (verdict === 'anomaly') anomalies.push(open)
    }
    return anomalies
  }

  #verdict(open: Open): 'open' | 'suspect' | 'harmless' | 'anomaly' {
    if (this.#log.reached(open)) return 'harmless'
    open.end ??= this.#log.end(open.progress)
    if (open.end === null || !this.#log.passed(open.progress, open.end)) return 'open'
    if (isOffset(open)) return this.#offsetVerdict(open)
    if (open.progress.timestamp - open.since < resendMs) return 'suspect'
    if (open.moved) return 'anomaly'
    // In a compacted topic a later record may have replaced the one sent again; it is in the partition log by now.
    open.moved = true
    open.end = this.#log.end(open.progress)
    return this.#verdict(open)
  }

  /** Every record up to `end` is applied. A record with a stored offset past it may have been written since. */
  #offsetVerdict(open: Open): 'open' | 'anomaly' {
    const { end, stored } = open
    const endNow = this.#log.end(open.progress)
    if (end === null || endNow === null || stored < end || stored >= firstRowVersion) return 'anomaly'
    if (stored >= endNow) return this.#log.now() - open.openedAt < refetchMs ? 'open' : 'anomaly'
    open.end = endNow
    return 'open'
  }

  /** The first offset with an open conflict, by partition. Offsets after it must not be committed. */
  held(): ReadonlyMap<PartitionProgress, number> {
    const first = new Map<PartitionProgress, number>()
    for (const [progress, { offset }] of this.#untracked) first.set(progress, offset)
    for (const { progress, offset } of this.#open.values())
      if (offset < (first.get(progress) ?? Number.POSITIVE_INFINITY)) first.set(progress, offset)
    return first
  }

  /** Returns the partitions to read again, and from which offset: there is room for their conflicts now. Forgets them. */
  takeRereads(): readonly { readonly progress: PartitionProgress; readonly offset: number }[] {
    if (this.#untracked.size === 0) return []
    const busy = new Set([...this.#open.values()].map(({ progress }) => progress))
    const rereads: { progress: PartitionProgress; offset: number }[] = []
    for (const [progress, untracked] of this.#untracked) {
      untracked.end ??= this.#log.end(progress)
      if (busy.has(progress) || untracked.end === null || !this.#log.passed(progress, untracked.end)) continue
      rereads.push({ progress, offset: untracked.offset })
      this.#untracked.delete(progress)
    }
    return rereads
  }

  /** The task no longer has the partition. */
  forget(progress: PartitionProgress): void {
    this.#untracked.delete(progress)
    for (const [key, open] of this.#open) if (open.progress === progress) this.#close(key)
  }

  #close(key: string): void {
    this.#bytes -= entryBytes + 2 * key.length
    this.#open.delete(key)
  }

  #leaveUntracked(progress: PartitionProgress, offset: number, end: number | null): void {
    const untracked = this.#untracked.get(progress)
    if (untracked === undefined) this.#untracked.set(progress, { offset, end })
    else {
      untracked.offset = Math.min(untracked.offset, offset)
      untracked.end = end
    }
  }
}

/** Returns whether the version of the record is its offset. */
export function isOffset({ given, offset }: { readonly given: Version; readonly offset: number }): boolean {
  return given === offset
}

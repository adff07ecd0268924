import { firstRowVersion, type Version } from '../document/document-version.ts'
import { documentKey, type Operation } from '../bulk/operation.ts'
import type { PartitionProgress } from './partition-progress.ts'

/** A document that holds a higher version than a record brought. */
export interface Conflict {
  readonly index: string
  readonly id: string
  readonly progress: PartitionProgress
  /** Of the first record that met the higher version. */
  readonly offset: number
  readonly given: number | bigint
  readonly stored: number | bigint
}

/** What the ledger asks of the log. */
export interface LogView {
  /** The end of the partition's log; null while unknown. */
  end(progress: PartitionProgress): number | null
  /** Whether all before this offset is applied. */
  passed(progress: PartitionProgress, offset: number): boolean
  /** Monotonic milliseconds. */
  now(): number
  /** Whether another partition, or a record after the conflict's, shows that the source has reached this version. */
  reached(conflict: Conflict): boolean
}

interface Open extends Conflict {
  stored: number | bigint
  /** A record that was delivered before lies before it; null while unknown. */
  end: number | null
  /** The time of the record. */
  readonly since: number
  /** Monotonic milliseconds at which it was opened. */
  readonly openedAt: number
  /** Whether {@link end} was moved to where the source's records were old enough. */
  moved: boolean
}

/** Conflicts of a partition that found no room: they are looked at by reading again from `offset`. */
interface Untracked {
  offset: number
  end: number | null
}

/** What is followed at once, at most. */
export interface LedgerLimits {
  readonly entries: number
  readonly bytes: number
}

export const ledgerLimits: LedgerLimits = { entries: 400_000, bytes: 64 * 1024 * 1024 }

// Another writer may have read on to a record that the last fetch did not see: the next one does.
const refetchMs = 2000
// The source sends again what it had not confirmed, in the order of its log: it has caught up long before.
const resendMs = 5 * 60_000
// A record that explains a conflict and lies in the log already is usually read before.
const longOpenMs = 30_000
const entryBytes = 150

/**
 * Tells conflicts that a second delivery explains from those that mean two origins of versions (ADR 19). A conflict is open
 * until a record of the document with at least the stored version comes. One that stays open when everything is applied
 * that can have been delivered before is an anomaly; where versions are those of rows, the source may be sending again,
 * and has some minutes of its own records for it.
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

  /** Of the conflicts that wait only for the source to catch up: how many, and the first. */
  get suspects(): { readonly count: number; readonly first: Conflict | null } {
    return { count: this.#suspects, first: this.#suspect }
  }

  /** The first conflict that has been open for long because the log is not read to where it ended. */
  get longOpen(): Conflict | null {
    return this.#longOpen
  }

  /** Notes a conflict. */
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
    // A document that conflicts in two partitions at once is rare: the second is read again after the first.
    if (full || known !== undefined) this.#leaveUntracked(progress, offset, end)
    else {
      this.#bytes += bytes
      const openedAt = this.#log.now()
      this.#open.set(key, { ...conflict, end, since: operation.timestamp, openedAt, moved: false })
    }
  }

  /** An operation is over: it may be the record that explains a conflict. */
  see(operation: Operation): void {
    if (operation.id === null || operation.version === null) return
    const key = documentKey(operation)
    const open = this.#open.get(key)
    if (open === undefined || operation.version < open.stored) return
    // Offsets compare within a partition only.
    if (open.progress !== operation.progress && operation.version < firstRowVersion) return
    this.#close(key)
  }

  /** Judges what is open. Answers the anomalies, which are open no more. */
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
    // In a compacted topic the record sent again may have given way to a later one, which is in the log by now.
    open.moved = true
    open.end = this.#log.end(open.progress)
    return this.#verdict(open)
  }

  /** Everything that the log held is applied. A stored offset that lies past it may have come since. */
  #offsetVerdict(open: Open): 'open' | 'anomaly' {
    const { end, stored } = open
    const endNow = this.#log.end(open.progress)
    if (end === null || endNow === null || stored < end || stored >= firstRowVersion) return 'anomaly'
    if (stored >= endNow) return this.#log.now() - open.openedAt < refetchMs ? 'open' : 'anomaly'
    open.end = endNow
    return 'open'
  }

  /** By partition the first offset at which something is open: nothing from there on may be committed. */
  held(): ReadonlyMap<PartitionProgress, number> {
    const first = new Map<PartitionProgress, number>()
    for (const [progress, { offset }] of this.#untracked) first.set(progress, offset)
    for (const { progress, offset } of this.#open.values())
      if (offset < (first.get(progress) ?? Number.POSITIVE_INFINITY)) first.set(progress, offset)
    return first
  }

  /** Partitions to read again, from where: what found no room there has room now. They are forgotten with it. */
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

  /** The partition is held no more. */
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

/** Whether the version that the record brought is its offset. */
export function isOffset({ given, offset }: { readonly given: Version; readonly offset: number }): boolean {
  return given === offset
}

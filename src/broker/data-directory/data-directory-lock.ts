import {
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import type { Clock } from '../../foundation/clock.ts'
import { identityOf, lives } from '../../foundation/process/process-identity.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { diskFullAdvice, isDiskFull } from '../../log/disk/disk-full.ts'
import { freeBytesAt } from '../../log/disk/node-file-system.ts'
import { BrokerError, DataDirectoryLockedError, DataDirectoryTakenError } from '../broker-error.ts'
import { reservePath } from './disk-reserve.ts'

/** The holder of a data directory. */
interface Holder {
  readonly pid: number
  readonly hostname: string
  /** The start time of the process, as its system counts it: the pid may have been reused. Empty where unknown. */
  readonly processStart: string
  /** The container of the pid; containers may share a host name. Empty where unknown. */
  readonly pidNamespace: string
}

const fileName = '.lock'
const renewEveryMs = 5000
/** The lock of a holder on another host or in another container expires when it was not renewed for this long. */
const silentAfterMs = 30_000
/** A holder that did not renew for this long (a frozen process, a suspended machine) first checks that it is still the holder. */
const certainForMs = silentAfterMs / 2
const attempts = 5

/**
 * Locks a data directory with the file `.lock`, which has the pid of the holder. The file is created atomically (as a link to a
 * complete file) and remains after a kill -9: the next process then sees that the holder has ended, and replaces the lock.
 */
export class DataDirectoryLock {
  readonly #directory: string
  readonly #path: string
  readonly #content: string
  readonly #clock: Clock
  readonly #logger: Pick<Logger, 'warn'>
  #isWarned = false
  readonly #stopRenewing: () => void
  #renewedAtMs: number

  private constructor(directory: string, content: string, clock: Clock, logger: Pick<Logger, 'warn'>) {
    this.#directory = directory
    this.#path = join(directory, fileName)
    this.#content = content
    this.#clock = clock
    this.#logger = logger
    this.#renewedAtMs = clock.now()
    this.#stopRenewing = clock.every(renewEveryMs, () => this.#renew())
  }

  /** @throws DataDirectoryLockedError when another process, or another broker of this one, holds the directory. */
  static acquire(
    directory: string,
    clock: Clock,
    logger: Pick<Logger, 'warn'> = { warn: () => undefined },
  ): DataDirectoryLock {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const path = join(directory, fileName)
    const self: Holder = {
      pid: process.pid,
      hostname: hostname(),
      processStart: identityOf(process.pid).start,
      pidNamespace: pidNamespace(),
    }
    const content = JSON.stringify(self)
    const own = `${path}.${process.pid}.${crypto.randomUUID()}`
    try {
      writeOwn(own, content, () => releaseReserve(directory, clock.now()))
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        if (tryLink(own, path)) return new DataDirectoryLock(directory, content, clock, logger)
        const found = readHolder(path)
        if (found === null) continue
        if (isAlive(found.holder, path, clock.now())) throw new DataDirectoryLockedError(directory, found.holder)
        removeStale(path, found.content, own)
      }
      const found = readHolder(path)
      throw new DataDirectoryLockedError(directory, found?.holder ?? self)
    } finally {
      rmSync(own, { force: true })
    }
  }

  /** Releases the directory. */
  release(): void {
    this.#stopRenewing()
    if (readHolder(this.#path)?.content === this.#content) rmSync(this.#path, { force: true })
  }

  /**
   * Must be called before anything is written for a client: a process that was frozen handles requests before its timers.
   * @throws DataDirectoryTakenError when another broker has taken over the directory.
   */
  assertHeld(): void {
    if (Math.abs(this.#clock.now() - this.#renewedAtMs) > certainForMs) this.#renew()
  }

  /**
   * If the disk fails (EIO, EROFS, ESTALE) or is full, no other process can take the directory either, and records can often
   * still be read: the broker continues.
   * @throws DataDirectoryTakenError, BrokerError when the directory is gone.
   */
  #renew(): void {
    try {
      this.#renewNow()
    } catch (error) {
      if (error instanceof BrokerError) throw error
      if (this.#isWarned) return
      this.#isWarned = true
      const advice = 'cannot renew the lock of the data directory; retrying. Check its disk'
      this.#logger.warn(advice, { path: this.#path, error: String(error) })
      return
    }
    if (this.#isWarned) this.#logger.warn('renewed the lock of the data directory', { path: this.#path })
    this.#isWarned = false
  }

  #renewNow(): void {
    const nowMs = this.#clock.now()
    const found = readHolder(this.#path)
    if (found !== null && found.content !== this.#content) {
      if (found.holder.pid > 0) throw new DataDirectoryTakenError(this.#directory, found.holder)
      rmSync(this.#path, { force: true })
    }
    if (found?.content === this.#content) utimesSync(this.#path, nowMs / 1000, nowMs / 1000)
    else this.#putBack()
    this.#renewedAtMs = nowMs
  }

  /** The lock file was deleted. The directory is still held, unless it was deleted, too. */
  #putBack(): void {
    try {
      writeFileSync(this.#path, this.#content, { mode: 0o600, flag: 'wx' })
    } catch (cause) {
      if (codeOf(cause) !== 'ENOENT') throw cause
      throw new BrokerError(`${this.#path} cannot be written: the data directory is gone while the broker runs`, {
        cause,
      })
    }
  }
}

/**
 * Writes the lock, which is the first write of a broker and fails on a full or read-only disk. `makeRoom` returns whether it freed
 * space.
 * @throws BrokerError
 */
function writeOwn(own: string, content: string, makeRoom: () => boolean): void {
  try {
    writeFileSync(own, content, { mode: 0o600 })
  } catch (cause) {
    if (isDiskFull(cause) && makeRoom()) return writeOwn(own, content, () => false)
    const advice = isDiskFull(cause)
      ? diskFullAdvice(dirname(own), freeBytesAt(dirname(own)))
      : 'The process needs permission to write to the directory'
    throw new BrokerError(`The lock of the data directory cannot be written: ${String(cause)}. ${advice}.`, { cause })
  }
}

/**
 * Frees the space that is reserved for deletions: a broker that cannot start cannot delete anything. It is reserved again later.
 * @returns whether there was any. @throws DataDirectoryLockedError when the space belongs to a running broker.
 */
function releaseReserve(directory: string, nowMs: number): boolean {
  const path = join(directory, fileName)
  const found = readHolder(path)
  if (found !== null && isAlive(found.holder, path, nowMs)) throw new DataDirectoryLockedError(directory, found.holder)
  if (statSync(reservePath(directory), { throwIfNoEntry: false }) === undefined) return false
  rmSync(reservePath(directory))
  return true
}

function tryLink(own: string, path: string): boolean {
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

function readHolder(path: string): { readonly holder: Holder; readonly content: string } | null {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
  return { holder: parseHolder(content), content }
}

/** Reads a lock. A damaged one was not written by a running broker. */
function parseHolder(content: string): Holder {
  try {
    const parsed = JSON.parse(content) as Partial<Holder> | null
    if (typeof parsed?.pid === 'number' && typeof parsed.hostname === 'string') {
      const { pid, processStart = '', pidNamespace: namespace = '' } = parsed
      return { pid, hostname: parsed.hostname, processStart, pidNamespace: namespace }
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return { pid: 0, hostname: hostname(), processStart: '', pidNamespace: '' }
}

function isAlive(holder: Holder, path: string, nowMs: number): boolean {
  if (holder.pid <= 0) return false
  if (!isInReach(holder)) {
    const renewed = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
    return nowMs - renewed < silentAfterMs
  }
  return lives({ pid: holder.pid, start: holder.processStart })
}

/** Returns whether this process can see the process of the holder. A lock of an earlier version does not name its container. */
function isInReach(holder: Holder): boolean {
  if (holder.hostname !== hostname()) return false
  return holder.pidNamespace === '' || holder.pidNamespace === pidNamespace()
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return '' // a system without /proc
  }
}

/** Removes the lock of a holder that has ended. If another process replaced it between check and rename, its lock is restored. */
function removeStale(path: string, content: string, own: string): void {
  const aside = `${own}.stale`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  if (readFileSync(aside, 'utf8') !== content) tryLink(aside, path)
  rmSync(aside, { force: true })
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}

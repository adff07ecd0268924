import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DataDirectoryLockedError } from '../../../../src/broker/broker-error.ts'
import { DataDirectoryLock } from '../../../../src/broker/data-directory/data-directory-lock.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'

let directory: string
let clock: ManualClock

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'penstock-lock-')), 'data')
  clock = new ManualClock()
})

afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }))

const lockPath = (): string => join(directory, '.lock')

describe('the lock of a data directory', () => {
  it('makes the directory for its owner alone, and goes when it is released', () => {
    const lock = DataDirectoryLock.acquire(directory, clock)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(statSync(lockPath()).mode & 0o777).toBe(0o600)
    lock.release()
    expect(existsSync(lockPath())).toBe(false)
    expect(clock.pending).toBe(0)
    DataDirectoryLock.acquire(directory, clock).release()
  })

  it('refuses a second broker with the pid of the first and both ways out', () => {
    const lock = DataDirectoryLock.acquire(directory, clock)
    expect(() => DataDirectoryLock.acquire(directory, clock)).toThrow(DataDirectoryLockedError)
    expect(() => DataDirectoryLock.acquire(directory, clock)).toThrow(
      new RegExp(`process ${process.pid}.*bootstrap\\.servers.*penstock broker`, 's'),
    )
    lock.release()
  })

  it('is taken over from a process that was killed', async () => {
    const dead = spawn(process.execPath, ['-e', ''])
    await new Promise((resolve) => dead.once('exit', resolve))
    DataDirectoryLock.acquire(directory, clock).release()
    writeFileSync(lockPath(), JSON.stringify({ pid: dead.pid, hostname: hostname(), processStart: '1' }))
    const lock = DataDirectoryLock.acquire(directory, clock)
    expect(JSON.parse(readFileSync(lockPath(), 'utf8'))).toMatchObject({ pid: process.pid })
    lock.release()
  })

  it('is taken over when the pid belongs to another process by now', () => {
    DataDirectoryLock.acquire(directory, clock).release()
    writeFileSync(lockPath(), JSON.stringify({ pid: process.ppid, hostname: hostname(), processStart: '1' }))
    DataDirectoryLock.acquire(directory, clock).release()
  })

  it('is taken over when it does not read as a lock', () => {
    DataDirectoryLock.acquire(directory, clock).release()
    for (const content of ['', '{', '{"pid":"x"}', 'null']) {
      writeFileSync(lockPath(), content)
      DataDirectoryLock.acquire(directory, clock).release()
    }
  })

  it('of another host counts for as long as it is renewed', () => {
    DataDirectoryLock.acquire(directory, clock).release()
    writeFileSync(lockPath(), JSON.stringify({ pid: 1, hostname: 'another-container', processStart: '1' }))
    const renewedAt = (secondsAgo: number): void =>
      utimesSync(lockPath(), clock.now() / 1000, clock.now() / 1000 - secondsAgo)
    renewedAt(10)
    expect(() => DataDirectoryLock.acquire(directory, clock)).toThrow(/process 1 on another-container/)
    renewedAt(31)
    DataDirectoryLock.acquire(directory, clock).release()
  })

  it('of another container with the same host name counts for as long as it is renewed', () => {
    DataDirectoryLock.acquire(directory, clock).release()
    const pidNamespace = 'pid:[1]'
    writeFileSync(lockPath(), JSON.stringify({ pid: 1, hostname: hostname(), processStart: '1', pidNamespace }))
    utimesSync(lockPath(), clock.now() / 1000, clock.now() / 1000 - 10)
    expect(() => DataDirectoryLock.acquire(directory, clock)).toThrow(/try again in 30 s/)
    utimesSync(lockPath(), clock.now() / 1000, clock.now() / 1000 - 31)
    DataDirectoryLock.acquire(directory, clock).release()
  })

  it('is renewed, and comes back when it is removed', () => {
    const lock = DataDirectoryLock.acquire(directory, clock)
    clock.advance(60_000)
    expect(Math.abs(statSync(lockPath()).mtimeMs - clock.now())).toBeLessThan(10_000)
    rmSync(lockPath())
    clock.advance(5000)
    expect(() => DataDirectoryLock.acquire(directory, clock)).toThrow(DataDirectoryLockedError)
    lock.release()
  })

  it('is not renewed for another broker that took the directory over', () => {
    const lock = DataDirectoryLock.acquire(directory, clock)
    const other = JSON.stringify({ pid: 7, hostname: 'another-container', processStart: '1' })
    writeFileSync(lockPath(), other)
    utimesSync(lockPath(), 1, 1)
    expect(() => clock.advance(5000)).toThrow(/taken over by process 7 on another-container/)
    expect(statSync(lockPath()).mtimeMs).toBe(1000)
    lock.release()
    expect(readFileSync(lockPath(), 'utf8')).toBe(other)
  })

  it('is written again when it was damaged', () => {
    const lock = DataDirectoryLock.acquire(directory, clock)
    writeFileSync(lockPath(), '')
    clock.advance(5000)
    expect(() => DataDirectoryLock.acquire(directory, clock)).toThrow(DataDirectoryLockedError)
    lock.release()
  })

  it('says what it needs where it cannot be written', () => {
    DataDirectoryLock.acquire(directory, clock).release()
    symlinkSync('/proc/self', join(directory, '..', 'not-writable'))
    expect(() => DataDirectoryLock.acquire(join(directory, '..', 'not-writable'), clock)).toThrow(
      /The lock of the data directory cannot be written: .*needs permission to write/,
    )
  })

  it('continues where it cannot be renewed, says so once, and is renewed when that works again', () => {
    const logger = quietLogger()
    const lock = DataDirectoryLock.acquire(directory, clock, logger)
    rmSync(lockPath())
    mkdirSync(lockPath()) // Neither read nor written: as on a disk that fails.
    clock.advance(60_000)
    expect(() => lock.assertHeld()).not.toThrow()
    rmSync(lockPath(), { recursive: true })
    clock.advance(5000)
    expect(readFileSync(lockPath(), 'utf8')).toContain(String(process.pid))
    expect(logger.lines.map(({ message }) => message)).toEqual([
      'cannot renew the lock of the data directory; retrying. Check its disk',
      'renewed the lock of the data directory',
    ])
    lock.release()
  })

  it('says so when the whole directory is gone', () => {
    const lock = DataDirectoryLock.acquire(directory, clock)
    rmSync(directory, { recursive: true })
    expect(() => clock.advance(5000)).toThrow(/the data directory is gone/)
    lock.release()
  })
})

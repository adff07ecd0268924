import { fork } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { systemClock } from '../../../../src/foundation/clock.ts'
import { isAlive } from '../../../../src/foundation/process/process-identity.ts'
import { DirectoryHeldError, holdDirectory } from '../../../../src/servers/process/held-directory.ts'
import { Watchdog } from '../../../../src/servers/process/watchdog.ts'
import { until } from '../../../support/until.ts'

let directory = ''
let watchdog: Watchdog
let told: string[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-test-'))
  watchdog = Watchdog.open()
  told = []
})
afterEach(async () => {
  await watchdog.close()
  rmSync(directory, { recursive: true })
})

const report = ({ kind, doing }: { kind: string; doing: string }): void => {
  told.push(`${kind}: ${doing}`)
}
const hold = (clock = systemClock, signal = new AbortController().signal): Promise<void> =>
  holdDirectory(directory, { watchdog, clock, signal, report })

/** A clock whose sleeps pass at once. */
function quickClock(): typeof systemClock & { passed: () => number } {
  let now = 0
  const sleep = async (ms: number): Promise<void> => {
    now += ms
  }
  return { ...systemClock, monotonic: () => now, sleep, passed: () => now }
}

const lock = (holder: string | number, user: string | number): void =>
  writeFileSync(join(directory, '.lock'), `${holder}\n${user}\n`)
/** No process has a number above the kernel's limit of 2^22. */
const stranger = 99_999_999

describe('a directory that servers keep their data in', () => {
  it('is held in the name of the watchdog until the watchdog has ended', async () => {
    await hold()
    expect(readFileSync(join(directory, '.lock'), 'utf8').split(' ')[0]).toBe(String(watchdog.pid))
    expect(readdirSync(directory)).toEqual(['.lock'])
    await watchdog.close()
    expect(readdirSync(directory)).toEqual([])
    expect(told).toEqual([])
  })

  it('is locked until the servers of a killed user have stopped and their files are removed', async () => {
    mkdirSync(join(directory, 'data'))
    const user = fork(fileURLToPath(new URL('../../../support/watchdog-user.ts', import.meta.url)), [directory, 'hold'])
    const path = join(directory, 'server')
    await until('the server runs', () => existsSync(path) && readFileSync(path, 'utf8') !== '')
    const server = Number(readFileSync(path, 'utf8'))
    user.kill('SIGKILL')
    await hold()
    expect(isAlive(server)).toBe(false)
    expect(existsSync(join(directory, 'data'))).toBe(false)
    expect(told).toEqual([expect.stringMatching(/^directory: waiting for an earlier run to stop \(process \d+\)$/)])
  })

  it('is denied to a second user after 30 s while the first one runs', async () => {
    lock(process.pid, process.pid)
    const clock = quickClock()
    await expect(hold(clock)).rejects.toThrow(
      new DirectoryHeldError(
        `${directory} is in use by the run with process ${process.pid}. Stop that run, or choose another directory.`,
      ),
    )
    expect(clock.passed()).toBe(30_000)
    expect(told).toEqual([`directory: waiting for an earlier run to stop (process ${process.pid})`])
  })

  it('is denied after 120 s if the servers of an ended user do not stop', async () => {
    lock(process.pid, stranger)
    const clock = quickClock()
    await expect(hold(clock)).rejects.toThrow(
      `which did not stop within 120 s. Stop the children of process ${process.pid}, or choose another directory.`,
    )
    expect(clock.passed()).toBe(120_000)
  })

  it('is waited for until the caller gives up', async () => {
    lock(process.pid, process.pid)
    await expect(hold(systemClock, AbortSignal.timeout(50))).rejects.toThrow('timeout')
  })

  it.each([
    ['is dead', `${stranger} 1`],
    ['had the number of a process that is another one since', `${process.pid} 1`],
    ['cannot be read', 'half a li'],
  ])('is taken over from a watchdog that %s', async (_, holder) => {
    lock(holder, holder)
    await hold(quickClock())
    expect(told).toEqual([])
  })
})

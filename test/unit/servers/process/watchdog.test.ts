import { fork } from 'node:child_process'
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { isAlive } from '../../../../src/foundation/process/process-identity.ts'
import { Watchdog } from '../../../../src/servers/process/watchdog.ts'
import type { ProcessOrder } from '../../../../src/servers/process/watchdog-messages.ts'
import { untilPasses } from '../../../support/until.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-test-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** A shell that runs `script` with a child of its own. */
function shell(script: string, stopTimeoutMs = 20_000): ProcessOrder {
  return {
    command: '/bin/sh',
    args: ['-c', script],
    cwd: directory,
    env: { PATH: process.env['PATH'] ?? '' },
    account: null,
    logFile: join(directory, 'log'),
    stopSignal: 'SIGTERM',
    stopTimeoutMs,
  }
}

const ended = (pid: number): Promise<void> => untilPasses(() => expect(isAlive(pid)).toBe(false))
const written = (name: string): Promise<string> =>
  untilPasses(() => {
    const text = readFileSync(join(directory, name), 'utf8').trim()
    expect(text).not.toBe('')
    return text
  })

describe('the watchdog', () => {
  it('runs a process, stores its output and reports its end', async () => {
    const watchdog = Watchdog.open()
    const running = await watchdog.start(shell('echo hello; exit 3'))
    expect(await running.exited).toBe('code 3')
    expect(await written('log')).toBe('hello')
    await watchdog.close()
  })

  it('stops a process with the signal it asks for', async () => {
    const watchdog = Watchdog.open()
    const running = await watchdog.start(
      shell('trap "echo bye; exit 0" TERM; echo $$ > pid; while :; do sleep 0.05; done'),
    )
    await written('pid')
    expect(await running.stop()).toBe('code 0')
    expect(await written('log')).toBe('bye')
    await watchdog.close()
  })

  it('kills a process that does not stop, and its children', async () => {
    const watchdog = Watchdog.open()
    const running = await watchdog.start(
      shell('trap "" TERM; sh -c "echo \\$\\$ > child; exec sleep 60" & wait; wait', 300),
    )
    const child = Number(await written('child'))
    expect(await running.stop()).toBe('SIGKILL')
    await ended(child)
    await watchdog.close()
  })

  it('reports why a process cannot be started', async () => {
    const watchdog = Watchdog.open()
    await expect(watchdog.start({ ...shell(''), command: '/no/such/program' })).rejects.toThrow('ENOENT')
    await expect(watchdog.start({ ...shell(''), logFile: '/no/such/directory/log' })).rejects.toThrow('ENOENT')
    await watchdog.close()
  })

  it('starts nothing after its end', async () => {
    const watchdog = Watchdog.open()
    await watchdog.close()
    await expect(watchdog.start(shell('exit'))).rejects.toThrow('the watchdog process has ended')
    await watchdog.close()
  })

  it('stops everything and cleans up after its user is killed with SIGKILL', async () => {
    mkdirSync(join(directory, 'data'))
    const user = fork(fileURLToPath(new URL('../../../support/watchdog-user.ts', import.meta.url)), [directory])
    const [server, child] = [Number(await written('server')), Number(await written('child'))]
    expect(isAlive(server)).toBe(true)
    user.kill('SIGKILL')
    await ended(server)
    await ended(child)
    await untilPasses(() => expect(existsSync(join(directory, 'data'))).toBe(false))
    await written('at-end')
  })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

import { expect, it } from 'vitest'

import { identityOf, isAlive, lives } from '../../../../src/foundation/process/process-identity.ts'
import { untilPasses } from '../../../support/until.ts'

it('knows itself, and no process that ended', async () => {
  expect(lives(identityOf(process.pid))).toBe(true)
  const child = spawn(process.execPath, ['-e', ''])
  const identity = identityOf(child.pid ?? 0)
  await once(child, 'exit')
  expect(lives(identity)).toBe(false)
  expect(isAlive(0)).toBe(false)
  expect(isAlive(-1)).toBe(false)
})

it('distinguishes a process from an earlier one with the same pid', () => {
  expect(lives({ pid: process.pid, start: '1' })).toBe(false)
  expect(lives({ pid: process.pid, start: '' })).toBe(true)
})

it.runIf(process.platform === 'linux')('takes a process that no one has buried for dead', async () => {
  // The shell becomes `sleep`, which never asks how the child ended: it stays in the process table. The child waits for
  // that, because a shell may still bury it.
  const child = "sh -c 'until grep -q sleep /proc/$PPID/comm; do :; done'"
  const parent = spawn('sh', ['-c', `${child} & echo $!; exec sleep 60`], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString())
  await untilPasses(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) Z /))
  expect(isAlive(pid)).toBe(false)
  parent.kill('SIGKILL')
  await once(parent, 'exit')
})

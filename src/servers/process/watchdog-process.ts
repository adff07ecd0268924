/**
 * The watchdog process. It starts servers as its children and stops them on request, or when the channel to the process that
 * uses them closes: the kernel closes it even after kill -9. Because the watchdog is their parent, a server never runs without
 * it.
 */
import { errorMessage } from '../../foundation/error-message.ts'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, rmSync } from 'node:fs'

import { systemClock } from '../../foundation/clock.ts'
import { unlock } from './directory-lock.ts'
import type { FromWatchdog, ProcessOrder, ToWatchdog } from './watchdog-messages.ts'

const children = new Map<number, { readonly child: ChildProcess; readonly order: ProcessOrder }>()
const leftovers: string[] = []
const locks: string[] = []
const lastCommands: { readonly command: string; readonly args: readonly string[] }[] = []

function tell(message: FromWatchdog): void {
  if (process.connected) process.send?.(message)
}

function start(id: number, order: ProcessOrder): void {
  const log = openSync(order.logFile, 'a')
  const child = spawn(order.command, [...order.args], {
    cwd: order.cwd,
    env: order.env,
    ...(order.account === null ? {} : { uid: order.account.uid, gid: order.account.gid }),
    // A separate process group: Ctrl-C in a terminal does not reach it, and its children can be signalled with it.
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  child.once('error', (error) => {
    children.delete(id)
    tell({ type: 'failed', id, reason: error.message })
  })
  child.once('spawn', () => tell({ type: 'started', id, pid: child.pid ?? 0 }))
  child.once('exit', (code, signal) => {
    signalGroup(child, 'SIGKILL')
    children.delete(id)
    tell({ type: 'exited', id, how: signal ?? `code ${code}` })
  })
  children.set(id, { child, order })
}

/** Signals the whole process group, if it still exists. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // The group has ended.
  }
}

function stop(id: number): Promise<void> {
  const running = children.get(id)
  if (running === undefined) return Promise.resolve()
  const { child, order } = running
  return new Promise((resolve) => {
    const cancel = systemClock.after(order.stopTimeoutMs, () => signalGroup(child, 'SIGKILL'))
    child.once('exit', () => {
      cancel()
      resolve()
    })
    // Only the server itself: a launcher forwards the signal in its own way.
    child.kill(order.stopSignal)
  })
}

async function end(): Promise<void> {
  await Promise.all([...children.keys()].map(stop))
  for (const { command, args } of lastCommands) spawnSync(command, [...args], { stdio: 'ignore', timeout: 20_000 })
  for (const path of leftovers) rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  for (const path of locks) unlock(path, process.pid)
  process.exit(0)
}

process.on('message', (message: ToWatchdog) => {
  switch (message.type) {
    case 'start':
      try {
        start(message.id, message.order)
      } catch (error) {
        tell({ type: 'failed', id: message.id, reason: errorMessage(error) })
      }
      return
    case 'stop':
      void stop(message.id)
      return
    case 'kill': {
      const running = children.get(message.id)
      if (running !== undefined) signalGroup(running.child, message.signal)
      return
    }
    case 'remove-at-end':
      leftovers.push(message.path)
      return
    case 'unlock-at-end':
      locks.push(message.path)
      return
    case 'run-at-end':
      lastCommands.push(message)
  }
})
process.once('disconnect', () => void end())
// Only the process that uses the servers stops them, not a signal to the process group.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

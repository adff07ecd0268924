import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { Worker } from 'node:worker_threads'

import { systemClock } from 'penstock/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { OpenWork } from '../../../src/testing/contract/open-work.ts'
import { untilPasses } from '../../support/until.ts'

let work: OpenWork
beforeEach(() => {
  work = new OpenWork()
})
afterEach(() => work.end())

/** Each opens something, and returns how to close it. */
const kinds: readonly (readonly [what: string, begin: () => Promise<() => Promise<unknown>>])[] = [
  [
    'a timer',
    async () => {
      const stop = systemClock.every(60_000, () => undefined)
      return async () => stop()
    },
  ],
  [
    'a timer',
    async () => {
      const bound = new AbortController()
      const sleeping = systemClock.after(60_000, () => bound.abort())
      return async () => sleeping()
    },
  ],
  [
    'a file',
    async () => {
      const file = await open(import.meta.filename)
      return async () => await file.close()
    },
  ],
  [
    'a server',
    async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return async () => server.close()
    },
  ],
  [
    'a UDP socket',
    async () => {
      const socket = createSocket('udp4').bind(0, '127.0.0.1')
      await once(socket, 'listening')
      return async () => socket.close()
    },
  ],
  [
    'a child process',
    async () => {
      const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] })
      await once(child, 'spawn')
      return async () => {
        child.kill('SIGKILL')
        await once(child, 'close')
      }
    },
  ],
  [
    'a file watcher',
    async () => {
      const watcher = watch(import.meta.dirname)
      return async () => watcher.close()
    },
  ],
  [
    'a worker thread',
    async () => {
      const thread = new Worker('require("node:worker_threads").parentPort.on("message", () => {})', { eval: true })
      await once(thread, 'online')
      return async () => await thread.terminate()
    },
  ],
]

describe('the open work of a plugin', () => {
  it.each(kinds)('has %s until it is closed', async (what, begin) => {
    const close = await work.run(begin)
    expect(work.list().join('\n')).toContain(`${what}, opened at `)
    await close()
    await untilPasses(() => expect(work.list()).toEqual([]))
  })

  it('is opened where the plugin calls, not where the API does', async () => {
    const stop = await work.run(async () => systemClock.every(60_000, () => undefined))
    expect(work.list()).toEqual([expect.stringMatching(/^a timer, opened at .*open-work\.test\.ts/)])
    stop()
  })

  it('has a socket until it is destroyed, but not the sockets of other code', async () => {
    const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const foreign = connect(port, '127.0.0.1')
    await once(foreign, 'connect')
    expect(work.list()).toEqual([])
    const socket = await work.run(async () => {
      const opened = connect(port, '127.0.0.1')
      await once(opened, 'connect')
      return opened
    })
    expect(work.list().join('\n')).toContain('a socket, opened ')
    socket.destroy()
    await untilPasses(() => expect(work.list()).toEqual([]))
    foreign.destroy()
    server.close()
  })

  it('has no timer that lets the process end', async () => {
    await work.run(async () => void AbortSignal.timeout(60_000))
    expect(work.list()).toEqual([])
  })
})

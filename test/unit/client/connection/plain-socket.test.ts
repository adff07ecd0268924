import { getEventListeners } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { openPlainSocket, ResponseFrames } from '../../../../src/client/connection/plain-socket.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

it.each(['connects', 'does not connect'])(
  'leaves no timer and no listener of the signal when it %s',
  async (outcome) => {
    const server = createServer((socket) => void socket.on('error', () => undefined))
    const { promise, resolve } = Promise.withResolvers<void>()
    server.listen(0, '127.0.0.1', resolve)
    await promise
    const { port } = server.address() as AddressInfo
    const address = { host: '127.0.0.1', port }
    if (outcome !== 'connects') await new Promise((closed) => server.close(closed))
    const clock = new ManualClock()
    const { signal } = new AbortController()
    const frames = new ResponseFrames(1000, () => undefined)
    const opening = openPlainSocket({ address, clock, connectTimeoutMs: 1000 }, frames, signal)
    expect([clock.pending, getEventListeners(signal, 'abort').length]).toEqual([1, 1])
    if (outcome === 'connects') (await opening).destroy()
    else await expect(opening).rejects.toThrow(`cannot connect to 127.0.0.1:${port}`)
    expect([clock.pending, getEventListeners(signal, 'abort').length]).toEqual([0, 0])
    if (outcome === 'connects') await new Promise((closed) => server.close(closed))
  },
)

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

import { afterEach, expect, it } from 'vitest'

import { receivingSocket } from '../../../../src/broker/server/receiving-socket.ts'
import { deferred } from '../../../../src/foundation/async/deferred.ts'

let server: Server | null = null
afterEach(() => {
  server?.close()
})

/** A server that sends back what it receives, and what the sockets were that it was given and used. */
async function echo(prepare: (accepted: Socket) => void): Promise<{
  readonly port: number
  readonly used: Promise<{ readonly accepted: Socket; readonly socket: Socket; readonly chunks: Buffer[] }>
}> {
  const used = deferred<{ accepted: Socket; socket: Socket; chunks: Buffer[] }>()
  server = createServer({ pauseOnConnect: true }, (accepted) => {
    prepare(accepted)
    const shared = Buffer.alloc(1000)
    const chunks: Buffer[] = []
    const socket = receivingSocket(accepted, {
      destination: () => shared,
      received: (count) => socket.write(Buffer.from(shared.subarray(0, count))),
      push: (chunk) => {
        chunks.push(chunk)
        socket.write(chunk)
      },
    })
    used.resolve({ accepted, socket, chunks })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, used: used.promise }
}

async function exchanged(port: number, sent: Buffer): Promise<Buffer> {
  const client = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  let length = 0
  const whole = deferred<void>()
  client.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    length += chunk.length
    if (length >= sent.length) whole.resolve()
  })
  client.write(sent)
  await whole.promise
  client.end()
  await once(client, 'close')
  return Buffer.concat(chunks)
}

const sent = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251))

it('reads into the memory it is given, and the server still counts its connection', async () => {
  const { port, used } = await echo(() => undefined)
  expect((await exchanged(port, sent)).equals(sent)).toBe(true)
  const { accepted, socket, chunks } = await used
  // When this fails on another version of Node, the broker works as before but takes a buffer of 64 kB forevery read.
  expect(socket).not.toBe(accepted)
  expect(chunks).toEqual([])
  const closed = deferred<void>()
  server?.close(() => closed.resolve())
  await closed.promise
})

it('takes the buffers of a socket that cannot be moved', async () => {
  const { port, used } = await echo((accepted) => Object.assign(accepted, { _server: undefined }))
  expect((await exchanged(port, sent)).equals(sent)).toBe(true)
  const { accepted, socket, chunks } = await used
  expect(socket).toBe(accepted)
  expect(Buffer.concat(chunks).equals(sent)).toBe(true)
})

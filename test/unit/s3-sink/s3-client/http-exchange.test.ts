import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { HttpExchange, HttpTimeoutError } from '../../../../connectors/s3-sink/s3-client/http-exchange.ts'

let server: Server
let sockets = 0
beforeEach(async () => {
  sockets = 0
  server = createServer((incoming, outgoing) => {
    if (incoming.url === '/never') return
    const pieces: Buffer[] = []
    incoming.on('data', (piece: Buffer) => pieces.push(piece))
    incoming.on('end', () => outgoing.writeHead(201, { etag: '"t"' }).end(Buffer.concat(pieces)))
  })
  server.on('connection', () => (sockets += 1))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const origin = () => new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
const put = (path: string) => ({ method: 'PUT', path, headers: {}, body: [Buffer.from('a'), Buffer.from('b')] })
const never = new AbortController().signal

describe('an HTTP exchange', () => {
  it('sends bodies in pieces over connections that stay open', async () => {
    const http = new HttpExchange(origin(), 1000)
    for (let time = 0; time < 3; time += 1) {
      expect(await http.send(put('/x'), never)).toMatchObject({ status: 201, body: 'ab', headers: { etag: '"t"' } })
    }
    expect(sockets).toBe(1)
    http.close()
  })

  it('gives up when nothing moves, and when it is told to', async () => {
    const http = new HttpExchange(origin(), 30)
    await expect(http.send(put('/never'), never)).rejects.toThrow(HttpTimeoutError)
    const told = new AbortController()
    const slow = new HttpExchange(origin(), 60_000)
    const sent = slow.send(put('/never'), told.signal)
    told.abort(new RangeError('enough'))
    await expect(sent).rejects.toThrow('enough')
    http.close()
    slow.close()
  })

  it('speaks TLS where the address says so', async () => {
    const http = new HttpExchange(new URL(origin().href.replace('http:', 'https:')), 1000)
    await expect(http.send(put('/x'), never)).rejects.toThrow(/SSL|wrong version|EPROTO|socket/i)
    http.close()
  })
})

import { createRequire } from 'node:module'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { AuthenticationError, ConnectionError } from '../../../../src/client/errors.ts'
import { loadKafkajs, openSecureSocket } from '../../../../src/client/connection/kafkajs-internals.ts'
import { ByteReader } from '../../../../src/protocol/bytes/byte-reader.ts'
import { encodeResponseFrame, readRequestHeader } from '../../../../src/protocol/frame.ts'
import { FrameSplitter } from '../../../../src/protocol/frame-splitter.ts'
import { apiVersions } from '../../../../src/protocol/messages/api-versions.ts'
import { saslAuthenticate } from '../../../../src/protocol/messages/sasl-authenticate.ts'
import { saslHandshake } from '../../../../src/protocol/messages/sasl-handshake.ts'
import { patienceMs } from '../../../support/until.ts'

const sasl = { mechanism: 'PLAIN', username: 'user', password: 'secret' } as const
const options = { clientId: 'test', timeoutMs: patienceMs }

/** A broker that knows SASL PLAIN and nothing else; it gives what it was told in responses to later requests. */
function saslBroker(password: string, seen: string[]): (socket: Socket) => void {
  return (socket) => {
    const frames = new FrameSplitter()
    socket.on('data', (chunk: Buffer) => {
      for (const frame of frames.push(chunk)) {
        const reader = new ByteReader(frame)
        const { apiKey, apiVersion, correlationId } = readRequestHeader(reader)
        seen.push(String(apiKey))
        const answer = answerTo(
          apiKey,
          apiVersion,
          correlationId,
          frame.subarray(reader.position).toString('latin1'),
          password,
        )
        for (const part of answer) socket.write(part)
      }
    })
  }
}

function answerTo(apiKey: number, version: number, correlationId: number, body: string, password: string): Buffer[] {
  if (apiKey === apiVersions.key) {
    const apiKeys = [17, 18, 36].map((key) => ({ apiKey: key, minVersion: 0, maxVersion: key === 18 ? 3 : 1 }))
    return encodeResponseFrame(apiVersions, version, correlationId, { errorCode: 0, apiKeys })
  }
  if (apiKey === saslHandshake.key)
    return encodeResponseFrame(saslHandshake, version, correlationId, { errorCode: 0, mechanisms: ['PLAIN'] })
  const isRight = body.endsWith(`\0user\0${password}`)
  return encodeResponseFrame(saslAuthenticate, version, correlationId, {
    errorCode: isRight ? 0 : 58,
    errorMessage: isRight ? null : 'wrong password',
    authBytes: Buffer.alloc(0),
    sessionLifetimeMs: 60_000,
  })
}

describe('the internals of kafkajs that are used', () => {
  const closers: (() => void)[] = []

  afterEach(() => {
    for (const close of closers.splice(0)) close()
  })

  async function listen(serve: (socket: Socket) => void): Promise<{ host: string; port: number }> {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      serve(socket)
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    server.listen(0, '127.0.0.1', resolve)
    await promise
    closers.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  }

  it('are those of the pinned version, in the shape that is expected', () => {
    const { version } = createRequire(import.meta.url)('kafkajs/package.json') as { version: string }
    expect(version).toBe('2.2.4')
    const { Broker, ConnectionPool, socketFactory } = loadKafkajs()
    const logger = { namespace: () => logger, info: () => {}, warn: () => {}, error: () => {}, debug: () => {} }
    const pool = new ConnectionPool({ host: 'h', port: 1, logger, socketFactory: socketFactory(), requestTimeout: 1 })
    expect(pool.pool).toHaveLength(2)
    const [connection] = pool.pool
    expect(connection?.isConnected()).toBe(false)
    expect(connection?.sessionLifetime.toString()).toBe('0')
    expect(connection?.requestQueue).toHaveProperty('destroy')
    expect(connection?.requestQueue).toHaveProperty('scheduleCheckPendingRequests')
    expect(new Broker({ connectionPool: pool, logger })).toHaveProperty('connect')
  })

  it('give a socket that has been authenticated, without listeners or timers of theirs', async () => {
    const seen: string[] = []
    const address = await listen(saslBroker('secret', seen))
    const { socket, sessionLifetimeMs } = await openSecureSocket(address, { tls: null, sasl }, options)
    expect(sessionLifetimeMs).toBe(60_000)
    expect(seen).toEqual(['18', '17', '36'])
    for (const event of ['data', 'error', 'end', 'timeout']) expect(socket.listenerCount(event)).toBe(0)
    socket.destroy()
  })

  it('report rejected credentials', async () => {
    const address = await listen(saslBroker('another', []))
    const opening = openSecureSocket(address, { tls: null, sasl }, options)
    await expect(opening).rejects.toThrow(AuthenticationError)
    await expect(opening).rejects.not.toThrow(/secret/)
  })

  it('report that no server listens', async () => {
    const address = await listen(() => undefined)
    for (const close of closers.splice(0)) close()
    await expect(openSecureSocket(address, { tls: null, sasl }, options)).rejects.toThrow(ConnectionError)
  })
})

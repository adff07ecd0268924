import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSecureSocket } from '../../../../src/client/connection/kafkajs-internals.ts'
import type { TlsOptions } from '../../../../src/client/connection/security.ts'
import { AuthenticationError } from '../../../../src/client/errors.ts'
import { ByteReader } from '../../../../src/protocol/bytes/byte-reader.ts'
import { encodeResponseFrame, readRequestHeader } from '../../../../src/protocol/frame.ts'
import { FrameSplitter } from '../../../../src/protocol/frame-splitter.ts'
import { apiVersions } from '../../../../src/protocol/messages/api-versions.ts'
import { selfSigned } from '../../../support/tls/self-signed.ts'
import { patienceMs } from '../../../support/until.ts'

/** Responds to ApiVersions, the first request of a client. */
function serve(socket: TLSSocket): void {
  const frames = new FrameSplitter()
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    for (const frame of frames.push(chunk)) {
      const { apiVersion, correlationId } = readRequestHeader(new ByteReader(frame))
      const apiKeys = [{ apiKey: apiVersions.key, minVersion: 0, maxVersion: 3 }]
      for (const part of encodeResponseFrame(apiVersions, apiVersion, correlationId, { errorCode: 0, apiKeys }))
        socket.write(part)
    }
  })
}

describe('a broker with TLS', () => {
  let server: Server
  let ca: string
  let port: number
  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-tls-'))
    const { certificate, key } = selfSigned(directory, 'localhost', 'DNS:localhost')
    ca = readFileSync(certificate, 'utf8')
    server = createServer({ key: readFileSync(key), cert: ca }, serve)
    rmSync(directory, { recursive: true })
    const { promise, resolve } = Promise.withResolvers<void>()
    server.listen(0, '127.0.0.1', resolve)
    await promise
    port = (server.address() as AddressInfo).port
  })
  afterAll(() => {
    server.close()
  })

  async function connects(host: string, tls: TlsOptions): Promise<boolean> {
    const { socket } = await openSecureSocket(
      { host, port },
      { tls, sasl: null },
      { clientId: 't', timeoutMs: patienceMs },
    )
    const { encrypted } = socket as TLSSocket
    socket.destroy()
    return encrypted
  }

  it('is accepted with a certificate for its host name by an authority that is trusted', async () => {
    expect(await connects('localhost', { ca })).toBe(true)
    expect(await connects('localhost', { ca, verifyHost: true })).toBe(true)
  })

  it('is rejected with a certificate for another host name, unless the host name is not verified', async () => {
    await expect(connects('127.0.0.1', { ca })).rejects.toThrow(AuthenticationError)
    await expect(connects('127.0.0.1', { ca, verifyHost: true })).rejects.toThrow(/127\.0\.0\.1/)
    expect(await connects('127.0.0.1', { ca, verifyHost: false })).toBe(true)
  })

  it('is rejected with a certificate that is not trusted, also when the host name is not verified', async () => {
    for (const verifyHost of [true, false])
      await expect(connects('localhost', { verifyHost })).rejects.toThrow(AuthenticationError)
  })
})

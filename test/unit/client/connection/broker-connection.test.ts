import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { BrokerConnection } from '../../../../src/client/connection/broker-connection.ts'
import { ConnectionError, RequestTimeoutError, UnsupportedApiError } from '../../../../src/client/errors.ts'
import { systemClock } from '../../../../src/foundation/clock.ts'
import { ByteReader } from '../../../../src/protocol/bytes/byte-reader.ts'
import { encodeResponseFrame, readRequestHeader, type RequestHeader } from '../../../../src/protocol/frame.ts'
import { FrameSplitter } from '../../../../src/protocol/frame-splitter.ts'
import { apiVersions } from '../../../../src/protocol/messages/api-versions.ts'
import { heartbeat } from '../../../../src/protocol/messages/heartbeat.ts'
import { produce } from '../../../../src/protocol/messages/produce.ts'
import { patienceMs } from '../../../support/until.ts'

type Answer = (header: RequestHeader, socket: Socket) => Buffer[] | null

const served = [
  { apiKey: apiVersions.key, minVersion: 0, maxVersion: 3 },
  { apiKey: heartbeat.key, minVersion: 0, maxVersion: 3 },
  { apiKey: produce.key, minVersion: 50, maxVersion: 60 },
]
const beat = { groupId: 'g', generationId: 1, memberId: 'm' }

function answerVersions({ apiKey, apiVersion, correlationId }: RequestHeader): Buffer[] | null {
  if (apiKey !== apiVersions.key) return null
  return encodeResponseFrame(apiVersions, apiVersion, correlationId, { errorCode: 0, apiKeys: served })
}

function answerBeat(header: RequestHeader, errorCode = 0): Buffer[] {
  return encodeResponseFrame(heartbeat, header.apiVersion, header.correlationId, { errorCode })
}

describe('BrokerConnection', () => {
  const closers: (() => void)[] = []

  afterEach(() => {
    for (const close of closers.splice(0)) close()
  })

  async function open(answer: Answer, requestTimeoutMs = patienceMs): Promise<BrokerConnection> {
    const server = createServer((socket) => {
      const frames = new FrameSplitter()
      socket.on('error', () => undefined)
      socket.on('data', (chunk: Buffer) => {
        for (const frame of frames.push(chunk)) {
          const header = readRequestHeader(new ByteReader(frame))
          for (const part of answerVersions(header) ?? answer(header, socket) ?? []) socket.write(part)
        }
      })
      closers.push(() => socket.destroy())
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    server.listen(0, '127.0.0.1', resolve)
    await promise
    closers.push(() => server.close())
    const { port } = server.address() as AddressInfo
    const connection = await BrokerConnection.open({
      address: { host: '127.0.0.1', port },
      clientId: 'test',
      security: null,
      clock: systemClock,
      connectTimeoutMs: patienceMs,
      requestTimeoutMs,
    })
    closers.push(() => connection.close())
    return connection
  }

  it('uses the highest version that both sides speak', async () => {
    const versions: number[] = []
    const connection = await open((header) => {
      versions.push(header.apiVersion)
      return answerBeat(header)
    })
    await connection.send(heartbeat, beat)
    await connection.send(heartbeat, beat, { maxVersion: 1 })
    expect(versions).toEqual([3, 1])
  })

  it('names the supported versions if there is no common one', async () => {
    const connection = await open(() => null)
    await expect(connection.send(produce, { acks: -1, timeoutMs: 1, topicData: [] })).rejects.toThrow(
      UnsupportedApiError,
    )
    expect(() => connection.versionOf(produce)).toThrow(/Produce v50 to v60; v3 to v\d+ is required/)
  })

  it('keeps several requests in flight and matches their responses', async () => {
    const held: RequestHeader[] = []
    const connection = await open((header) => {
      held.push(header)
      return held.length < 3 ? null : held.flatMap((each, index) => answerBeat(each, index))
    })
    const answers = await Promise.all([1, 2, 3].map(() => connection.send(heartbeat, beat)))
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([0, 1, 2])
  })

  it('closes a connection whose broker does not respond in time, and fails its requests', async () => {
    const connection = await open(() => null, 50)
    const [first, second] = [
      connection.send(heartbeat, beat),
      connection.send(heartbeat, beat, { timeoutMs: patienceMs }),
    ]
    await expect(first).rejects.toThrow(RequestTimeoutError)
    await expect(second).rejects.toThrow(/did not respond to Heartbeat v3 in time/)
    expect(connection.isOpen).toBe(false)
    await expect(connection.send(heartbeat, beat)).rejects.toThrow(ConnectionError)
  })

  it('fails requests in flight when the broker closes the connection, and names the likely reason', async () => {
    const connection = await open((_, socket) => {
      socket.destroy()
      return null
    })
    await expect(connection.send(heartbeat, beat)).rejects.toThrow(/closed the connection \(if it requires TLS or SASL/)
  })

  it('closes after a response without a request', async () => {
    const connection = await open((header) => answerBeat({ ...header, correlationId: 77 }))
    await expect(connection.send(heartbeat, beat)).rejects.toThrow(/out of order/)
    expect(connection.isOpen).toBe(false)
  })

  it('closes after a response that cannot be decoded', async () => {
    const connection = await open(() => [Buffer.from('ffffffff', 'hex')])
    await expect(connection.send(heartbeat, beat)).rejects.toThrow(/cannot be decoded/)
  })

  it('stops one wait without ending the others', async () => {
    const held: RequestHeader[] = []
    const connection = await open((header) => {
      held.push(header)
      return held.length < 2 ? null : held.flatMap((each) => answerBeat(each))
    })
    const stop = new AbortController()
    const first = connection.send(heartbeat, beat, { signal: stop.signal })
    stop.abort(new RangeError('stopped'))
    await expect(first).rejects.toThrow('stopped')
    expect(await connection.send(heartbeat, beat)).toMatchObject({ errorCode: 0 })
    await expect(connection.send(heartbeat, beat, { signal: stop.signal })).rejects.toThrow('stopped')
  })

  it('reports that no server listens', async () => {
    const address = { host: '127.0.0.1', port: 1 }
    const options = { address, clientId: 'test', security: null, clock: systemClock }
    const opening = BrokerConnection.open({ ...options, connectTimeoutMs: patienceMs, requestTimeoutMs: patienceMs })
    await expect(opening).rejects.toThrow(/cannot connect to 127\.0\.0\.1:1: .*ECONNREFUSED/)
  })
})

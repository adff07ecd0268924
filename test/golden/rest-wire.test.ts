import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { systemClock } from '../../src/foundation/clock.ts'
import { Meters } from '../../src/foundation/metrics/meters.ts'
import { startRest, type RestServer } from '../../src/rest/rest-server.ts'
import { quietLogger } from '../support/quiet-logger.ts'
import { MemoryHerder } from '../support/rest/memory-herder.ts'

/**
 * Requests that HTTP clients do not send, byte for byte, with the responses of the server on `node:http` that preceded fastify
 * (docs/decisions/0022-rest-on-fastify.md). The connection sends `first`, then `rest` after the server has sent something.
 */
interface WireExchange {
  readonly name: string
  readonly first: string
  readonly rest?: string
  /** Whether the client closes its side after the request. */
  readonly isHalfSent?: boolean
  /** All bytes received, headers sorted, without Date. */
  readonly received: string
}

const recording = readFileSync(new URL('rest-wire.jsonl', import.meta.url), 'utf8')
const exchanges = recording
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as WireExchange)

let server: RestServer

beforeAll(async () => {
  const herder = new MemoryHerder()
  const config = { 'connector.class': 'FileStreamSink', topics: 't', 'tasks.max': '2', name: 'a' }
  await herder.createConnector('a', config, null, new AbortController().signal)
  const listeners = [{ host: '127.0.0.1', port: 0 }]
  server = await startRest({ herder, listeners, clock: systemClock, logger: quietLogger(), meters: new Meters(), metrics: () => 'm 1\n' })
})
afterAll(() => server.close(0))

async function received({ first, rest, isHalfSent }: WireExchange): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.on('error', () => undefined) // The server may reset the connection; what it sent before counts.
  await once(socket, 'connect')
  socket.setEncoding('latin1')
  socket.write(Buffer.from(first, 'latin1'))
  if (isHalfSent === true) socket.end()
  if (rest !== undefined) {
    const [begin] = (await once(socket, 'data')) as [string]
    socket.write(Buffer.from(rest, 'latin1'))
    return normal(begin + (await text(socket)))
  }
  return normal(await text(socket))
}

/** The order of headers has no meaning; the date and the port change. */
function normal(bytes: string): string {
  const responses = bytes.replaceAll(`:${new URL(server.url).port}`, ':8083').split(/(?=HTTP\/1\.1 )/)
  return responses.map(sorted).join('')
}

function sorted(response: string): string {
  const end = response.indexOf('\r\n\r\n')
  const [status, ...headers] = response.slice(0, end).split('\r\n')
  const kept = headers.filter((header) => !header.startsWith('Date: ')).toSorted()
  return [status, ...kept].join('\r\n') + response.slice(end)
}

describe('a request that HTTP clients do not send', () => {
  it.each(exchanges)('gets its recorded response: $name', async (exchange) => {
    expect(await received(exchange)).toBe(exchange.received)
  })
})

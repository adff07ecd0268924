import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { deferred, type RawConfig } from 'penstock/api'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { ExchangeError } from '../../../../connectors/s3-store/client/exchange.ts'
import { S3Store } from '../../../../connectors/s3-store/client/s3-store.ts'
import type { StoreEvents } from '../../../../connectors/s3-store/client/store-requests.ts'
import { systemClock, type Clock } from '../../../../src/foundation/clock.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { storeSettingsOf } from '../../../support/s3/s3-config.ts'

let server: Server
let respond: (request: string, incoming: IncomingMessage, outgoing: ServerResponse) => void
beforeEach(async () => {
  server = createServer((incoming, outgoing) => {
    incoming.resume().on('end', () => respond(`${incoming.method} ${incoming.url}`, incoming, outgoing))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

function open(events: StoreEvents, raw: RawConfig = {}, clock: Clock = systemClock): S3Store {
  const settings = storeSettingsOf({
    'store.url': `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    's3.part.retries': '2',
    's3.retry.backoff.ms': '1',
    ...raw,
  })
  return new S3Store(settings, clock, events)
}

const body = [Buffer.from('a')]
const any = { kind: 'any' } as const
const contentType = 'text/plain'
const mark = { writer: 'w', topicId: null, clusterId: null, first: null }
const never = new AbortController().signal

it('shows a request that keeps failing, until it gets through', async () => {
  let refusals = 0
  respond = (_request, _incoming, outgoing) => {
    if (refusals > 0) outgoing.writeHead(503).end('<Error><Code>SlowDown</Code></Error>')
    else outgoing.writeHead(200, { etag: '"t"' }).end()
    refusals -= 1
  }
  const told: (string | null)[] = []
  const store = open({ waitsFor: (reason) => told.push(reason) })
  const put = () => store.putObject({ key: 'k', body, condition: any, mark, contentType }, never)
  refusals = 1
  await put()
  expect(told).toEqual([])
  refusals = 2
  await put()
  expect(told).toEqual([
    expect.stringMatching(/^PUT k to http.* has been failing since .* and is retried: SlowDown/),
    null,
  ])
  store.close()
})

it('shows that the store does not respond when the bucket is looked for', async () => {
  const arrived = deferred<ServerResponse>()
  respond = (_request, _incoming, outgoing) => arrived.resolve(outgoing)
  const told: (string | null)[] = []
  const clock = new ManualClock()
  const store = open({ waitsFor: (reason) => told.push(reason) }, {}, clock)
  const check = store.checkBucket(never)
  const outgoing = await arrived.promise
  expect(told).toEqual([])
  clock.advance(10_000)
  expect(told).toEqual([expect.stringMatching(/^GET bucket to http.* has had no response since /)])
  outgoing.writeHead(200).end('<LocationConstraint/>')
  await check
  expect(told.at(-1)).toBeNull()
  store.close()
})

const completed =
  '<?xml version="1.0"?><CompleteMultipartUploadResult><ETag>&quot;t-1&quot;</ETag></CompleteMultipartUploadResult>'
const begun = '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>'
const part = { number: 1, tag: '"t"', checksum: {} }
const there = { tag: '"t"', bytes: 1, mark: null }
const requests: readonly {
  readonly name: string
  readonly call: (store: S3Store) => Promise<unknown>
  readonly own: (outgoing: ServerResponse) => void
  readonly outcome: unknown
}[] = [
  {
    name: 'a put object',
    call: (store) => store.putObject({ key: 'k', body, condition: any, mark, contentType }, never),
    own: (outgoing) => outgoing.writeHead(200, { etag: '"t"' }).end(),
    outcome: 'done',
  },
  {
    name: 'the creation of an upload',
    call: (store) => store.createUpload({ key: 'k', mark, contentType }, never),
    own: (outgoing) => outgoing.end(begun),
    outcome: 'u',
  },
  {
    name: 'a part',
    call: (store) => store.uploadPart({ key: 'k', uploadId: 'u', number: 1, body }, never),
    own: (outgoing) => outgoing.writeHead(200, { etag: '"t"' }).end(),
    outcome: part,
  },
  {
    name: 'the completion of an upload',
    call: (store) => store.completeUpload({ key: 'k', uploadId: 'u', parts: [part], condition: any }, never),
    own: (outgoing) => outgoing.end(completed),
    outcome: 'done',
  },
  {
    name: 'a look at an object',
    call: (store) => store.headObject('k', never),
    own: (outgoing) => outgoing.writeHead(200, { etag: '"t"', 'content-length': '1' }).end(),
    outcome: there,
  },
  {
    name: 'a read object',
    call: (store) => store.getObject('k', there, never),
    own: (outgoing) => outgoing.writeHead(200, { etag: '"t"' }).end('a'),
    outcome: Buffer.from('a'),
  },
]

it.each(requests)('does not accept a success for $name that a proxy sent', async ({ call, own, outcome }) => {
  const others: ((outgoing: ServerResponse) => void)[] = [
    (outgoing) => outgoing.end(),
    (outgoing) =>
      outgoing.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Please log in</body></html>'),
    (outgoing) => outgoing.writeHead(204).end(),
    (outgoing) => outgoing.end(completed.slice(0, 50)),
  ]
  const seen: string[] = []
  respond = (request, _incoming, outgoing) => {
    seen.push(request)
    const other = others[seen.length - 1]
    if (other === undefined) own(outgoing)
    else other(outgoing)
  }
  const told: (string | null)[] = []
  const store = open({ waitsFor: (reason) => told.push(reason) })
  expect(await call(store)).toEqual(outcome)
  expect(seen).toEqual(Array.from({ length: others.length + 1 }, () => seen[0]))
  expect(told).toContainEqual(expect.stringContaining("not the store's"))
  expect(told.at(-1)).toBeNull()
  store.close()
})

const written = requests.filter(({ name }) => name !== 'a look at an object')

it.each(written)('does not accept a refusal of $name that a proxy sent', async ({ call, own, outcome }) => {
  const statuses = [403, 411, 400, 307, 401, 412, 404]
  let seen = 0
  respond = (_request, _incoming, outgoing) => {
    const status = statuses[seen]
    seen += 1
    if (status === undefined) own(outgoing)
    else outgoing.writeHead(status, { 'content-type': 'text/html' }).end('<html><body>Forbidden</body></html>')
  }
  const told: (string | null)[] = []
  const store = open({ waitsFor: (reason) => told.push(reason) })
  expect(await call(store)).toEqual(outcome)
  expect(seen).toBe(statuses.length + 1)
  expect(told).toContainEqual(expect.stringContaining('HTTP 411 without an error code of S3'))
  expect(told.at(-1)).toBeNull()
  store.close()
})

const complete = (store: S3Store): Promise<unknown> =>
  store.completeUpload({ key: 'k', uploadId: 'u', parts: [part], condition: any }, never)
const errorOf = (code: string): string => `<?xml version="1.0"?>\n\n<Error><Code>${code}</Code></Error>`

it.each([
  ['InternalError', 'done'],
  ['SlowDown', 'done'],
  ['NoSuchUpload', 'no-such-upload'],
] as const)('reads the error %s in a response of status 200 as the error: %s', async (code, outcome) => {
  let seen = 0
  respond = (_request, _incoming, outgoing) => {
    seen += 1
    outgoing.end(seen === 1 ? errorOf(code) : completed)
  }
  const store = open({})
  expect(await complete(store)).toBe(outcome)
  expect(seen).toBe(outcome === 'done' ? 2 : 1)
  store.close()
})

it('fails by name on a refusal in a response of status 200', async () => {
  respond = (_request, _incoming, outgoing) => outgoing.end(errorOf('AccessDenied'))
  const store = open({})
  await expect(complete(store)).rejects.toThrow('S3_DENIED')
  store.close()
})

it('does not adopt the date of a response that a proxy with a wrong clock sent', async () => {
  const times: number[] = []
  respond = (_request, incoming, outgoing) => {
    const [, date, time] = /^(\d{8})T(\d{6})Z$/.exec(String(incoming.headers['x-amz-date'])) ?? []
    times.push(Number(`${date}${time}`))
    outgoing.writeHead(200, { etag: '"t"', date: 'Fri, 24 May 2013 00:00:00 GMT' }).end()
  }
  const store = open({})
  for (const key of ['a', 'b']) await store.putObject({ key, body, condition: any, mark, contentType }, never)
  expect(times.map((time) => time > 2020_01_01_00_00_00)).toEqual([true, true])
  store.close()
})

it('shows why the connection failed, once, without the names of the SDK', async () => {
  let seen = 0
  respond = (_request, incoming, outgoing) => {
    seen += 1
    if (seen <= 2) incoming.socket.destroy()
    else outgoing.writeHead(200, { etag: '"t"' }).end()
  }
  const told: (string | null)[] = []
  const store = open({ waitsFor: (reason) => told.push(reason) })
  await store.putObject({ key: 'k', body, condition: any, mark, contentType }, never)
  expect(told).toEqual([
    expect.stringMatching(/^PUT k to http\S+ has been failing since \S+ and is retried: socket hang up$/),
    null,
  ])
  store.close()
})

it('shows which timeout a request exceeded, and after how long', async () => {
  let held = true
  respond = (_request, _incoming, outgoing) => {
    if (!held) outgoing.writeHead(200, { etag: '"t"' }).end()
  }
  const told: (string | null)[] = []
  const waitsFor = (reason: string | null): void => {
    told.push(reason)
    held = false
  }
  const store = open({ waitsFor }, { 's3.request.timeout.ms': '100', 's3.part.retries': '1' })
  await store.putObject({ key: 'k', body, condition: any, mark, contentType }, never)
  expect(told[0]).toMatch(
    /^PUT k to http\S+ has been failing since \S+ and is retried: no byte was transferred for 100 ms \(s3\.request\.timeout\.ms\)$/,
  )
  store.close()
})

it('tells the timeout of a connection from the timeout of a response', () => {
  const timeout = (text: string): Error =>
    Object.assign(new Error(`@smithy/node-http-handler - ${text}`), { name: 'TimeoutError' })
  const connection = timeout(
    'the request socket did not establish a connection with the server within the configured timeout of 300 ms.',
  )
  expect(new ExchangeError(connection).why).toBe(
    'the connection was not established within 300 ms (s3.request.timeout.ms)',
  )
})

it("fails by name on the store's own refusal", async () => {
  respond = (_request, _incoming, outgoing) =>
    outgoing.writeHead(403).end('<Error><Code>AccessDenied</Code><Message>no</Message></Error>')
  const store = open({})
  await expect(store.putObject({ key: 'k', body, condition: any, mark, contentType }, never)).rejects.toThrow(
    'S3_DENIED',
  )
  store.close()
})

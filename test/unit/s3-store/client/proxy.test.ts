import { createServer, request as send, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'

import { systemClock, type RawConfig } from 'penstock/api'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { S3Store } from '../../../../connectors/s3-store/client/s3-store.ts'
import { knowsProxies } from '../../../../connectors/s3-store/client/proxy-agents.ts'
import { MemoryS3 } from '../../../support/s3/memory-s3.ts'
import { storeSettingsOf } from '../../../support/s3/s3-config.ts'

let s3: MemoryS3
let proxy: Server
/** What the proxy was asked for, and with which login. */
let asked: (readonly [request: string, login: string | undefined])[]
beforeEach(async () => {
  s3 = await MemoryS3.start()
  asked = []
  proxy = createServer((incoming, outgoing) => {
    asked.push([`${incoming.method} ${incoming.url}`, incoming.headers['proxy-authorization']])
    const { method, headers } = incoming
    const forwarded = send(incoming.url ?? '', { method: method ?? 'GET', headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    })
    incoming.pipe(forwarded)
  })
  proxy.on('connect', (incoming, socket) => {
    asked.push([`CONNECT ${incoming.url}`, incoming.headers['proxy-authorization']])
    const upstream = connect(Number(new URL(s3.url).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    upstream.on('error', () => socket.destroy())
    socket.on('error', () => upstream.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  proxy.closeAllConnections()
  await new Promise((resolve) => proxy.close(resolve))
  await s3.close()
})

const login = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
const address = (user = ''): string => `http://${user}127.0.0.1:${(proxy.address() as AddressInfo).port}`

async function put(settings: RawConfig): Promise<void> {
  const store = new S3Store(storeSettingsOf({ 'store.url': s3.url, ...settings }), systemClock)
  const mark = { writer: 'w', topicId: null, clusterId: null, first: null }
  const object = {
    key: 'a+b',
    body: [Buffer.from('x')],
    condition: { kind: 'any' },
    contentType: 'text/plain',
  } as const
  try {
    await store.putObject({ ...object, mark }, AbortSignal.timeout(60_000))
  } finally {
    store.close()
  }
}

it.each<[string, () => RawConfig, string | undefined]>([
  ['without a login', () => ({ 's3.proxy.url': address() }), undefined],
  ['with that of its URL', () => ({ 's3.proxy.url': address('me:p%40ss@') }), login('me:p@ss')],
  [
    'with that of its options, which come first',
    () => ({ 's3.proxy.url': address('you:x@'), 's3.proxy.user': 'me', 's3.proxy.password': 'p@ss:word' }),
    login('me:p@ss:word'),
  ],
])('requests to a store with http go to the proxy %s', async (_title, settings, expected) => {
  await put(settings())
  expect(s3.objects.get('a+b')?.body.toString()).toBe('x')
  expect(asked).toEqual([[`PUT ${s3.url}/bucket/a%2Bb?x-id=PutObject`, expected]])
})

it('requests to a store with https go through a tunnel of the proxy', async () => {
  // What is behind the tunnel does not speak TLS: the request fails, and says so.
  const settings = { 'store.url': 'https://store.invalid:9443', 's3.proxy.url': address('me:secret@') }
  const store = new S3Store(storeSettingsOf(settings), systemClock)
  await expect(store.checkBucket(AbortSignal.timeout(60_000))).rejects.toThrow(/GET bucket failed/)
  store.close()
  expect(asked).toEqual([['CONNECT store.invalid:9443', login('me:secret')]])
})

it('a version of Node whose agents would connect directly is known', () => {
  expect(['24.4.1', '23.9.0'].map(knowsProxies)).toEqual([false, false])
  expect(['24.5.0', '24.21.0', '25.0.0'].map(knowsProxies)).toEqual([true, true, true])
})

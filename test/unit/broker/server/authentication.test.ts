import { afterEach, describe, expect, it } from 'vitest'

import { systemClock, type Clock } from '../../../../src/foundation/clock.ts'
import { apis } from '../../../support/protocol/apis.ts'
import { encodeRequestFrame } from '../../../../src/protocol/frame.ts'
import { BrokerHarness } from '../../../support/broker/broker-harness.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import type { RawKafkaClient } from '../../../support/broker/raw-kafka-client.ts'
import { until, untilPasses } from '../../../support/until.ts'

const credentials = { username: 'penstock', password: 'cGFzc3dvcmQtb2YtdGhlLWVtYmVkZGVkLWxvZy0x' }
const plain = (username: string, password: string, authorizeAs = ''): Buffer =>
  Buffer.from(`${authorizeAs}\0${username}\0${password}`)
const right = plain(credentials.username, credentials.password)
const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
const wrong = {
  errorCode: 58,
  errorMessage: 'Authentication failed: Invalid username or password',
  sessionLifetimeMs: 0,
}

const harnesses: BrokerHarness[] = []
afterEach(async () => {
  for (const harness of harnesses.splice(0)) await harness.close()
})

/** On it no one waits for the response to wrong credentials. */
const impatient: Clock = { ...systemClock, sleep: async () => undefined }

async function serve(clock = impatient): Promise<BrokerHarness> {
  const harness = await BrokerHarness.start({ credentials, clock })
  harnesses.push(harness)
  return harness
}

const warnings = ({ logger }: BrokerHarness): readonly (string | undefined)[] =>
  logger.lines.flatMap(({ level, message }) => (level === 'warn' ? [message] : []))
const agree = async (client: RawKafkaClient): Promise<void> =>
  expect(await client.call(apis.saslHandshake, 1, { mechanism: 'PLAIN' })).toEqual({
    errorCode: 0,
    mechanisms: ['PLAIN'],
  })
const failures = ({ broker }: BrokerHarness): number | undefined =>
  broker
    .samples()
    .flatMap((sample) =>
      sample.name === 'broker_authentication_failures_total' && sample.kind === 'counter' ? [sample.value] : [],
    )[0]

describe('a broker with credentials', () => {
  it.each([0, 1, 2])('takes them by SaslAuthenticate v%i, and serves everything then', async (version) => {
    const harness = await serve()
    const client = await harness.connect()
    const { apiKeys } = await client.call(apis.apiVersions, 3, software)
    expect(apiKeys).toContainEqual({ apiKey: 17, minVersion: 0, maxVersion: 1 })
    expect(apiKeys).toContainEqual({ apiKey: 36, minVersion: 0, maxVersion: 2 })
    await agree(client)
    expect(await client.call(apis.saslAuthenticate, version, { authBytes: right })).toMatchObject({ errorCode: 0 })
    expect(await client.call(apis.metadata, 8, { topics: [] })).toMatchObject({ controllerId: 1 })
    expect(warnings(harness)).toEqual([])
  })

  it('takes an authorization id that is the user', async () => {
    const client = await (await serve()).connect()
    await agree(client)
    const authBytes = plain(credentials.username, credentials.password, credentials.username)
    expect(await client.call(apis.saslAuthenticate, 2, { authBytes })).toMatchObject({ errorCode: 0 })
  })

  const served = Object.values(apis).filter(({ key }) => ![17, 18, 36].includes(key))
  it.each(served.map((api) => [api.name, api] as const))(
    'closes the connection at %s without them',
    async (_name, api) => {
      const harness = await serve()
      for (const isAgreed of [false, true]) {
        const client = await harness.connect()
        if (isAgreed) await agree(client)
        // The body does not matter: it is not looked at.
        const header = Buffer.alloc(14)
        header.writeInt32BE(10, 0)
        header.writeInt16BE(api.key, 4)
        header.writeInt16BE(api.versions[1], 6)
        header.writeInt16BE(-1, 12)
        client.sendBytes(header)
        await client.closed
      }
      const warning = expect.stringContaining(`: it sent ${api.name} before it had authenticated.`)
      expect(warnings(harness)).toEqual([warning, warning])
      expect(failures(harness)).toBe(2)
    },
  )

  it('responds to no request for metadata, however it is written', async () => {
    const harness = await serve()
    for (let version = 0; version <= 12; version += 1) {
      const client = await harness.connect()
      await expect(client.call(apis.metadata, version, { topics: [] })).rejects.toThrow('the connection was closed')
    }
  })

  it.each([
    ['a wrong password', plain('penstock', 'x'.repeat(40))],
    ['a wrong user', plain('admin', credentials.password)],
    ['no password', plain('penstock', '')],
    ['another authorization id', plain('penstock', credentials.password, 'admin')],
    ['a message with too many parts', Buffer.concat([right, Buffer.from('\0x')])],
    ['a message with too few parts', Buffer.from(`penstock\0${credentials.password}`)],
    ['an empty message', Buffer.alloc(0)],
    ['a message that is no UTF-8', Buffer.from([0xff, 0, 0xfe, 0, 0xff])],
  ])('refuses %s in the words of Kafka, and closes the connection', async (_what, authBytes) => {
    const harness = await serve()
    const client = await harness.connect()
    await agree(client)
    expect(await client.call(apis.saslAuthenticate, 1, { authBytes })).toMatchObject(wrong)
    await client.closed
    expect(JSON.stringify(harness.logger.lines)).not.toContain(credentials.password)
  })

  it('refuses another mechanism by naming its own', async () => {
    const client = await (await serve()).connect()
    const answer = await client.call(apis.saslHandshake, 1, { mechanism: 'SCRAM-SHA-256' })
    expect(answer).toEqual({ errorCode: 33, mechanisms: ['PLAIN'] })
    await client.closed
  })

  it('refuses steps in another order with ILLEGAL_SASL_STATE', async () => {
    const harness = await serve()
    const early = await harness.connect()
    expect(await early.call(apis.saslAuthenticate, 1, { authBytes: right })).toMatchObject({ errorCode: 34 })
    await early.closed
    const twice = await harness.connect()
    await agree(twice)
    expect(await twice.call(apis.saslHandshake, 1, { mechanism: 'PLAIN' })).toMatchObject({ errorCode: 34 })
    await twice.closed
    const again = await harness.connect()
    await agree(again)
    await again.call(apis.saslAuthenticate, 1, { authBytes: right })
    expect(await again.call(apis.saslHandshake, 1, { mechanism: 'PLAIN' })).toMatchObject({ errorCode: 34 })
    expect(await again.call(apis.saslAuthenticate, 1, { authBytes: right })).toMatchObject({ errorCode: 34 })
    expect(await again.call(apis.metadata, 8, { topics: [] })).toMatchObject({ controllerId: 1 })
  })

  it('serves nothing that is sent along with wrong credentials', async () => {
    const harness = await serve()
    const client = await harness.connect()
    await agree(client)
    const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    const create = { topics: [topic], timeoutMs: 1000 }
    const bytes = [
      ...encodeRequestFrame(
        apis.saslAuthenticate,
        { apiVersion: 1, correlationId: 8, clientId: 'c' },
        { authBytes: plain('a', 'b') },
      ),
      ...encodeRequestFrame(apis.createTopics, { apiVersion: 5, correlationId: 9, clientId: 'c' }, create),
    ]
    client.sendBytes(Buffer.concat(bytes))
    await client.closed
    expect(harness.broker.topics.get('t')).toBeUndefined()
  })

  it('serves what is sent along with right ones', async () => {
    const client = await (await serve()).connect()
    const answers = [
      client.call(apis.saslHandshake, 1, { mechanism: 'PLAIN' }),
      client.call(apis.saslAuthenticate, 1, { authBytes: right }),
      client.call(apis.metadata, 8, { topics: [] }),
    ]
    expect(await Promise.all(answers)).toMatchObject([{ errorCode: 0 }, { errorCode: 0 }, { controllerId: 1 }])
  })

  it('takes large requests only after them', async () => {
    const harness = await serve()
    const length = Buffer.alloc(4)
    length.writeInt32BE(600 * 1024)
    const stranger = await harness.connect()
    stranger.sendBytes(length)
    await stranger.closed
    const client = await harness.connect()
    await agree(client)
    await client.call(apis.saslAuthenticate, 1, { authBytes: right })
    const name = 'x'.repeat(600 * 1024)
    const groups = [name.slice(0, 30_000), ...Array.from({ length: 25 }, (_, i) => `${i}${'y'.repeat(30_000)}`)]
    expect(await client.call(apis.describeGroups, 0, { groups })).toMatchObject({ groups: { length: 26 } })
  })

  it('makes who shows wrong ones wait, and no one else', async () => {
    const clock = new ManualClock()
    const harness = await BrokerHarness.start({ credentials, clock })
    harnesses.push(harness)
    const client = await harness.connect()
    await agree(client)
    const timers = clock.pending
    let isAnswered = false
    const answer = client.call(apis.saslAuthenticate, 1, { authBytes: plain('a', 'b') }).then((body) => {
      isAnswered = true
      return body
    })
    await until('the wait to begin', () => clock.pending > timers)
    const other = await harness.connect()
    await agree(other)
    expect(await other.call(apis.saslAuthenticate, 1, { authBytes: right })).toMatchObject({ errorCode: 0 })
    expect(isAnswered).toBe(false)
    clock.advance(1000)
    expect(await answer).toMatchObject({ errorCode: 58 })
  })

  it('closes a connection on which no one authenticates in 15 s', async () => {
    const clock = new ManualClock()
    const harness = await BrokerHarness.start({ credentials, clock })
    harnesses.push(harness)
    const stranger = await harness.connect()
    const client = await harness.connect()
    await agree(client)
    await client.call(apis.saslAuthenticate, 1, { authBytes: right })
    await stranger.call(apis.apiVersions, 3, software)
    clock.advance(15_000)
    await stranger.closed
    expect(await client.call(apis.metadata, 8, { topics: [] })).toMatchObject({ controllerId: 1 })
  })

  it('logs the first ones of a streak, and counts them all', async () => {
    const harness = await serve()
    for (let i = 0; i < 20; i += 1) {
      const client = await harness.connect()
      await agree(client)
      await client.call(apis.saslAuthenticate, 1, { authBytes: plain('penstock', `${i}`) })
    }
    const warning = expect.stringContaining('wrong user name or password')
    expect(warnings(harness)).toEqual([warning, warning, warning])
    await untilPasses(() => expect(failures(harness)).toBe(20))
  })
})

describe('a broker without credentials', () => {
  it('lists no SASL', async () => {
    const harness = await BrokerHarness.start()
    harnesses.push(harness)
    const { apiKeys } = await (await harness.connect()).call(apis.apiVersions, 3, software)
    expect(apiKeys.map(({ apiKey }) => apiKey)).not.toContain(17)
  })
})

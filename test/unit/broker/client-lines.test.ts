import { afterAll, beforeAll, expect, it } from 'vitest'
import { apis } from '../../support/protocol/apis.ts'
import { encodeRequestFrame } from '../../../src/protocol/frame.ts'
import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { RawKafkaClient } from '../../support/broker/raw-kafka-client.ts'

let harness: BrokerHarness

beforeAll(async () => {
  harness = await BrokerHarness.start({ coordinators: { maxGroupSize: 1 } })
})
afterAll(() => harness.close())

const rounds = 20
const clientId = 'x'.repeat(30_000)

function frame(apiKey: number, apiVersion: number): Buffer {
  const bytes = Buffer.concat(
    encodeRequestFrame(apis.metadata, { apiVersion: 1, correlationId: 1, clientId }, { topics: [] }),
  )
  bytes.writeInt16BE(apiKey, 4)
  bytes.writeInt16BE(apiVersion, 6)
  return bytes
}

/** What a client can send that the log tells of, each on a connection of its own. */
const causes: Readonly<Record<string, (client: RawKafkaClient) => Promise<unknown>>> = {
  'an API that is not served': (client) => sends(client, frame(999, 0)),
  'a version that is not served': (client) => sends(client, frame(apis.metadata.key, 99)),
  'a negative length': (client) => sends(client, Buffer.from('ffffffff', 'hex')),
  'a length above socket.request.max.bytes': (client) => sends(client, Buffer.from('7fffffff', 'hex')),
  'a body that is cut short': (client) =>
    sends(client, Buffer.concat([Buffer.from('0000000c', 'hex'), Buffer.alloc(12)])),
  'a failed Produce that gets no response': (client) => {
    const topicData = [{ name: 'unknown', partitionData: [{ index: 0, records: Buffer.alloc(3) }] }]
    client.send(apis.produce, 9, { acks: 0, timeoutMs: 1, topicData })
    return client.closed
  },
  'a transactional producer': (client) => client.call(apis.findCoordinator, 2, { key: clientId, keyType: 1 }),
  'a transactional id': (client) =>
    client.call(apis.initProducerId, 1, { transactionalId: clientId, transactionTimeoutMs: 1 }),
  'a member too many': (client) => {
    const times = { sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 60_000 }
    const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
    return client.call(apis.joinGroup, 3, { groupId: 'g', ...times, memberId: '', protocolType: 'consumer', protocols })
  },
}

async function sends(client: RawKafkaClient, bytes: Buffer): Promise<void> {
  client.sendBytes(bytes)
  await client.closed
}

it('a client that does one thing again and again causes few and short lines', async () => {
  for (const [what, act] of Object.entries(causes)) {
    const before = harness.logger.lines.length
    for (let round = 0; round < rounds; round += 1) {
      const client = await RawKafkaClient.connect(harness.broker.address, clientId)
      await act(client)
      await client.close()
    }
    const lines = harness.logger.lines.slice(before).filter(({ level }) => level !== 'debug')
    // The kinds of one client that end its connection are one streak.
    expect(lines.length, what).toBeLessThanOrEqual(3)
    expect(JSON.stringify(lines).length, what).toBeLessThan(20_000)
  }
  const all = harness.logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
  for (const text of ['API 999 is not served', 'Metadata v99 is not served', 'transactional', 'group.max.size'])
    expect(all).toContainEqual(expect.stringContaining(text))
})

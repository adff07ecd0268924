import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Cluster } from '../../../../src/client/cluster/cluster.ts'
import { Producer } from '../../../../src/client/producer/producer.ts'
import { systemClock } from '../../../../src/foundation/clock.ts'
import { Outcomes, readAll, textOf, textRecord } from '../../../contract/client-harness.ts'
import { ProxiedBroker } from '../../../contract/proxied-broker.ts'
import { apis } from '../../../support/protocol/apis.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'
import { untilPasses } from '../../../support/until.ts'

type Connection = Awaited<ReturnType<Cluster['connection']>>

let kafka: ProxiedBroker
beforeAll(async () => {
  kafka = await ProxiedBroker.start()
})
afterAll(async () => await kafka.close())

/** An object that is another one, but for some of its methods. */
function instead<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      const value: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A producer, and the bytes of each batch that it hands to a connection: as the socket holds them, and as they were. */
async function watched() {
  const topic = kafka.clients.name('buffers')
  const client = await kafka.connectDirectly()
  await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
  const cluster = new Cluster({
    bootstrapServers: kafka.proxy.bootstrapServers,
    clientId: 'buffers',
    clock: systemClock,
    logger: quietLogger(),
  })
  await cluster.reach()
  const handedOver: { readonly bytes: Buffer; readonly copy: Buffer }[] = []
  const connection = async (...args: Parameters<Cluster['connection']>): Promise<Connection> => {
    const real = await cluster.connection(...args)
    const send: Connection['send'] = async (api, value, options) => {
      const { topicData = [] } = value as { topicData?: { partitionData: { records: Buffer }[] }[] }
      for (const { partitionData } of topicData)
        for (const { records } of partitionData) handedOver.push({ bytes: records, copy: Buffer.from(records) })
      return await real.send(api, value, options)
    }
    return instead(real, { send })
  }
  const outcomes = new Outcomes()
  const producer = new Producer(instead(cluster, { connection }), outcomes, { lingerMs: 0 })
  let token = 0
  const write = async (value: string): Promise<void> => {
    // Small batches are copied out of the buffer.
    producer.append(textRecord(topic, null, value.padEnd(50_000, '.'), 0), token)
    token += 1
    await producer.flush()
  }
  const close = async (): Promise<void> => {
    await producer.close()
    cluster.close()
  }
  const written = async () => textOf(await readAll(client, topic)).map((value) => value?.replace(/\.+$/, ''))
  return { write, close, handedOver, outcomes, written }
}

const changed = (handedOver: readonly { readonly bytes: Buffer; readonly copy: Buffer }[]): number =>
  handedOver.filter(({ bytes, copy }) => !bytes.equals(copy)).length

describe('the buffer of a batch', () => {
  it('is used for later batches once its batch is acknowledged: memory stays small', async () => {
    const { write, close, handedOver, written } = await watched()
    for (let i = 0; i < 10; i += 1) await write(`value-${i}`)
    expect(new Set(handedOver.map(({ bytes }) => bytes.buffer)).size).toBeLessThan(3)
    expect(await written()).toEqual(Array.from({ length: 10 }, (_, i) => `value-${i}`))
    await close()
  })

  it('is left alone when its batch was sent twice: the socket of the first time may still read from it', async () => {
    const { write, close, handedOver, outcomes, written } = await watched()
    await write('proof')
    let drops = 1
    kafka.proxy.onAnswer = (apiKey) => {
      if (apiKey !== apis.produce.key || drops === 0) return 'pass'
      drops -= 1
      return 'drop'
    }
    const before = handedOver.length
    await write('sent twice')
    const resent = handedOver.slice(before)
    expect(resent.length).toBeGreaterThan(1)
    for (let i = 0; i < 10; i += 1) await write(`later-${i}`)
    expect(changed(resent)).toBe(0)
    expect(outcomes.failed).toEqual([])
    await untilPasses(async () => expect(await written()).toHaveLength(12))
    await close()
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { apis } from '../../support/protocol/apis.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { TopicWriter, type WriteLimits } from '../../../src/storage/topic-writer.ts'
import { readAll } from '../../contract/client-harness.ts'
import { ProxiedBroker } from '../../contract/proxied-broker.ts'
import { untilPasses } from '../../support/until.ts'

let kafka: ProxiedBroker
beforeAll(async () => {
  kafka = await ProxiedBroker.start()
})
afterAll(async () => await kafka.close())

async function made(purpose: string, partitions = 1, limits: WriteLimits = {}) {
  const topic = kafka.clients.name(purpose)
  const direct = await kafka.connectDirectly()
  await direct.admin.createTopic({ name: topic, partitions, replicationFactor: 1 })
  const conditions = new Map<string, string>()
  const note = (code: string, message: string | null): void => {
    if (message === null) conditions.delete(code)
    else conditions.set(code, message)
  }
  const writer = new TopicWriter(await kafka.clients.connect(), note, limits)
  const records = async () =>
    (await readAll(direct, topic)).map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null])
  return { topic, writer, conditions, records }
}

const state = (key: string, value: string | null) => ({ key, value })

describe('the writer of state', () => {
  it('writes the records of a call in their order, a null value as a tombstone', async () => {
    const { topic, writer, records } = await made('order')
    await writer.write(topic, [state('a', '1'), state('b', '2'), state('a', null)])
    expect(await records()).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['a', null],
    ])
    await writer.close()
  })

  it('says that a call is durable once all of its records are, not the first of them', async () => {
    const { topic, writer, records } = await made('all', 8)
    const keys = Array.from({ length: 40 }, (_, i) => `key-${i}`)
    await writer.write(
      topic,
      keys.map((key) => state(key, 'x')),
    )
    expect(new Set((await records()).map(([key]) => key))).toEqual(new Set(keys))
    expect(await records()).toHaveLength(keys.length)
    await writer.close()
  })

  it('does not say that a record is durable before the broker has said so (I1)', async () => {
    const { topic, writer, records } = await made('late')
    await writer.write(topic, [state('a', '0')])
    kafka.proxy.onAnswer = (apiKey) => (apiKey === apis.produce.key ? 'swallow' : 'pass')
    let isDurable = false
    const write = writer.write(topic, [state('a', '1')]).then(() => (isDurable = true))
    await untilPasses(async () => expect(await records()).toHaveLength(2))
    expect(isDurable).toBe(false)
    kafka.proxy.onAnswer = () => 'pass'
    kafka.proxy.cut()
    await write
    expect(await records()).toHaveLength(2)
    await writer.close()
  })

  it('fails the call whose record is refused, and no other', async () => {
    const { topic, writer, records } = await made('refused')
    const refused = writer.write(topic, [state('big', 'x'.repeat(20 * 1024 * 1024))])
    const taken = writer.write(topic, [state('a', '1')])
    await expect(refused).rejects.toThrow(/^a write failed: .*max\.request\.size/su)
    await taken
    expect(await records()).toEqual([['a', '1']])
    await writer.close()
  })

  it('fails what the broker refuses for good, with its reason', async () => {
    const { topic, writer } = await made('forbidden')
    await writer.write(topic, [state('a', '0')])
    kafka.proxy.onRequest = (apiKey) => (apiKey === apis.produce.key ? errorCodes.TOPIC_AUTHORIZATION_FAILED : null)
    await expect(writer.write(topic, [state('a', '1'), state('b', '1')])).rejects.toThrow(
      /^a write failed: .*TOPIC_AUTHORIZATION_FAILED/su,
    )
    kafka.proxy.onRequest = () => null
    await writer.close()
  })

  it('shows what keeps records from being written while they are retried, and takes it back once they are', async () => {
    const { topic, writer, conditions, records } = await made('retried')
    await writer.write(topic, [state('a', '0')])
    kafka.proxy.onRequest = (apiKey) => (apiKey === apis.produce.key ? errorCodes.KAFKA_STORAGE_ERROR : null)
    const write = writer.write(topic, [state('a', '1')])
    await untilPasses(() => expect(conditions.size).toBe(1))
    kafka.proxy.onRequest = () => null
    await write
    expect(conditions.size).toBe(0)
    expect((await records()).map(([, value]) => value)).toEqual(['0', '1'])
    await writer.close()
  })

  it('fails what is not written when its time to close is over', async () => {
    const { topic, writer } = await made('closed')
    await writer.write(topic, [state('a', '0')])
    kafka.proxy.down()
    const write = Promise.allSettled([writer.write(topic, [state('a', '1')])])
    await writer.close(AbortSignal.abort())
    const reason = expect.objectContaining({ message: expect.stringContaining('a write failed') })
    expect(await write).toEqual([{ status: 'rejected', reason }])
    kafka.proxy.up()
    await expect(writer.write(topic, [state('a', '2')])).rejects.toThrow('a write failed')
  })

  it('sends a write that is abandoned no more, although it may write again', async () => {
    let may = true
    const { topic, writer, records, conditions } = await made('abandoned', 1, { mayWrite: () => may })
    await writer.write(topic, [state('a', '0')])
    may = false
    const write = Promise.allSettled([writer.write(topic, [state('a', '1')])])
    await untilPasses(() => expect(conditions.size).toBe(1))
    await writer.abandon('the worker was removed')
    const reason = expect.objectContaining({ message: 'a write was abandoned: the worker was removed' })
    expect(await write).toEqual([{ status: 'rejected', reason }])
    expect(conditions.size).toBe(0)
    may = true
    await writer.write(topic, [state('a', '2')])
    expect((await records()).map(([, value]) => value)).toEqual(['0', '2'])
    await writer.close()
  })

  it('writes nothing for a call without records', async () => {
    const { topic, writer, records } = await made('none')
    await writer.write(topic, [])
    expect(await records()).toEqual([])
    await writer.close()
  })
})

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { apis } from '../../../support/protocol/apis.ts'
import { BrokerHarness, produceOne, textBatch } from '../../../support/broker/broker-harness.ts'

let harness: BrokerHarness | null = null
afterEach(async () => {
  await harness?.close()
  harness = null
})

const anyone = { transactionalId: null, transactionTimeoutMs: 60_000 }

/** What the first batch of a new idempotent producer gets in response. */
async function firstBatchOfAProducer(broker: BrokerHarness) {
  const client = await broker.connect()
  const { producerId } = await client.call(apis.initProducerId, 0, anyone)
  const batch = textBatch(['a'], { producerId, producerEpoch: 0, baseSequence: 0 })
  const { errorCode, baseOffset } = await produceOne(client, 't', batch)
  return { producerId, errorCode, baseOffset }
}

async function brokerWithTopic(): Promise<BrokerHarness> {
  const started = await BrokerHarness.start()
  harness = started
  await started.broker.topics.create('t', 1, {})
  return started
}

const pathOf = (broker: BrokerHarness): string => join(broker.dataDir, 'producer-ids')

describe('the first batch of a new producer is written, and not taken for a duplicate', () => {
  it('when the file of the next id is missing', async () => {
    const broker = await brokerWithTopic()
    expect(await firstBatchOfAProducer(broker)).toMatchObject({ errorCode: 0, baseOffset: 0 })
    await broker.stop()
    rmSync(pathOf(broker))
    await broker.restart()
    expect(await firstBatchOfAProducer(broker)).toMatchObject({ errorCode: 0, baseOffset: 1 })
    expect(broker.logger.lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        message: expect.stringMatching(/missing or older than the log/) as string,
      }),
    )
  })

  it('when the file was restored from a backup', async () => {
    const broker = await brokerWithTopic()
    await firstBatchOfAProducer(broker)
    const backup = readFileSync(pathOf(broker))
    // Every start takes another block of ids.
    await broker.restart()
    await firstBatchOfAProducer(broker)
    await broker.stop()
    writeFileSync(pathOf(broker), backup)
    await broker.restart()
    expect(await firstBatchOfAProducer(broker)).toMatchObject({ errorCode: 0, baseOffset: 2 })
  })

  it('when a client sent an id that was never given out', async () => {
    const broker = await brokerWithTopic()
    const client = await broker.connect()
    const strange = textBatch(['a'], { producerId: Number.MAX_SAFE_INTEGER, producerEpoch: 0, baseSequence: 0 })
    await produceOne(client, 't', strange)
    await broker.restart()
    const first = await firstBatchOfAProducer(broker)
    const second = await firstBatchOfAProducer(broker)
    expect([first.baseOffset, second.baseOffset]).toEqual([1, 2])
    expect(second.producerId).toBeGreaterThan(first.producerId)
  })
})

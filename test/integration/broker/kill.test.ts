import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { apis } from '../../support/protocol/apis.ts'
import { batchFault, readBatchHeader } from '../../../src/protocol/record-batch/record-batch.ts'
import { fetchValue, produceOne, textBatch } from '../../support/broker/broker-harness.ts'
import { BrokerProcess } from '../../support/broker/broker-process.ts'
import { RawKafkaClient } from '../../support/broker/raw-kafka-client.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { readRecords } from '../../support/protocol/read-batches.ts'

let dataDir: string
let broker: BrokerProcess | null = null

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'penstock-kill-'))
})

afterEach(async () => {
  await broker?.end('SIGKILL')
  broker = null
  rmSync(dataDir, { recursive: true, force: true })
})

/** Every record of the topic by its offset; fails on a batch that is damaged. */
async function readAll(client: RawKafkaClient, topic: string): Promise<string[]> {
  const values: string[] = []
  for (;;) {
    const answer = await client.call(apis.fetch, 11, fetchValue(topic, values.length, { maxBytes: 1 << 22 }))
    const records = answer.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0)
    if (records.length === 0) return values
    for (let at = 0; at < records.length; at += readBatchHeader(records, at).sizeInBytes) {
      expect(batchFault(records, at)).toBeNull()
      for (const record of readRecords(records, at)) {
        expect(record.offset).toBe(values.length)
        values.push(String(record.value))
      }
    }
  }
}

describe('a broker that is killed', () => {
  it('keeps every acknowledged batch, at the offset it was acknowledged with, six kills in a row (I1, I9)', async () => {
    const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
    const random = seededRandom(seed)
    const acknowledged = new Map<number, string>()
    let next = 0
    for (let round = 0; round < 6; round += 1) {
      broker = await BrokerProcess.start(dataDir)
      const client = await RawKafkaClient.connect(broker.address)
      await client.call(apis.metadata, 9, { topics: [{ name: 'orders' }] })
      const killAfter = 20 + Math.floor(random() * 400)
      const underWay: Promise<void>[] = []
      for (let sent = 0; !client.socket.destroyed; sent += 1) {
        if (sent === killAfter) void broker.end('SIGKILL')
        const value = `${next} ${'x'.repeat(Math.floor(random() * 2000))}`
        next += 1
        const answer = produceOne(client, 'orders', textBatch([value])).then(
          ({ errorCode, baseOffset }) => {
            if (errorCode === 0) acknowledged.set(baseOffset, value)
          },
          () => undefined, // The answer died with the broker: the record may be there or not.
        )
        underWay.push(answer)
        if (underWay.length >= 8) await underWay.shift()
      }
      await Promise.all(underWay)
      expect((await broker.ended).signal, `seed ${seed}`).toBe('SIGKILL')
    }
    broker = await BrokerProcess.start(dataDir)
    const client = await RawKafkaClient.connect(broker.address)
    const values = await readAll(client, 'orders')
    expect(acknowledged.size, `seed ${seed}`).toBeGreaterThan(100)
    for (const [offset, value] of acknowledged) expect(values[offset], `seed ${seed}, offset ${offset}`).toBe(value)
    const numbers = values.map((value) => Number(value.split(' ')[0]))
    expect(numbers, `seed ${seed}`).toEqual(numbers.toSorted((a, b) => a - b))
    await client.close()
  })

  it('stops gracefully at SIGTERM, and says who holds the directory while it runs', async () => {
    broker = await BrokerProcess.start(dataDir)
    const second = BrokerProcess.start(dataDir)
    await expect(second).rejects.toThrow(new RegExp(`in use by process ${broker.pid}`))
    await expect(second).rejects.toThrow(/bootstrap\.servers/)
    expect(await broker.end('SIGTERM')).toEqual({ code: 0, signal: null, stderr: '' })
  })
})

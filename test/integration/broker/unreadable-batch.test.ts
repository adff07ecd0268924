import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { apis } from '../../support/protocol/apis.ts'
import { crc32c } from '../../../src/protocol/record-batch/crc32c.ts'
import { produceOne, textBatch } from '../../support/broker/broker-harness.ts'
import { RawKafkaClient } from '../../support/broker/raw-kafka-client.ts'
import { until } from '../../support/until.ts'
import { workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** One record whose bytes no gzip ever wrote, under a checksum that is right. */
function unreadableBatch(): Buffer {
  const [crcAt, coveredAt, headerBytes] = [17, 21, 61]
  const batch = textBatch(['x'.repeat(500)])
  batch.writeInt16BE(1, coveredAt)
  batch.fill(0xa5, headerBytes)
  batch.writeInt32BE(crc32c(batch.subarray(coveredAt)) | 0, crcAt)
  return batch
}

it('a batch that no one can unpack fails the task of its topic by name, and no other; passed over, its topic flows on', async () => {
  const home = mkdtempSync(join(tmpdir(), 'penstock-unreadable-'))
  cleanups.push(() => rmSync(home, { recursive: true, force: true }))
  const place = await workerPlace(join(home, 'log'))
  const worker = await WorkerProcess.start(place)
  cleanups.push(() => worker.kill())
  const [host = '', port = ''] = place.broker.split(':')
  const client = await RawKafkaClient.connect({ host, port: Number(port) })
  cleanups.push(() => client.close())
  const text = 'org.apache.kafka.connect.storage.StringConverter'
  const outputOf = (topic: string): string => {
    const path = join(home, `${topic}.out`)
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }
  for (const topic of ['bad', 'good']) {
    await client.call(apis.metadata, 4, { topics: [{ name: topic }], allowAutoTopicCreation: true })
    await produceOne(client, topic, textBatch(['first']))
    await worker.post(topic, {
      'connector.class': 'FileStreamSink',
      file: join(home, `${topic}.out`),
      topics: topic,
      'key.converter': text,
      'value.converter': text,
    })
  }
  expect(await produceOne(client, 'bad', unreadableBatch())).toMatchObject({ errorCode: 0, baseOffset: 1 })
  for (const topic of ['bad', 'good']) await produceOne(client, topic, textBatch(['last']))
  const status = async () => (await worker.failures()).join()
  await until('the task has failed', async () => (await status()) !== '')
  expect(await status()).toMatch(
    /the record batch at offset 1 of bad-0 cannot be read: gzip records cannot be unpacked/,
  )
  expect(await status()).toMatch(/kafka-consumer-groups --reset-offsets/)
  await until('the other sink has it all', () => outputOf('good') === 'first\nlast\n')
  await worker.request('PUT', '/connectors/bad/stop')
  const partitions = [{ partitionIndex: 0, committedOffset: 2, committedMetadata: '' }]
  await until('the offset is set', async () => {
    const commit = { groupId: 'connect-bad', memberId: '', topics: [{ name: 'bad', partitions }] }
    const { topics } = await client.call(apis.offsetCommit, 7, commit)
    return topics[0]?.partitions[0]?.errorCode === 0
  })
  await worker.request('PUT', '/connectors/bad/resume')
  await until('its topic flows on', () => outputOf('bad') === 'first\nlast\n')
})

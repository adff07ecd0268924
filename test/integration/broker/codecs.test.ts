import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { deferred } from '../../../src/foundation/async/deferred.ts'
import type { Codec } from '../../../src/protocol/record-batch/record-batch.ts'
import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { kafkajsCompression, registerKafkajsCodecs } from '../../support/broker/kafkajs-codecs.ts'
import { runKcat } from '../../support/broker/kcat-runner.ts'
import { describeWith, service } from '../../support/services.ts'
import { forEachBatch } from '../../support/protocol/read-batches.ts'
import '../../support/broker/kafkajs-queue.ts'

const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const
const lines = Array.from({ length: 400 }, (_, i) => `line ${i}: the same words again and again`)

describeWith(['kcat'], 'compressed batches of kcat and kafkajs', () => {
  let harness: BrokerHarness
  let kafka: kafkajs.Kafka

  beforeAll(async () => {
    registerKafkajsCodecs()
    harness = await BrokerHarness.start()
    kafka = new kafkajs.Kafka({ brokers: [harness.bootstrap], logLevel: kafkajs.logLevel.NOTHING })
  })

  afterAll(() => harness.close())

  function codecsOnDisk(topic: string): Set<Codec> {
    const found = new Set<Codec>()
    const log = readFileSync(join(harness.dataDir, `${topic}-0`, '00000000000000000000.log'))
    forEachBatch(log, (header) => found.add(header.codec))
    return found
  }

  async function consumeWithKcat(topic: string): Promise<string[]> {
    const run = await runKcat(service('kcat'), [
      '-b',
      harness.bootstrap,
      '-C',
      '-t',
      topic,
      '-o',
      'beginning',
      '-e',
      '-q',
    ])
    return run.stdout.trimEnd().split('\n')
  }

  async function consumeWithKafkajs(topic: string): Promise<string[]> {
    const consumer = kafka.consumer({ groupId: `reads-${topic}` })
    const values: string[] = []
    const done = deferred<void>()
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: ({ message }) => {
        values.push(String(message.value))
        if (values.length >= lines.length) done.resolve()
        return Promise.resolve()
      },
    })
    await done.promise
    await consumer.disconnect()
    return values
  }

  for (const codec of codecs) {
    it(`${codec}: what kcat produces is stored as it is and read by kcat and kafkajs`, async () => {
      const topic = `kcat.${codec}`
      // One batch of all lines: librdkafka leaves a batch alone that compression would not make smaller.
      const run = await runKcat(
        service('kcat'),
        ['-b', harness.bootstrap, '-P', '-t', topic, '-z', codec, '-X', 'linger.ms=1000'],
        `${lines.join('\n')}\n`,
      )
      expect(run).toMatchObject({ code: 0 })
      expect(codecsOnDisk(topic)).toEqual(new Set([codec]))
      expect(await consumeWithKcat(topic)).toEqual(lines)
      expect(await consumeWithKafkajs(topic)).toEqual(lines)
    })

    it(`${codec}: what kafkajs produces is stored as it is and read by kcat and kafkajs`, async () => {
      const topic = `kafkajs.${codec}`
      const producer = kafka.producer()
      await producer.connect()
      await producer.send({
        topic,
        compression: kafkajsCompression[codec],
        messages: lines.map((value) => ({ value })),
      })
      await producer.disconnect()
      expect(codecsOnDisk(topic)).toEqual(new Set([codec]))
      expect(await consumeWithKcat(topic)).toEqual(lines)
      expect(await consumeWithKafkajs(topic)).toEqual(lines)
    })
  }
})

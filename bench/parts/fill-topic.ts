import { CompressionTypes, Kafka, logLevel } from 'kafkajs'

interface Filling {
  readonly rows: number
  readonly recordOf: (id: number) => { readonly key: string; readonly value: string }
}

/** Creates a topic with one partition and these records, as a producer without compression writes them. */
export async function fillTopic(broker: string, topic: string, { rows, recordOf }: Filling): Promise<void> {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  for (let from = 0; from < rows; from += 500) {
    const length = Math.min(500, rows - from)
    const messages = Array.from({ length }, (_, i) => ({ ...recordOf(from + i), partition: 0 }))
    await producer.send({ topic, messages, compression: CompressionTypes.None })
  }
  await producer.disconnect()
}

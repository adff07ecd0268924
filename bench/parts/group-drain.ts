import { setTimeout as delay } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { BenchError } from './bench-error.ts'

const timeoutMs = 600_000

/** Waits until a consumer group has committed `count` records of a topic with one partition. */
export async function groupDrained(
  broker: string,
  group: string,
  topic: string,
  count: number,
  check: () => Promise<void>,
): Promise<void> {
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const deadline = performance.now() + timeoutMs
    for (let polls = 0; performance.now() < deadline; polls++) {
      const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
      if (Number(offsets?.partitions[0]?.offset ?? -1) >= count) return
      if (polls % 20 === 0) await check()
      await delay(50)
    }
    throw new BenchError(`group ${group} did not read ${count} records of ${topic} in ten minutes`)
  } finally {
    await admin.disconnect()
  }
}

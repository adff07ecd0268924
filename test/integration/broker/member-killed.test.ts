import { afterAll, beforeAll, expect, it } from 'vitest'

import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import { ClientHarness, Outcomes, textRecord } from '../../contract/client-harness.ts'
import { PolledConsumer } from '../../contract/polled-consumer.ts'
import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { describeWith, service } from '../../support/services.ts'
import { until } from '../../support/until.ts'

const partitions = [0, 1, 2, 3, 4, 5]
/** The shortest session that Kafka allows by default. */
const sessionTimeoutMs = 6000

describeWith([], 'a killed member of a cooperative group on the embedded broker', () => {
  let broker: BrokerHarness
  beforeAll(async () => void (broker = await BrokerHarness.start()))
  afterAll(async () => await broker.close())
  suite(() => broker.bootstrap)
})
describeWith(['kafka'], 'a killed member of a cooperative group on Apache Kafka', () => suite(() => service('kafka')))

/** Writes a number to each partition, and the next one when they are stored, until it is stopped. */
class Load {
  /** How many numbers each partition has. */
  written = 0
  #isStopped = false
  readonly #running: Promise<void>

  constructor(client: KafkaClient, topic: string) {
    this.#running = this.#run(client, topic)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #run(client: KafkaClient, topic: string): Promise<void> {
    const outcomes = new Outcomes()
    const producer = client.producer(outcomes)
    while (!this.#isStopped) {
      for (const partition of partitions)
        producer.append(textRecord(topic, null, `${partition}:${this.written}`, partition), this.written)
      await producer.flush()
      this.written += 1
    }
    await producer.close()
    if (outcomes.failed[0] !== undefined) throw outcomes.failed[0].error
  }
}

function suite(bootstrapServers: () => string): void {
  let harness: ClientHarness
  beforeAll(() => void (harness = new ClientHarness(bootstrapServers())))
  afterAll(async () => await harness.close())

  it('loses no record, and the others read what they keep on without reading anything twice', async () => {
    const client = await harness.connect()
    const topic = harness.name('killed')
    await client.admin.createTopic({ name: topic, partitions: partitions.length, replicationFactor: 1 })
    const load = new Load(client, topic)
    const begin = async (): Promise<{ client: KafkaClient; member: PolledConsumer }> => {
      const own = await harness.connect()
      const assignors = ['cooperative-sticky'] as const
      const options = { groupId: topic, assignors, sessionTimeoutMs, heartbeatIntervalMs: 200, maxPollRecords: 50 }
      return { client: own, member: new PolledConsumer(own.consumer(options), { topics: [topic] }) }
    }
    const [killed, first, second] = [await begin(), await begin(), await begin()]
    for (const { member } of [killed, first, second]) await member.untilHas(2)
    const survivors = [first.member, second.member]
    const kept = survivors.map((member) => member.consumer.assignment())
    const before = load.written
    await until('all are reading', () => load.written > before + 20)
    await killed.member.commit()
    const committed = await killed.member.consumer.committed(killed.member.consumer.assignment())
    const read = killed.member.values.length
    await until('it reads what it does not commit', () => killed.member.values.length > read)
    await killed.client.close()
    for (const member of survivors) {
      await member.untilHas(3)
      await member.commit()
    }
    const after = load.written
    await until('the others are reading', () => load.written > after + 20)
    await load.stop()
    const all = partitions.flatMap((partition) => Array.from({ length: load.written }, (_, n) => `${partition}:${n}`))
    const seen = (): Set<string> => new Set([killed.member, ...survivors].flatMap(({ values }) => values))
    await until(
      () => `${all.length} records, not ${seen().size}`,
      () => seen().size === all.length,
    )
    const numbersOf = (member: PolledConsumer, partition: number): number[] =>
      member.values.filter((value) => value.startsWith(`${partition}:`)).map((value) => Number(value.split(':')[1]))
    for (const [i, member] of survivors.entries())
      for (const at of kept[i] ?? []) {
        const numbers = numbersOf(member, at.partition)
        expect(member.eventsOf(at)).toBe('+')
        expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, n) => (numbers[0] ?? 0) + n))
        expect(numbers.at(-1)).toBe(load.written - 1)
      }
    for (const { partition, offset } of committed) {
      const heirs = survivors.filter((member) => numbersOf(member, partition)[0] === offset)
      expect(heirs.map((member) => member.eventsOf({ topic, partition }))).toEqual(['+'])
    }
    expect(survivors.map(({ failure }) => failure)).toEqual([null, null])
    for (const member of survivors) await member.close()
  })
}

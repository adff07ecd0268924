import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConsumerListener } from '../../../src/client/group/consumer-listener.ts'
import type { GroupConsumer } from '../../../src/client/group/group-consumer.ts'
import { KafkaClient } from '../../../src/client/kafka-client.ts'
import type { ProducerListener } from '../../../src/client/producer/producer.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { apis } from '../protocol/apis.ts'
import { BrokerHarness, fetchValue, produceOne, textBatch } from './broker-harness.ts'
import { BrokerProcess } from './broker-process.ts'
import { quietLogger } from '../quiet-logger.ts'
import { seededRandom } from '../seeded-random.ts'
import { until } from '../until.ts'
import { Outcomes } from '../../contract/client-harness.ts'

const patienceMs = 60_000

function record(partition: number, value: string) {
  return { topic: 't', partition, key: null, value: Buffer.from(value), headers: [], timestamp: null }
}

function connect(bootstrapServers: string): Promise<KafkaClient> {
  const logger = quietLogger()
  return KafkaClient.connect({ bootstrapServers, clientId: 'chaos', clock: systemClock, logger, withinMs: patienceMs })
}

/** The values of each partition of topic t, in order. */
async function valuesOf(client: KafkaClient, partitions: number): Promise<number[][]> {
  const values: number[][] = Array.from({ length: partitions }, () => [])
  const reader = client.topicReader({
    topic: 't',
    onRecord: ({ partition, value }) => void values[partition]?.push(Number(String(value).split(':')[0])),
  })
  await reader.start()
  await reader.readToEnd()
  await reader.close()
  return values
}

/** Kills a broker under the project's producer until the time is up. Responses what was acknowledged, and the log. */
export async function killUnderProducer(seed: number, forMs: number) {
  const random = seededRandom(seed)
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-kill-'))
  let broker = await BrokerProcess.start(dataDir)
  const address = `127.0.0.1:${broker.address.port}`
  const client = await connect(address)
  try {
    await client.admin.createTopic({
      name: 't',
      partitions: 4,
      replicationFactor: 1,
      configs: { 'segment.bytes': '300000' },
    })
    const acknowledged = new Set<number>()
    const failed: string[] = []
    const listener: ProducerListener = {
      onAcknowledged: (tokens) => tokens.forEach((token) => acknowledged.add(token)),
      onFailed: (error) => void failed.push(error.message),
    }
    const producer = client.producer(listener, { batchSize: 8_000 })
    const end = performance.now() + forMs
    let next = 0
    const write = async (): Promise<void> => {
      while (performance.now() < end) {
        for (let n = 0; n < 40; n += 1, next += 1) producer.append(record(next % 4, `${next}:`.padEnd(200, '.')), next)
        await producer.room()
        await systemClock.sleep(4)
      }
    }
    const writing = write()
    let kills = 0
    for (; performance.now() < end; kills += 1) {
      await systemClock.sleep(200 + random() * 600)
      await broker.end('SIGKILL')
      broker = await BrokerProcess.start(dataDir, '--listen', address)
    }
    await writing
    await producer.close(AbortSignal.timeout(patienceMs))
    return { kills, written: next, acknowledged, failed, log: await valuesOf(client, 4) }
  } finally {
    await client.close()
    await broker.end('SIGKILL')
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** Deletes and creates a topic under producers and long polls. Responses how often each code came, and what was logged. */
export async function churnTopic(seed: number, forMs: number) {
  const random = seededRandom(seed)
  const harness = await BrokerHarness.start()
  try {
    const control = await harness.connect()
    const codes: Record<string, number> = {}
    const note = (what: string, code: number | undefined): void => {
      codes[`${what} ${code}`] = (codes[`${what} ${code}`] ?? 0) + 1
    }
    const configs = [{ name: 'segment.bytes', value: '2000' }]
    const topics = [{ name: 't', numPartitions: 2, replicationFactor: 1, assignments: [], configs }]
    const create = async (): Promise<void> => {
      const answer = await control.call(apis.createTopics, 5, { topics, timeoutMs: 5_000, validateOnly: false })
      note('create', answer.topics[0]?.errorCode)
    }
    await create()
    const end = performance.now() + forMs
    const produce = async (partition: number): Promise<void> => {
      const client = await harness.connect()
      while (performance.now() < end) {
        const { errorCode } = await produceOne(client, 't', textBatch(['v'.repeat(300)]), { partition })
        note('produce', errorCode)
        await systemClock.sleep(1)
      }
    }
    const poll = async (partition: number): Promise<void> => {
      const client = await harness.connect()
      for (let offset = 0; performance.now() < end;) {
        const value = fetchValue('t', offset, { partition, maxWaitMs: 200, minBytes: 100_000 })
        const found = (await client.call(apis.fetch, 11, value)).responses[0]?.partitions[0]
        note('fetch', found?.errorCode)
        offset = found?.errorCode === 0 ? Math.max(0, found.highWatermark) : 0
        await systemClock.sleep(1)
      }
    }
    const load = [0, 1, 2, 3].flatMap((n) => [produce(n % 2), poll(n % 2)])
    for (let round = 0; performance.now() < end; round += 1) {
      await systemClock.sleep(random() * 30)
      if (round % 5 === 0) {
        const more = { topics: [{ name: 't', count: 4, assignments: null }], timeoutMs: 5_000, validateOnly: false }
        note('add', (await control.call(apis.createPartitions, 0, more)).results[0]?.errorCode)
      }
      const gone = await control.call(apis.deleteTopics, 5, { topicNames: ['t'], topics: [], timeoutMs: 5_000 })
      note('delete', gone.responses[0]?.errorCode)
      await create()
    }
    await Promise.all(load)
    await harness.restart()
    const logged = harness.logger.lines.filter(({ level }) => level === 'warn' || level === 'error')
    return {
      codes,
      logged: logged.map(({ message }) => message),
      topics: Array.from(harness.broker.topics.all(), ({ name }) => name),
    }
  } finally {
    await harness.close()
  }
}

/** A consumer that notes what it is given, commits now and then, and ends in one of three ways. */
class Member {
  /** `leave` stops gracefully, `die` without a word, `stall` misses its poll deadline once and continues. */
  next: 'run' | 'leave' | 'die' | 'stall' = 'run'
  readonly done: Promise<void>
  readonly #positions = new Map<number, number>()

  constructor(bootstrap: string, random: () => number, seen: ReadonlyMap<number, Set<number>>, gaps: string[]) {
    this.done = this.#run(bootstrap, random, seen, gaps)
  }

  async #run(
    bootstrap: string,
    random: () => number,
    seen: ReadonlyMap<number, Set<number>>,
    gaps: string[],
  ): Promise<void> {
    const client = await connect(bootstrap)
    const timing = { sessionTimeoutMs: 6_000, heartbeatIntervalMs: 500, maxPollIntervalMs: 3_000 }
    const consumer = client.consumer({ groupId: 'g', ...timing, maxPollRecords: 50, autoOffsetReset: 'earliest' })
    const listener: ConsumerListener = {
      onAssigned: (offsets) => {
        this.#positions.clear()
        for (const { partition, offset } of offsets) this.#positions.set(partition, offset)
      },
      onRevoked: async (_, { lost }) => {
        if (!lost) await this.#commit(consumer)
        this.#positions.clear()
      },
    }
    consumer.subscribe({ topics: ['t'] }, listener)
    while (this.next === 'run' || this.next === 'stall') {
      for (const { partition, offset } of await consumer.poll(100)) {
        const expected = this.#positions.get(partition)
        if (expected !== undefined && offset > expected) gaps.push(`${partition}: ${offset} came, ${expected} was next`)
        seen.get(partition)?.add(offset)
        this.#positions.set(partition, offset + 1)
      }
      if (random() < 0.3) await this.#commit(consumer)
      if (this.next === 'stall') {
        this.next = 'run'
        await systemClock.sleep(timing.maxPollIntervalMs + 1_500)
      }
    }
    if (this.next === 'leave') await consumer.close()
    await client.close()
  }

  async #commit(consumer: GroupConsumer): Promise<void> {
    const offsets = [...this.#positions].map(([partition, offset]) => ({ topic: 't', partition, offset }))
    if (offsets.length === 0) return
    await consumer.commit(offsets).catch((error: unknown) => {
      if (!(error instanceof Error) || error.name !== 'FencedMemberError') throw error
    })
  }
}

/** Consumers of one group come, leave, die and stall. Returns what no one was given, and where a member missed a record. */
export async function churnGroup(seed: number, forMs: number) {
  const random = seededRandom(seed)
  const partitions = 8
  const harness = await BrokerHarness.start()
  const client = await connect(harness.bootstrap)
  const members: Member[] = []
  try {
    await client.admin.createTopic({ name: 't', partitions, replicationFactor: 1 })
    const seen = new Map(Array.from({ length: partitions }, (_, partition) => [partition, new Set<number>()]))
    const gaps: string[] = []
    const join = (): void => void members.push(new Member(harness.bootstrap, random, seen, gaps))
    const producer = client.producer(new Outcomes())
    const end = performance.now() + forMs
    let written = 0
    const write = async (): Promise<void> => {
      for (; performance.now() < end; written += 1) {
        for (let partition = 0; partition < partitions; partition += 1)
          producer.append(record(partition, String(written)), written)
        await systemClock.sleep(10)
      }
      await producer.close()
    }
    const writing = write()
    for (let n = 0; n < 3; n += 1) join()
    while (performance.now() < end) {
      await systemClock.sleep(400 + random() * 1_000)
      const running = members.filter(({ next }) => next === 'run')
      if (running.length < 2 || (running.length < 5 && random() < 0.4)) join()
      else {
        const one = running[Math.floor(random() * running.length)]
        if (one !== undefined) one.next = (['leave', 'die', 'stall'] as const)[Math.floor(random() * 3)] ?? 'leave'
      }
    }
    await writing
    join()
    const isComplete = (): boolean => [...seen.values()].every(({ size }) => size >= written)
    await until('every record is delivered', isComplete, 2 * patienceMs)
    for (const member of members) member.next = 'leave'
    await Promise.all(members.map(({ done }) => done))
    const errors = harness.logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message)
    return { written, gaps, errors }
  } finally {
    for (const member of members) member.next = 'die'
    await client.close()
    await harness.close()
  }
}

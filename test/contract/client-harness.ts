import { systemClock } from '../../src/foundation/clock.ts'
import type { ClusterOptions } from '../../src/client/cluster/cluster.ts'
import type { FetchedRecord } from '../../src/client/consumer/fetched-record.ts'
import type { ConsumerListener } from '../../src/client/group/consumer-listener.ts'
import type { GroupConsumer } from '../../src/client/group/group-consumer.ts'
import type { TopicSelection } from '../../src/client/consumer/subscription.ts'
import { KafkaClient } from '../../src/client/kafka-client.ts'
import type { OutgoingRecord } from '../../src/client/producer/outgoing-record.ts'
import type { ProducerListener } from '../../src/client/producer/producer.ts'
import { quietLogger } from '../support/quiet-logger.ts'
import { patienceMs } from '../support/until.ts'

/** What a wait waited for in vain. */
class ExpectationError extends Error {
  override readonly name = 'ExpectationError'
}

/** A client with a quiet log, and names that no other run has. */
export class ClientHarness {
  readonly logger = quietLogger()
  readonly bootstrapServers: string
  readonly #clients: KafkaClient[] = []
  #names = 0

  constructor(bootstrapServers: string) {
    this.bootstrapServers = bootstrapServers
  }

  async connect(options: Partial<ClusterOptions> & { readonly withinMs?: number } = {}): Promise<KafkaClient> {
    const client = await KafkaClient.connect({
      bootstrapServers: this.bootstrapServers,
      clientId: 'penstock-test',
      clock: systemClock,
      logger: this.logger,
      withinMs: patienceMs,
      ...options,
    })
    this.#clients.push(client)
    return client
  }

  /** A name for a topic or group. */
  name(purpose: string): string {
    this.#names += 1
    return `client-${purpose}-${process.pid}-${Date.now().toString(36)}-${this.#names}`
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()))
  }
}

/** A record with text key and value, by key hash, with the time of appending. */
export function textRecord(
  topic: string,
  key: string | null,
  value: string | null,
  partition: number | null = null,
): OutgoingRecord {
  return {
    topic,
    partition,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: [],
    timestamp: null,
  }
}

/** What became of the tokens of a producer. */
export class Outcomes implements ProducerListener {
  readonly acknowledged: number[] = []
  readonly failed: { readonly token: number; readonly error: Error }[] = []

  readonly onAcknowledged = (tokens: readonly number[]): void => void this.acknowledged.push(...tokens)
  readonly onFailed = (error: Error, tokens: readonly number[]): void =>
    void this.failed.push(...tokens.map((token) => ({ token, error })))
}

/** Writes values without keys to one partition, and waits for them. */
export async function writeAll(
  client: KafkaClient,
  topic: string,
  values: readonly string[],
  partition = 0,
): Promise<void> {
  const records = values.map((value) => textRecord(topic, null, value, partition))
  await writeRecords(client, records)
}

/** Writes records, and waits for them. */
export async function writeRecords(client: KafkaClient, records: readonly OutgoingRecord[]): Promise<void> {
  const outcomes = new Outcomes()
  const producer = client.producer(outcomes)
  for (const [index, record] of records.entries()) producer.append(record, index)
  await producer.flush()
  await producer.close()
  if (outcomes.failed[0] !== undefined) throw outcomes.failed[0].error
}

/** Every record of a topic, as it is when called. */
export async function readAll(client: KafkaClient, topic: string): Promise<FetchedRecord[]> {
  const records: FetchedRecord[] = []
  const reader = client.topicReader({ topic, onRecord: (record) => records.push(record) })
  await reader.start()
  try {
    await reader.readToEnd()
  } finally {
    await reader.close()
  }
  return records
}

/** The values of records, as text. */
export function textOf(records: readonly FetchedRecord[]): (string | null)[] {
  return records.map(({ value }) => value?.toString() ?? null)
}

/** Polls until `enough` says so. @throws ExpectationError naming what was expected. */
export async function pollUntil(
  consumer: GroupConsumer,
  expectation: string,
  enough: (records: readonly FetchedRecord[]) => boolean,
): Promise<FetchedRecord[]> {
  const records: FetchedRecord[] = []
  const deadline = performance.now() + patienceMs
  while (!enough(records)) {
    if (performance.now() > deadline)
      throw new ExpectationError(`not in ${patienceMs} ms: ${expectation}; ${records.length} records came`)
    records.push(...(await consumer.poll(200)))
  }
  return records
}

/** Subscribes with a listener that does only what the test needs. */
export function subscribe(
  consumer: GroupConsumer,
  selection: TopicSelection,
  listener: Partial<ConsumerListener> = {},
): void {
  consumer.subscribe(selection, { onAssigned: () => undefined, onRevoked: () => undefined, ...listener })
}

/** Subscribes and polls until the listener has taken the assignment: the consumer holds partitions a little earlier. */
export async function untilAssigned(
  consumer: GroupConsumer,
  selection: TopicSelection,
  listener: Partial<ConsumerListener> = {},
): Promise<void> {
  let isTaken = false
  subscribe(consumer, selection, {
    ...listener,
    onAssigned: async (offsets) => {
      await listener.onAssigned?.(offsets)
      isTaken = true
    },
  })
  await pollUntil(consumer, 'the assignment', () => isTaken)
}

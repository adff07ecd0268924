import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broker, type BrokerOptions } from '../../../src/broker/broker.ts'
import { apiVersionsRegistration } from '../../../src/broker/handlers/api-versions.ts'
import type { Handler } from '../../../src/broker/requests/handler.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { BatchBuilder, type FinishOptions } from '../../../src/protocol/record-batch/batch-builder.ts'
import { apis } from '../protocol/apis.ts'
import { quietLogger } from '../quiet-logger.ts'
import { RawKafkaClient } from './raw-kafka-client.ts'

/** A broker in this process, on a directory of its own, with clients; `close` takes everything away. */
export class BrokerHarness {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'penstock-broker-'))
  readonly logger = quietLogger('broker')
  readonly #options: Partial<BrokerOptions>
  readonly #clients: RawKafkaClient[] = []
  #broker: Broker | null = null

  private constructor(options: Partial<BrokerOptions>) {
    this.#options = options
  }

  static async start(options: Partial<BrokerOptions> = {}): Promise<BrokerHarness> {
    const harness = new BrokerHarness(options)
    await harness.#start()
    return harness
  }

  get broker(): Broker {
    if (this.#broker === null) throw new RangeError('the broker is stopped')
    return this.#broker
  }

  get bootstrap(): string {
    return `${this.broker.address.host}:${this.broker.address.port}`
  }

  async connect(clientId = 'raw'): Promise<RawKafkaClient> {
    const client = await RawKafkaClient.connect(this.broker.address, clientId)
    this.#clients.push(client)
    return client
  }

  /** Stops the broker gracefully and starts another one on the same directory. */
  async restart(): Promise<void> {
    await this.stop()
    await this.#start()
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.close()
    await this.#broker?.close()
    this.#broker = null
  }

  async close(): Promise<void> {
    await this.stop()
    rmSync(this.dataDir, { recursive: true, force: true })
  }

  async #start(): Promise<void> {
    this.#broker = await Broker.start({
      dataDir: this.dataDir,
      listen: { host: '127.0.0.1', port: 0 },
      clock: systemClock,
      logger: this.logger,
      ...this.#options,
    })
  }
}

/** A batch of text values without keys, or of [key, value] pairs. */
export function textBatch(
  values: readonly (string | readonly [string | null, string | null])[],
  options: FinishOptions & { readonly timestampMs?: number } = {},
): Buffer {
  const builder = new BatchBuilder()
  for (const entry of values) {
    const [key, value] = typeof entry === 'string' ? [null, entry] : entry
    const bytes = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text))
    builder.append(bytes(key), bytes(value), [], options.timestampMs ?? Date.now())
  }
  return builder.finish(options)
}

/** Handlers for a server of a test, with the ApiVersions that lists them. */
export function withApiVersions(handlers: readonly Handler[]): readonly Handler[] {
  const all = [...handlers]
  all.push(apiVersionsRegistration.createHandler({ handlers: () => all }))
  return all
}

/** The response of the broker for one batch to one partition. */
export async function produceOne(
  client: RawKafkaClient,
  topic: string,
  records: Buffer | null,
  options: { readonly partition?: number; readonly acks?: number; readonly version?: number } = {},
) {
  const { partition = 0, acks = -1, version = 9 } = options
  const answer = await client.call(apis.produce, version, {
    acks,
    timeoutMs: 10_000,
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  })
  const [response] = answer.responses[0]?.partitionResponses ?? []
  if (response === undefined) throw new RangeError('the answer names no partition')
  return response
}

/** A fetch of one partition; responds immediately unless `maxWaitMs` is given. */
export function fetchValue(
  topic: string | { readonly id: string },
  offset: number,
  options: {
    readonly partition?: number
    readonly maxWaitMs?: number
    readonly minBytes?: number
    readonly maxBytes?: number
    readonly partitionMaxBytes?: number
    readonly isolationLevel?: number
  } = {},
) {
  const {
    partition = 0,
    maxWaitMs = 0,
    minBytes = 1,
    maxBytes = 1 << 20,
    partitionMaxBytes = 1 << 20,
    isolationLevel = 0,
  } = options
  return {
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel,
    topics: [
      {
        ...(typeof topic === 'string' ? { topic } : { topicId: topic.id }),
        partitions: [{ partition, fetchOffset: offset, partitionMaxBytes }],
      },
    ],
  }
}

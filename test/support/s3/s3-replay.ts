import fc from 'fast-check'
import { DataError, type Converter } from 'penstock/api'

import { plugin } from '../../../connectors/s3-sink/index.ts'
import type { SinkTask } from '../../../src/api/task.ts'
import { BrokerError } from '../../../src/client/errors.ts'
import type { PartitionRange } from '../../../src/client/consumer/topic-tail.ts'
import type { FetchedRecord } from '../../../src/client/consumer/fetched-record.ts'
import { assert } from '../../../src/foundation/assert.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { planText } from '../../../src/storage/dead-letters/replay-plan.ts'
import { RunningSink } from '../elasticsearch/running-sink.ts'
import { MemoryConsumer } from '../task/memory-consumer.ts'
import { until } from '../until.ts'
import { MemoryS3 } from './memory-s3.ts'

const at = { topic: 't', partition: 0 }
const keyPattern = /^topics\/t\/partition=0\/t\+0\+(\d{10})(\+replay-[0-9a-f]{16})?\.json$/

/** How a commit ends: `failed` gets an error that fails the task; `lost` too, and the group has it all the same. */
type Outcome = 'acknowledged' | 'failed' | 'lost'

/** One life of a task. */
interface Life {
  readonly flushSize: number
  /** Records that arrive. */
  readonly records: number
  readonly outcomes: readonly Outcome[]
  readonly polls: number
  readonly isRevoked: boolean
  readonly end: 'stop' | 'kill'
  /** The request to the store at which the process is gone; null: none. */
  readonly diesAt: { readonly request: number; readonly reached: boolean } | null
}

/** What the topic has: records without and with a dead letter. `both`: it could be written after its letter was, so the archive has it. */
type Kind = 'record' | 'letter' | 'both'

export interface ReplayStory {
  readonly kinds: readonly Kind[]
  /** How the objects were cut before. */
  readonly flushSize: number
  readonly lives: readonly Life[]
  /** Whether a last record arrives after all lives. */
  readonly isContinued: boolean
}

const sizes = fc.integer({ min: 1, max: 6 })

export const replayStories: fc.Arbitrary<ReplayStory> = fc.record({
  kinds: fc
    .array(fc.constantFrom<Kind>('record', 'record', 'letter', 'letter', 'both'), { minLength: 2, maxLength: 14 })
    .filter((all) => all.some((kind) => kind !== 'record')),
  isContinued: fc.boolean(),
  flushSize: sizes,
  lives: fc.array(
    fc.record({
      flushSize: sizes,
      records: fc.nat({ max: 4 }),
      outcomes: fc.array(fc.constantFrom<Outcome>('acknowledged', 'acknowledged', 'failed', 'lost'), { maxLength: 3 }),
      polls: fc.integer({ min: 2, max: 7 }),
      isRevoked: fc.boolean(),
      end: fc.constantFrom('stop' as const, 'kill' as const),
      diesAt: fc.option(fc.record({ request: fc.integer({ min: 2, max: 8 }), reached: fc.boolean() })),
    }),
    { minLength: 1, maxLength: 4 },
  ),
})

/** An archive without the records of dead letters, to which a sink delivers these again, over many lives. */
export class S3Replay {
  readonly #consumer = new MemoryConsumer()
  readonly #store: MemoryS3
  readonly #kinds: readonly Kind[]
  #archived = new Map<string, string>()
  /** Where the sink was. */
  #until = 0
  #size = 0
  #count = 0

  private constructor(store: MemoryS3, kinds: readonly Kind[]) {
    this.#store = store
    this.#kinds = kinds
    this.#consumer.topicIds.set('t', 'topic-one')
  }

  static async run({ kinds, flushSize, lives, isContinued }: ReplayStory): Promise<void> {
    const world = new S3Replay(await MemoryS3.start(), kinds)
    try {
      await world.#archive(flushSize)
      for (const life of lives) await world.#live(life)
      await world.#settle(isContinued)
      world.#check()
    } finally {
      await world.#store.close()
    }
  }

  /** Stores all records but those of letters, and plans that these are delivered again. */
  async #archive(flushSize: number): Promise<void> {
    this.#append(this.#kinds.length)
    const sink = this.#start(flushSize, (offset) => this.#kinds[offset] === 'letter')
    await this.#consumer.assign(at)
    // The last object ends with a record that is none of a letter's.
    this.#append(1)
    await until('the last record is taken', () => this.#consumer.polls > 3)
    await sink.stop()
    this.#consumer.forget()
    const end = this.#committed
    this.#until = end
    this.#archived = this.#objects()
    const offsets = [...this.#kinds.keys()].filter((offset) => this.#hasLetter(offset) && offset < end)
    if (offsets[0] === undefined) return
    const queue = { topic: 'letters', id: 'queue-one', ends: new Map([[0, this.#kinds.length]]) }
    const choice = { cause: null, key: null }
    const plan = { letters: queue, choice, count: offsets.length, more: false, from: offsets[0], until: end }
    this.#consumer.apply([{ ...at, offset: plan.from, metadata: planText(plan) }])
  }

  async #live(life: Life): Promise<void> {
    let requests = 0
    const access = this.#nextAccess()
    this.#store.dies = (who) => {
      if (who !== access) return null
      requests += 1
      return life.diesAt?.request === requests ? life.diesAt : null
    }
    const outcomes = [...life.outcomes]
    this.#consumer.commit = async (offsets) => {
      const outcome = outcomes.shift() ?? 'acknowledged'
      if (outcome !== 'failed') this.#consumer.apply(offsets)
      if (outcome !== 'acknowledged') throw new BrokerError(errorCodes.UNKNOWN_SERVER_ERROR, 'a commit')
    }
    const sink = this.#start(life.flushSize, () => false, access)
    const ended = { is: false }
    void sink.ended.then(() => (ended.is = true))
    void this.#consumer.assign(at)
    this.#append(life.records)
    await this.#polls(life.polls, ended)
    if (life.isRevoked && !ended.is) {
      void this.#consumer.revoke(at).then(async () => await this.#consumer.assign(at))
      await this.#polls(life.polls, ended)
    }
    if (life.end === 'kill') {
      this.#store.cutOff(access)
      this.#consumer.commit = async () => await Promise.reject(new RangeError('the process is gone'))
    }
    await sink.stop()
    this.#consumer.forget()
  }

  async #polls(count: number, ended: { readonly is: boolean }): Promise<void> {
    const polls = this.#consumer.polls + count
    await until('some polls', () => ended.is || this.#consumer.polls >= polls)
  }

  /** A last life with commits that go through writes everything; without another record, all letters. */
  async #settle(isContinued: boolean): Promise<void> {
    this.#store.dies = () => null
    this.#consumer.commit = async (offsets) => this.#consumer.apply(offsets)
    if (isContinued) this.#append(1)
    const sink = this.#start(isContinued ? 1 : 100)
    const end = isContinued ? this.#size : this.#until
    await this.#consumer.assign(at)
    const committed = until('the end is committed', () => this.#committed >= end)
    const failure = await Promise.race([committed, sink.ended])
    assert(failure === undefined, `the task ended: ${String(failure)}`)
    await sink.stop()
  }

  /** What was stored stays as it is, and each offset is stored once. */
  #check(): void {
    const objects = this.#objects()
    for (const [key, body] of this.#archived) {
      // The last life may have left one behind the committed offset, which is replaced.
      const [, start] = keyPattern.exec(key) ?? []
      if (Number(start) < this.#until) assert(objects.get(key) === body, `${key} was changed`)
    }
    const stored = [...objects].flatMap(([key, body]) => {
      const [, start, replay] = keyPattern.exec(key) ?? []
      const offsets = body.split('\n').slice(0, -1).map(Number)
      assert(Number(start) === offsets[0], `${key} holds ${offsets.join()}`)
      if (replay !== undefined)
        for (const offset of offsets) assert(this.#hasLetter(offset), `${key} holds ${offset}, which has no letter`)
      return offsets
    })
    const isTwice = (offset: number): boolean => this.#kinds[offset] === 'both' && offset < this.#until
    const all = Array.from({ length: this.#committed }, (_, offset) =>
      isTwice(offset) ? [offset, offset] : [offset],
    ).flat()
    const known = stored.filter((offset) => offset < this.#committed).toSorted((a, b) => a - b)
    assert(known.join() === all.join(), `stored are ${stored.join()}`)
  }

  #start(
    flushSize: number,
    fails: (offset: number) => boolean = () => false,
    access = this.#nextAccess(),
  ): RunningSink {
    const converter: Converter = {
      fromConnect: () => null,
      toConnect: (_topic, bytes) => {
        const offset = Number(Buffer.from(bytes ?? '').toString())
        if (fails(offset)) throw new DataError('a dead letter')
        return { schema: null, value: offset }
      },
    }
    return new RunningSink({
      createTask: () => plugin.createTask() as SinkTask,
      consumer: this.#consumer,
      converter,
      topics: ['t'],
      clusterId: 'cluster-one',
      connectorConfig: { 'errors.tolerance': 'all' },
      replay: { client: this.#client, followers: plugin.replays !== 'letters' },
      configDef: plugin.configDef,
      raw: {
        name: 'archive',
        'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
        's3.bucket.name': 'bucket',
        's3.region': 'us-east-1',
        'store.url': this.#store.url,
        'aws.access.key.id': access,
        'aws.secret.access.key': 'secret',
        's3.retry.backoff.ms': '5',
        'retry.backoff.ms': '20',
        'shutdown.timeout.ms': '50',
        'flush.size': String(flushSize),
      },
      commitIntervalMs: 20,
      flushTimeoutMs: 60,
      endTimeoutMs: 120,
    })
  }

  /** Reads the dead letter queue. */
  get #client(): NonNullable<ConstructorParameters<typeof RunningSink>[0]['replay']>['client'] {
    const range: PartitionRange = {
      topic: 'letters',
      partition: 0,
      start: 0,
      end: this.#kinds.length,
      topicId: 'queue-one',
    }
    return {
      partitionRanges: async () => [range],
      readRanges: async (_ranges, onRecord) => {
        for (const offset of this.#kinds.keys()) if (this.#hasLetter(offset)) onRecord(letterOf(offset))
      },
    }
  }

  get #committed(): number {
    return this.#consumer.committed.get('t-0') ?? 0
  }

  #hasLetter(offset: number): boolean {
    return (this.#kinds[offset] ?? 'record') !== 'record'
  }

  #append(count: number): void {
    this.#consumer.append('t', 0, ...Array.from({ length: count }, (_, i) => String(this.#size + i)))
    this.#size += count
  }

  #nextAccess(): string {
    this.#count += 1
    return `life${this.#count}`
  }

  #objects(): Map<string, string> {
    return new Map([...this.#store.objects].map(([key, { body }]) => [key, body.toString()]))
  }
}

function letterOf(offset: number): FetchedRecord {
  const texts = { topic: 't', partition: '0', offset: `${offset}`, 'connector.name': 'c' }
  const headers = Object.entries(texts).map(([name, text]) => ({
    key: `__connect.errors.${name}`,
    value: Buffer.from(text),
  }))
  const place = { topic: 'letters', partition: 0, offset, timestamp: 1, timestampType: 0 } as const
  return { ...place, key: null, value: null, headers }
}

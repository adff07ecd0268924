import fc from 'fast-check'
import type { RawConfig } from 'penstock/api'

import { plugin } from '../../../connectors/s3-sink/index.ts'
import { plugin as json } from '../../../plugins/converters/json-converter.ts'
import type { SinkTask } from '../../../src/api/task.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { BrokerError, FencedMemberError } from '../../../src/client/errors.ts'
import { assert } from '../../../src/foundation/assert.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { MemoryConsumer } from '../task/memory-consumer.ts'
import { valuesIn } from './avro-objects.ts'
import { MemoryS3 } from './memory-s3.ts'
import { manifestsIn, verified } from './verified-archive.ts'
import { RunningSink } from '../elasticsearch/running-sink.ts'
import { until } from '../until.ts'

const at = { topic: 't', partition: 0 }
const jsonConfig = { 'schemas.enable': 'false' }
const keyPattern = /^topics\/t\/(\w+=\w+|tombstone)\/t\+0\+(\d{10})\.(keys\.)?(?:json|avro)$/

/** Settings for objects with manifests. */
export const withManifests: RawConfig = { 'archive.manifest': 'true' }

/** Settings for objects in directories by a field of their records. */
export const byField: RawConfig = {
  'partitioner.class': 'io.confluent.connect.storage.partitioner.FieldPartitioner',
  'partition.field.name': 'third',
}

/** Settings for objects of keys beside those of values, and for tombstones. */
export const withKeys: RawConfig = {
  ...byField,
  'store.kafka.keys': 'true',
  'keys.format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
  'behavior.on.null.values': 'write',
}

/** Not a function of the order of records. */
const directoryOf = (offset: number): string => `d${(offset * offset + (offset >> 2)) % 3}`

/** How a commit ends. `cut off` gets no answer, `failed` an error that fails the task; `applied`: the group has it all the same. */
type Outcome =
  | { readonly kind: 'acknowledged' }
  | { readonly kind: 'refused'; readonly code: number }
  | { readonly kind: 'cut off' | 'failed'; readonly applied: boolean }

/** One life of a task: what arrives, how it cuts objects, how its commits end, and how it ends itself. */
export interface Life {
  readonly rotation: Readonly<Record<string, string>>
  /** Values in the log; false is a tombstone. */
  readonly records: readonly boolean[]
  readonly outcomes: readonly Outcome[]
  readonly polls: number
  readonly meanwhile: 'revoke' | 'lose' | 'nothing'
  readonly end: 'stop' | 'kill'
  /** The request to the store at which the process is gone; null: none. */
  readonly diesAt: { readonly request: number; readonly reached: boolean } | null
}

const refusals = [errorCodes.REBALANCE_IN_PROGRESS, errorCodes.ILLEGAL_GENERATION, errorCodes.UNKNOWN_MEMBER_ID]

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Outcome>({ kind: 'acknowledged' }) },
  { weight: 2, arbitrary: fc.constantFrom(...refusals).map((code) => ({ kind: 'refused' as const, code })) },
  { weight: 2, arbitrary: fc.boolean().map((applied) => ({ kind: 'cut off' as const, applied })) },
  { weight: 1, arbitrary: fc.boolean().map((applied) => ({ kind: 'failed' as const, applied })) },
)

/** Lives that each cut objects in another way. */
export const lives: fc.Arbitrary<readonly Life[]> = fc.array(
  fc.record({
    rotation: fc.oneof(
      fc.integer({ min: 1, max: 12 }).map((size) => ({ 'flush.size': String(size) })),
      fc.integer({ min: 2, max: 9 }).map((ms) => ({ 'flush.size': '50', 'rotate.schedule.interval.ms': String(ms) })),
    ),
    records: fc.array(
      fc.integer({ min: 0, max: 5 }).map((n) => n > 0),
      { maxLength: 25 },
    ),
    // What ails a coordinator seldom ails it once.
    outcomes: fc
      .array(fc.tuple(outcome, fc.integer({ min: 1, max: 4 })), { maxLength: 3 })
      .map((runs) => runs.flatMap(([one, times]) => Array.from({ length: times }, () => one))),
    polls: fc.integer({ min: 2, max: 7 }),
    meanwhile: fc.constantFrom('revoke' as const, 'lose' as const, 'nothing' as const),
    end: fc.constantFrom('stop' as const, 'kill' as const),
    diesAt: fc.option(fc.record({ request: fc.integer({ min: 2, max: 8 }), reached: fc.boolean() })),
  }),
  { minLength: 1, maxLength: 5 },
)

/** A text without a schema is in a record with a field for each type. */
function textsIn(body: Buffer): number[] {
  return valuesIn(body).map((value) => Number((value as { readonly string: string }).string))
}

function linesIn(body: Buffer): number[] {
  return body
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => Number(JSON.parse(line)))
}

/** The offsets of the records of an object, which have to belong into its directory. */
function fieldsIn(body: Buffer, directory: string): number[] {
  const lines = body.toString().split('\n').slice(0, -1)
  const values = lines.map((line) => JSON.parse(line) as { readonly offset: number; readonly third: string })
  for (const { offset, third } of values)
    assert(directory === `third=${third}` && third === directoryOf(offset), `the record ${offset} is in ${directory}`)
  return values.map(({ offset }) => offset)
}

/** A task in its real loop, a store in memory, and a group whose commits end as each life says. */
export class S3Lives {
  readonly consumer = new MemoryConsumer()
  readonly #store: MemoryS3
  readonly #settings: RawConfig
  readonly #values: boolean[] = []
  #count = 0
  #hangs = false
  #rebalancing = false

  private constructor(store: MemoryS3, settings: RawConfig) {
    this.#store = store
    this.#settings = settings
    if (settings === withKeys) this.consumer.keyOf = String
    this.consumer.topicIds.set('t', 'topic-one')
  }

  /** @param settings of the format and the directories of the objects */
  static async run(plan: readonly Life[], settings: RawConfig = {}): Promise<void> {
    const world = new S3Lives(await MemoryS3.start(), settings)
    try {
      for (const life of plan) await world.#live(life)
      await world.#settle()
      const expected = world.#values.flatMap((isRecord, offset) => (isRecord ? [offset] : []))
      world.#expectStored('values', expected)
      if (settings === withKeys) world.#expectStored('keys', [...world.#values.keys()])
      if (settings === withManifests) await world.#expectProven(expected)
    } finally {
      await world.#store.close()
    }
  }

  #expectStored(part: Part, expected: readonly number[]): void {
    const covered = this.#covered(part)
    assert(covered.join() === expected.join(), `stored are ${part} of ${covered.join()}, not ${expected.join()}`)
  }

  /** The offsets of the records of all objects. Those of a directory are in the order of their names. */
  #covered(part: Part): number[] {
    const objects = this.#objects(part)
    const inDirectories = Map.groupBy(objects, ({ directory }) => directory)
    for (const [directory, own] of inDirectories) {
      const offsets = own.flatMap(({ records }) => records)
      assert(offsets.join() === offsets.toSorted((a, b) => a - b).join(), `${directory} holds ${offsets.join()}`)
    }
    return objects.flatMap(({ records }) => records).toSorted((a, b) => a - b)
  }

  /** The manifests list the records of all objects, and no others. */
  async #expectProven(expected: readonly number[]): Promise<void> {
    const { faults } = await verified(this.#store, { 'topics.dir': 'topics' })
    assert(faults.length === 0, `the archive has faults: ${faults.join()}`)
    const runs = manifestsIn(this.#store).flatMap(({ groups }) => groups.flatMap(({ offsets }) => offsets))
    const listed = runs.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i))
    assert(listed.join() === expected.join(), `the manifests list ${listed.join()}, expected ${expected.join()}`)
  }

  async #live(life: Life): Promise<void> {
    const access = this.#nextAccess()
    let requests = 0
    // A request of the life before may still arrive.
    this.#store.dies = (who) => {
      if (who !== access) return null
      requests += 1
      return life.diesAt?.request === requests ? life.diesAt : null
    }
    const outcomes = [...life.outcomes]
    this.#decide((offsets, signal) => this.#end(outcomes.shift(), offsets, signal))
    const sink = this.#start(access, life.rotation)
    const ended = { is: false }
    void sink.ended.then(() => {
      ended.is = true
    })
    void this.consumer.assign(at)
    this.#append(life.records)
    const polls = this.consumer.polls + life.polls
    const rests = (): boolean => ended.is || this.#hangs || this.consumer.polls >= polls
    await until('some polls', rests)
    if (life.meanwhile !== 'nothing' && !ended.is && !this.#hangs && !this.#rebalancing) {
      void this.#rebalance(life.meanwhile === 'lose')
      const more = this.consumer.polls + life.polls
      await until('more polls', () => ended.is || this.#hangs || this.consumer.polls >= more)
    }
    if (life.end === 'kill') {
      this.#store.cutOff(access)
      this.#decide(async () => await Promise.reject(new RangeError('the process is gone')))
    }
    await sink.stop()
    this.consumer.forget()
    this.#hangs = false
    this.#rebalancing = false
    this.#expectOneAhead()
  }

  /** A last life with commits that go through writes everything. */
  async #settle(): Promise<void> {
    this.#store.dies = () => null
    this.#decide(async (offsets) => this.consumer.apply(offsets))
    this.#append([true])
    const sink = this.#start(this.#nextAccess(), { 'flush.size': '1' })
    await this.consumer.assign(at)
    const committed = (): number => this.consumer.committed.get('t-0') ?? 0
    await until('everything is committed', () => committed() === this.#values.length)
    await sink.stop()
  }

  #start(access: string, rotation: Readonly<Record<string, string>>): RunningSink {
    return new RunningSink({
      createTask: () => plugin.createTask() as SinkTask,
      consumer: this.consumer,
      ...(this.#isByField
        ? { converter: json.create(parseConfig(json.configDef, jsonConfig), jsonConfig, false) }
        : {}),
      topics: ['t'],
      clusterId: 'cluster-one',
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
        ...this.#settings,
        ...rotation,
      },
      flushTimeoutMs: 60,
      endTimeoutMs: 120,
    })
  }

  get #isByField(): boolean {
    return this.#settings === byField || this.#settings === withKeys
  }

  /** The value of the record at an offset. */
  #textOf(offset: number): string {
    return this.#isByField ? JSON.stringify({ offset, third: directoryOf(offset) }) : String(offset)
  }

  #nextAccess(): string {
    this.#count += 1
    return `life${this.#count}`
  }

  #append(records: readonly boolean[]): void {
    const first = this.#values.length
    this.#values.push(...records)
    this.consumer.append('t', 0, ...records.map((isRecord, i) => (isRecord ? this.#textOf(first + i) : null)))
  }

  #decide(decide: MemoryConsumer['commit']): void {
    this.consumer.commit = decide
  }

  async #end(
    outcome: Outcome = { kind: 'acknowledged' },
    offsets: Parameters<MemoryConsumer['commit']>[0],
    signal?: AbortSignal,
  ): Promise<void> {
    if (outcome.kind === 'acknowledged') return this.consumer.apply(offsets)
    if (outcome.kind === 'refused') {
      if (!this.#rebalancing) void this.#rebalance(outcome.code !== errorCodes.REBALANCE_IN_PROGRESS)
      throw new FencedMemberError(outcome.code, 'a commit')
    }
    if (outcome.applied) this.consumer.apply(offsets)
    if (outcome.kind === 'failed') throw new BrokerError(errorCodes.UNKNOWN_SERVER_ERROR, 'a commit')
    this.#hangs = true
    await new Promise((_resolve, reject) => {
      if (signal?.aborted === true) reject(signal.reason)
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    }).finally(() => {
      this.#hangs = false
    })
  }

  async #rebalance(lost: boolean): Promise<void> {
    this.#rebalancing = true
    await (lost ? this.consumer.lose(at) : this.consumer.revoke(at))
    await this.consumer.assign(at)
    this.#rebalancing = false
  }

  #objects(part: Part): StoredObject[] {
    return [...this.#store.objects]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([key, { body }]) => {
        if (key.includes('/_manifest/')) return []
        const [, directory = key, start, infix] = keyPattern.exec(key) ?? []
        if ((infix === undefined) !== (part === 'values')) return []
        return [{ directory, start: Number(start), records: this.#recordsIn(key, body, directory) }]
      })
  }

  #recordsIn(key: string, body: Buffer, directory: string): number[] {
    if (key.endsWith('.avro')) return textsIn(body)
    return this.#isByField && !key.includes('.keys.') ? fieldsIn(body, directory) : linesIn(body)
  }

  /** At most one object of a directory lies past the committed offset, and every object is named by its first record. */
  #expectOneAhead(): void {
    for (const part of ['values', 'keys'] as const) this.#expectOneOfPartAhead(part)
  }

  #expectOneOfPartAhead(part: Part): void {
    const committed = this.consumer.committed.get('t-0') ?? 0
    const objects = this.#objects(part)
    for (const { start, records } of objects)
      assert(start <= (records[0] ?? -1), `object ${start} holds ${records.join()}`)
    const ahead = objects.filter(({ start }) => start >= committed)
    const directories = new Set(ahead.map(({ directory }) => directory))
    assert(ahead.length === directories.size, `more than one object past ${committed}: ${JSON.stringify(objects)}`)
  }
}

type Part = 'values' | 'keys'

interface StoredObject {
  readonly directory: string
  readonly start: number
  readonly records: number[]
}

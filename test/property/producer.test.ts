import { describe, expect, it } from 'vitest'
import type { Cluster } from '../../src/client/cluster/cluster.ts'
import { ConnectionError, DeliveryTimeoutError, OrderLostError, UnknownOutcomeError } from '../../src/client/errors.ts'
import { MetadataCache } from '../../src/client/cluster/metadata-cache.ts'
import { Producer, type ProducerListener } from '../../src/client/producer/producer.ts'
import { deferred, type Deferred } from '../../src/foundation/async/deferred.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { PartitionModel, refusal, type ModelAnswer } from '../support/log/partition-model.ts'
import { quietLogger } from '../support/quiet-logger.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { chosenSeed } from '../support/soak-run.ts'

/** Lets everything run that is ready to. */
function turn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  setImmediate(resolve)
  return promise
}

interface Attempt {
  readonly batch: Buffer
  readonly answered: Deferred<unknown>
  /** What the broker made of it; null: it has not arrived. */
  outcome: ModelAnswer | null
}

interface Faults {
  /** When the broker forgets its producers. */
  readonly forgets: 'never' | 'when idle' | 'any time'
  readonly refusesUnknown: boolean
  readonly deliveryTimeoutMs?: number
}

const recordCount = 60
/** Longer than any pause in which the broker of 'when idle' remembers. */
const idleMs = 500
const refusedUnwritten = ['NOT_ENOUGH_REPLICAS', 'INVALID_RECORD', 'MESSAGE_TOO_LARGE'] as const
const unclear = ['REQUEST_TIMED_OUT', 'NOT_LEADER_OR_FOLLOWER', 'KAFKA_STORAGE_ERROR', 'UNKNOWN_SERVER_ERROR'] as const

/** A producer, a network that delays and loses what it carries, and one partition. */
class World {
  readonly broker: PartitionModel
  readonly clock = new ManualClock()
  readonly producer: Producer
  readonly acknowledged: number[] = []
  readonly failed = new Map<number, Error>()
  readonly #random: () => number
  readonly #faults: Faults
  /** Requests whose sender waits for the answer. */
  #waiting: Attempt[] = []
  /** Requests whose sender has given up, and that may arrive all the same. */
  #stray: Attempt[] = []
  #appended = 0

  constructor(random: () => number, faults: Faults) {
    this.#random = random
    this.#faults = faults
    this.broker = new PartitionModel(faults.refusesUnknown)
    const { deliveryTimeoutMs } = faults
    const options = deliveryTimeoutMs === undefined ? {} : { deliveryTimeoutMs }
    const listener: ProducerListener = {
      onAcknowledged: (tokens) => void this.acknowledged.push(...tokens),
      onFailed: (error, tokens) => tokens.forEach((token) => this.failed.set(token, error)),
    }
    this.producer = new Producer(this.#cluster(), listener, { batchSize: 220, lingerMs: 1, ...options })
  }

  async run(): Promise<void> {
    while (this.#appended < recordCount) {
      this.#step()
      await turn()
    }
    // The faults end: everything settles.
    for (let rest = 0; this.acknowledged.length + this.failed.size < recordCount; rest += 1) {
      if (rest > 2_000) throw new RangeError('records are neither acknowledged nor failed')
      for (const attempt of this.#waiting) this.#arrive(attempt, null)
      for (const attempt of this.#waiting.slice()) this.#answer(attempt)
      this.clock.advance(1_000)
      await turn()
    }
  }

  #step(): void {
    const kind = this.#random()
    if (kind < 0.25) this.#append()
    else if (kind < 0.55)
      this.#arrive(this.#some(this.#waiting.filter(({ outcome }) => outcome === null)), this.#fault())
    else if (kind < 0.8) this.#answer(this.#some(this.#waiting.filter(({ outcome }) => outcome !== null)))
    else if (kind < 0.86) this.#lose(this.#some(this.#waiting))
    else if (kind < 0.89) this.#arrive(this.#some(this.#stray), null)
    else if (kind < 0.97) this.clock.advance(Math.ceil(this.#random() * 300))
    else this.#forget()
  }

  /** Most often the oldest: requests of one connection arrive in order. */
  #some(attempts: readonly Attempt[]): Attempt | undefined {
    return this.#random() < 0.8 ? attempts[0] : attempts[Math.floor(this.#random() * attempts.length)]
  }

  #append(): void {
    for (let n = Math.ceil(this.#random() * 6); n > 0 && this.#appended < recordCount; n -= 1) {
      const value = Buffer.from(String(this.#appended))
      const record = { topic: 't', partition: 0, key: null, value, headers: [], timestamp: null }
      this.producer.append(record, this.#appended)
      this.#appended += 1
    }
  }

  #fault(): ModelAnswer | 'after' | null {
    const kind = this.#random()
    const pick = <T>(from: readonly T[]): T => from[Math.floor(this.#random() * from.length)] as T
    if (kind < 0.1) return refusal(pick(refusedUnwritten))
    if (kind < 0.15) return refusal(pick(unclear))
    return kind < 0.2 ? 'after' : null
  }

  /** The broker takes a request: refuses it, or writes it and still responds with an error ("after"), or writes it. */
  #arrive(attempt: Attempt | undefined, fault: ModelAnswer | 'after' | null): void {
    if (attempt === undefined || attempt.outcome !== null) return
    if (fault !== null && fault !== 'after') attempt.outcome = fault
    else {
      const outcome = this.broker.append(attempt.batch)
      const isHidden = fault === 'after' && outcome.errorCode === errorCodes.NONE
      attempt.outcome = isHidden ? refusal('REQUEST_TIMED_OUT') : outcome
    }
    // What an ended connection brought is served before what comes over the next one.
    this.#stray = this.#stray.includes(attempt) ? this.#stray.filter((other) => other !== attempt) : []
  }

  #answer(attempt: Attempt | undefined): void {
    if (attempt === undefined || attempt.outcome === null) return
    this.#waiting = this.#waiting.filter((other) => other !== attempt)
    const partitionResponses = [{ index: 0, ...attempt.outcome, errorMessage: null }]
    attempt.answered.resolve({ responses: [{ name: 't', partitionResponses }] })
  }

  #lose(attempt: Attempt | undefined): void {
    if (attempt === undefined) return
    this.#waiting = this.#waiting.filter((other) => other !== attempt)
    if (attempt.outcome === null) this.#stray.push(attempt)
    attempt.answered.reject(new ConnectionError('the connection ended'))
  }

  #forget(): void {
    const { forgets } = this.#faults
    const isIdle = this.acknowledged.length + this.failed.size === this.#appended
    if (forgets === 'never' || (forgets === 'when idle' && !isIdle)) return
    if (isIdle) this.clock.advance(idleMs)
    this.#stray = [] // No request is on its way for as long as a broker remembers its producer.
    this.broker.forget()
  }

  /** Of a cluster, what a producer uses: there is no network below it. */
  #cluster(): Cluster {
    const metadata = new MetadataCache()
    metadata.brokers.set(1, { host: 'model', port: 1 })
    const partitions = [{ partition: 0, leaderId: 1, replicas: [1] }]
    metadata.topics.set('t', { name: 't', id: null, isInternal: false, partitions })
    const send = (_: unknown, request: { topicData: { partitionData: { records: Buffer }[] }[] }): Promise<unknown> => {
      const sent = request.topicData[0]?.partitionData[0]?.records ?? Buffer.alloc(0)
      const attempt: Attempt = { batch: Buffer.from(sent), answered: deferred<unknown>(), outcome: null }
      this.#waiting.push(attempt)
      return attempt.answered.promise
    }
    return {
      clock: this.clock,
      logger: quietLogger(),
      backoff: { initialMs: 0, maxMs: 0 },
      metadata,
      newPurpose: () => 'produce',
      closePurpose: () => undefined,
      connection: async () => ({ send }),
      refreshMetadata: async () => undefined,
      retrying: (_: string, __: unknown, attempt: () => unknown) => attempt(),
      sendToAny: async () => ({ errorCode: 0, producerId: this.broker.newProducerId(), producerEpoch: 0 }),
      mayWrite: true,
    } as unknown as Cluster
  }
}

function isDoubtful(error: Error | undefined): boolean {
  return (
    error instanceof UnknownOutcomeError ||
    (error instanceof OrderLostError && error.fate !== 'missing') ||
    (error instanceof DeliveryTimeoutError && error.mayBeWritten)
  )
}

/** What holds whatever the broker does. */
function checkTruth(world: World, label: string): void {
  const { log } = world.broker
  const written = new Set(log)
  expect(
    world.acknowledged.filter((token) => !written.has(token)),
    `${label}: acknowledged, not written`,
  ).toEqual([])
  const untold = [...world.failed].filter(([token, error]) => written.has(token) && !isDoubtful(error))
  expect(
    untold.map(([token, error]) => [token, error.message]),
    `${label}: failed, but written`,
  ).toEqual([])
  const twice = world.acknowledged.filter(
    (token, place, all) => all.indexOf(token) !== place || world.failed.has(token),
  )
  expect(twice, `${label}: settled twice`).toEqual([])
  const acknowledged = new Set(world.acknowledged)
  const last = log.filter((token, place) => acknowledged.has(token) && log.lastIndexOf(token) === place)
  expect(last, `${label}: the order of what is acknowledged`).toEqual(last.toSorted((a, b) => a - b))
}

/** What holds besides while the broker only forgets a producer that is idle. */
function checkExactlyOnce(world: World, label: string): void {
  // A request whose sender was told of the doubt may still arrive, late.
  const log = world.broker.log.filter((token) => !isDoubtful(world.failed.get(token)))
  expect(log, `${label}: once and in order`).toEqual([...new Set(log)].toSorted((a, b) => a - b))
  const lost = [...world.failed.values()].filter((error) => error instanceof OrderLostError)
  expect(lost, `${label}: the order is kept`).toEqual([])
}

const runs = 300

async function explore(faults: Faults, check: (world: World, label: string) => void): Promise<void> {
  const first = chosenSeed()
  for (let seed = first; seed < first + runs; seed += 1) {
    const world = new World(seededRandom(seed), faults)
    const label = `SEED=${seed}`
    await world.run().catch((error: unknown) => expect.fail(`${label}: ${String(error)}`))
    check(world, label)
  }
}

describe('a producer, whatever the broker responds and in which order (I1, I12)', () => {
  for (const forgets of ['never', 'when idle'] as const) {
    for (const refusesUnknown of [false, true]) {
      const title = `${forgets}${refusesUnknown ? ', and refuses the unknown one' : ''}`
      it(`tells the truth, and writes once and in order (the broker forgets it ${title})`, async () => {
        await explore({ forgets, refusesUnknown }, (world, label) => {
          checkTruth(world, label)
          checkExactlyOnce(world, label)
        })
      })
    }
  }

  it('tells the truth though the broker forgets it at any time', async () => {
    for (const refusesUnknown of [false, true]) await explore({ forgets: 'any time', refusesUnknown }, checkTruth)
  })

  it('tells the truth about records that it gives up after the delivery timeout', async () => {
    await explore({ forgets: 'never', refusesUnknown: false, deliveryTimeoutMs: 700 }, checkTruth)
  })
})

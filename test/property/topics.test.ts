import { afterEach, describe, expect, it } from 'vitest'
import { Topics } from '../../src/broker/topics/topics.ts'
import { defaultLogConfig } from '../../src/log/log-config.ts'
import type { PartitionLog } from '../../src/log/partition-log.ts'
import { textBatch } from '../support/broker/broker-harness.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { MemoryFileSystem } from '../support/log/memory-file-system.ts'
import { quietLogger } from '../support/quiet-logger.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { chosenSeed } from '../support/soak-run.ts'
import { verifiedBatch } from '../../src/log/batch-check.ts'
import { forEachBatch, readRecords } from '../support/protocol/read-batches.ts'

const dataDirectory = '/data'
const names = ['a', 'b']

/** Operations that a full disk does not refuse. */
const needsNoRoom: ReadonlySet<string> = new Set(['remove', 'truncate', 'rename', 'syncDirectory'])

/** What a full disk throws. */
class DiskFullError extends Error {
  readonly code = 'ENOSPC'
}

/** What must be in a topic: its id, and by partition the records that were acknowledged and those that may be there. */
interface Expected {
  readonly id: string
  partitionCount: number
  readonly acknowledged: Map<number, string[]>
  readonly possible: Set<string>
}

function valuesOf(log: PartitionLog): string[] {
  const { batches } = log.read({ offset: 0, maxBytes: 1 << 20, isolation: 'read_uncommitted', minOneBatch: true })
  const values: string[] = []
  forEachBatch(batches, (_, position) => {
    values.push(...readRecords(batches, position).map(({ value }) => String(value)))
  })
  return values
}

/** Topics on a disk that is full at any operation, and a process that dies at any time. */
class World {
  fs = new MemoryFileSystem()
  readonly expected = new Map<string, Expected>()
  #topics: Topics | null = null
  readonly #random: () => number
  /** Operations that succeed before the disk is full; infinity: it is not. */
  #left = Number.POSITIVE_INFINITY
  #fullFor = 0
  #next = 0

  constructor(random: () => number) {
    this.#random = random
    this.fs.makeDirectory(dataDirectory)
  }

  get topics(): Topics {
    if (this.#topics === null) throw new RangeError('not opened')
    return this.#topics
  }

  async open(): Promise<void> {
    this.fs.onOperation = (operation) => {
      if (needsNoRoom.has(operation)) return
      this.#left -= 1
      if (this.#left >= 0 || this.#fullFor <= 0) return
      this.#fullFor -= 1
      throw new DiskFullError(`ENOSPC: no space left on device, ${operation}`)
    }
    const clock = new ManualClock()
    const logDefaults = { ...defaultLogConfig, segmentBytes: 400 }
    const options = { fs: this.fs, dataDirectory, clock, logger: quietLogger(), logDefaults, reserveBytes: 1000 }
    this.#topics = await Topics.open(options)
  }

  async step(): Promise<void> {
    if (this.#random() < 0.5) {
      this.#left = Math.floor(this.#random() * 25)
      this.#fullFor = 1 + Math.floor(this.#random() * 4)
    } else this.#roomAgain()
    const name = names[Math.floor(this.#random() * names.length)] ?? 'a'
    const kind = this.#random()
    if (kind < 0.25) await this.#create(name)
    else if (kind < 0.45) await this.#delete(name)
    else if (kind < 0.55) await this.#addPartition(name)
    else if (kind < 0.9) await this.#append(name)
    else await this.#restart()
    checkTopics(this)
  }

  #roomAgain(): void {
    this.#left = Number.POSITIVE_INFINITY
    this.#fullFor = 0
  }

  async #create(name: string): Promise<void> {
    const topic = await this.topics.create(name, 1 + Math.floor(this.#random() * 2), {}).catch(() => null)
    if (topic === null) return
    const { id, partitions } = topic
    if (this.expected.has(name)) throw new RangeError(`${name} was created twice`)
    this.expected.set(name, { id, partitionCount: partitions.length, acknowledged: new Map(), possible: new Set() })
  }

  async #delete(name: string): Promise<void> {
    const isThere = this.expected.has(name)
    const deleted = await this.topics.delete(name).then(
      () => true,
      () => false,
    )
    if (deleted) this.expected.delete(name)
    // A deletion that is refused leaves the topic as it is.
    else if ((this.topics.get(name) !== undefined) !== isThere) throw new RangeError(`${name}: a refused deletion`)
  }

  async #addPartition(name: string): Promise<void> {
    const expected = this.expected.get(name)
    if (expected === undefined) return
    const topic = await this.topics.addPartitions(name, expected.partitionCount + 1).catch(() => null)
    if (topic !== null) expected.partitionCount += 1
  }

  async #append(name: string): Promise<void> {
    const expected = this.expected.get(name)
    if (expected === undefined) return
    const index = Math.floor(this.#random() * expected.partitionCount)
    const value = `${name} ${expected.id} ${(this.#next += 1)}`
    expected.possible.add(value)
    const done = this.topics
      .partition(name, index)
      ?.append(verifiedBatch(textBatch([value], { timestampMs: 1_700_000_000_000 })))
    const isWritten = await done?.then(
      () => true,
      () => false,
    )
    if (isWritten === true) expected.acknowledged.set(index, [...(expected.acknowledged.get(index) ?? []), value])
  }

  /** The process dies, or the power fails, or it stops gracefully; then it starts until it may. */
  async #restart(): Promise<void> {
    const kind = this.#random()
    if (kind < 0.4) await this.topics.close().catch(() => undefined)
    this.fs.onOperation = () => undefined
    this.fs = this.fs.crash({ unsynced: kind < 0.7 ? 'keep' : 'some', random: this.#random })
    this.fs.makeDirectory(dataDirectory)
    await this.open().catch(async () => {
      this.#roomAgain()
      await this.open()
    })
  }
}

/** A topic that exists has its acknowledged records, and no others than were sent to it. */
function checkTopics({ topics, expected }: World): void {
  expect(Array.from(topics.all(), ({ name }) => name).toSorted()).toEqual([...expected.keys()].toSorted())
  for (const [name, { id, partitionCount, possible, acknowledged }] of expected) {
    const topic = topics.get(name)
    expect(topic).toMatchObject({ name, id })
    expect(topic?.partitions).toHaveLength(partitionCount)
    for (const [index, log] of (topic?.partitions ?? []).entries()) {
      if (log === null || log.highWatermark !== log.logEndOffset) continue
      const values = valuesOf(log)
      expect(values.filter((value) => !possible.has(value))).toEqual([])
      expect(values).toEqual(expect.arrayContaining(acknowledged.get(index) ?? []))
    }
  }
}

let world: World | null = null

afterEach(async () => {
  await world?.topics.close().catch(() => undefined)
  world = null
})

describe('topics on a disk that is full at any operation', () => {
  it('hold exactly their own acknowledged records, and never those of a deleted topic (I1)', async () => {
    const first = chosenSeed()
    for (let seed = first; seed < first + 150; seed += 1) {
      world = new World(seededRandom(seed))
      await world.open()
      try {
        for (let step = 0; step < 40; step += 1) await world.step()
      } catch (error) {
        throw new Error(`SEED=${seed}`, { cause: error })
      }
    }
  })
})

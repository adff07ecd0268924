import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { FetchedRecord } from '../../../../src/client/consumer/fetched-record.ts'
import { readOldestLetters, type LettersSource } from '../../../../src/storage/dead-letters/planned-letters.ts'
import type { FoundLetters, PlannedReaderOptions } from '../../../../src/storage/dead-letters/planned-reader.ts'
import { markRecord } from '../../../../src/storage/dead-letters/replay-mark.ts'

const choice = { cause: null, key: null }
const until = 1000

interface Letter {
  /** Of the queue. */
  readonly partition: number
  /** Of the topic of the records. */
  readonly of: number
  readonly at: number
  /** The id of the topic of the record. */
  readonly id: string
}

/** A dead letter queue in memory. */
class Queue {
  readonly #partitions = new Map<number, FetchedRecord[]>([
    [0, []],
    [1, []],
  ])
  /** How often it was read. */
  reads = 0

  append(partition: number, record: Pick<FetchedRecord, 'key' | 'headers'>): void {
    const records = this.#partitions.get(partition) ?? []
    const place = { topic: 'letters', partition, offset: records.length, timestamp: 0, timestampType: 0 } as const
    records.push({ ...place, value: null, ...record })
  }

  letter({ partition, of, at, id }: Letter): void {
    const texts = { topic: 'orders', partition: `${of}`, offset: `${at}`, 'connector.name': 'sink' }
    const headers = Object.entries(texts).map(([key, text]) => [`__connect.errors.${key}`, text] as const)
    const all = [...headers, ['__penstock.errors.topic.id', id] as const]
    this.append(partition, { key: null, headers: all.map(([key, text]) => ({ key, value: Buffer.from(text) })) })
  }

  /** What was found was delivered again. */
  mark({ partitions, ends }: FoundLetters): void {
    for (const { of, records } of partitions) {
      if (records.length === 0) continue
      const bounds = ends ?? new Map([...this.#partitions].map(([at, all]) => [at, all.length]))
      for (const [partition, end] of bounds) {
        const mark = { connector: 'sink', queueId: null, of, topicId: 'present', choice, end, until }
        this.append(partition, markRecord(mark))
      }
    }
  }

  async oldest(most: number, leftOut?: PlannedReaderOptions['leftOut']): Promise<FoundLetters> {
    const ranges = [...this.#partitions].map(([partition, all]) => ({
      topic: 'letters',
      partition,
      start: 0,
      end: all.length,
    }))
    const client: LettersSource['client'] = {
      // Of the later partition first: no order is known of partitions.
      readRanges: async (_ranges, onRecord) => {
        this.reads += 1
        for (const all of [...this.#partitions.values()].toReversed()) for (const record of all) onRecord(record)
      },
    }
    const signal = new AbortController().signal
    const source = { client, connector: 'sink', topicId: () => 'present', signal }
    const ends = new Map([...this.#partitions].map(([partition, all]) => [partition, all.length]))
    const plan = { letters: { topic: 'letters', id: null, ends }, choice, count: 0, more: false, from: 0, until }
    const planned = [0, 1].map((partition) => ({ of: { topic: 'orders', partition }, plan }))
    return await readOldestLetters(source, ranges, planned, { most, ...(leftOut && { leftOut }) })
  }
}

const offsetsOf = ({ partitions }: FoundLetters): readonly string[] =>
  partitions.flatMap(({ of, records }) => records.map(({ offset }) => `${of.partition}@${offset}`))

const drawn = fc.array(
  fc.record({
    partition: fc.constantFrom(0, 1),
    of: fc.constantFrom(0, 1),
    id: fc.constantFrom('present', 'present', 'present', 'earlier'),
    isGone: fc.boolean(),
  }),
  { maxLength: 25 },
)

describe('the letters that are delivered again in portions', () => {
  it('are each delivered once, and the oldest ones first', async () => {
    await fc.assert(
      fc.asyncProperty(drawn, fc.integer({ min: 1, max: 6 }), async (letters, most) => {
        const queue = new Queue()
        const gone = new Set<string>()
        const counts = [0, 0]
        const wanted: { readonly name: string; readonly offset: number; readonly partition: number }[] = []
        for (const [at, { partition, of, id, isGone }] of letters.entries()) {
          const name = `${of}@${at}`
          if (isGone) gone.add(name)
          else if (id === 'present') wanted.push({ name, offset: counts[partition] ?? 0, partition })
          counts[partition] = (counts[partition] ?? 0) + 1
          queue.letter({ partition, of, at, id })
        }
        const inOrder = wanted.toSorted((a, b) => a.offset - b.offset || a.partition - b.partition)
        const names = inOrder.map(({ name }) => name)
        for (let done = 0; ; done += most) {
          const found = await queue.oldest(most, ({ partition, offset }) =>
            gone.has(`${partition}@${offset}`) ? 'gone' : null,
          )
          expect(offsetsOf(found).toSorted()).toEqual(names.slice(done, done + most).toSorted())
          expect(found.ends !== null).toBe(names.length > done + most)
          queue.mark(found)
          if (found.ends === null) break
        }
        expect(offsetsOf(await queue.oldest(most)).filter((name) => names.includes(name))).toEqual([])
      }),
    )
  })

  it('leave out those whose records are gone or not read any more, and count them, however many were delivered before', async () => {
    const queue = new Queue()
    const leftOut: PlannedReaderOptions['leftOut'] = ({ partition, offset }) => {
      if (partition === 1) return 'unread'
      return offset < 2 ? 'gone' : null
    }
    const own = { partition: 0, of: 0, id: 'present' }
    for (let at = 0; at < 4; at += 1) queue.letter({ ...own, at })
    queue.letter({ ...own, of: 1, at: 0 })
    queue.letter({ ...own, id: 'earlier', at: 3 })
    const [first, all] = [await queue.oldest(1, leftOut), await queue.oldest(9, leftOut)]
    expect([offsetsOf(first), first.leftOut, first.ends]).toEqual([['0@2'], { gone: 3, unread: 1 }, new Map([[0, 3]])])
    expect([offsetsOf(all), all.leftOut, all.ends]).toEqual([['0@2', '0@3'], { gone: 3, unread: 1 }, null])
    queue.mark(all)
    const last = await queue.oldest(1, leftOut)
    // A mark does not tell which records were there. Those of an earlier topic it does not cover.
    expect([offsetsOf(last), last.leftOut, last.ends]).toEqual([[], { gone: 1, unread: 1 }, null])
    for (let at = 4; at < 6; at += 1) queue.letter({ ...own, at })
    queue.reads = 0
    const next = await queue.oldest(2, leftOut)
    expect([offsetsOf(next), next.ends, queue.reads]).toEqual([['0@4', '0@5'], null, 2])
  })
})

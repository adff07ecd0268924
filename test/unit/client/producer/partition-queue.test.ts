import { describe, expect, it } from 'vitest'
import { BatchPool } from '../../../../src/client/producer/batch-pool.ts'
import type { OutgoingRecord } from '../../../../src/client/producer/outgoing-record.ts'
import { PartitionQueue, type SendFailure, type Settled } from '../../../../src/client/producer/partition-queue.ts'
import { isAfter, sequenceAfter, type ProducerBatch } from '../../../../src/client/producer/producer-batch.ts'
import { readBatchHeader, batchFault } from '../../../../src/protocol/record-batch/record-batch.ts'
import { readRecords } from '../../../support/protocol/read-batches.ts'

const identity = { producerId: 7, producerEpoch: 0 }
const place = { topic: 't', partition: 0 }
const failure = new RangeError('it failed')
/** The broker says that it did not write the batch. */
const refused: SendFailure = { error: failure, mayBeWritten: false, retryAt: 0 }
/** No one knows whether it did. */
const lost = (retryAt = 0): SendFailure => ({ error: failure, mayBeWritten: true, retryAt })

function queueOf(options: { batchSize?: number; lingerMs?: number; maxInFlight?: number } = {}): PartitionQueue {
  const limits = { batchSize: 1_000, lingerMs: 5, maxInFlight: 5, codec: 'none' as const, ...options }
  const queue = new PartitionQueue(place, limits, new BatchPool())
  queue.identify(identity)
  queue.append(record('proof'), 50, -1, { epochMs: 1, now: 0 })
  const proof = queue.take(0)
  if (proof !== null) queue.acknowledge(proof, 0)
  return queue
}

function record(value: string): OutgoingRecord {
  return { topic: 't', partition: 0, key: null, value: Buffer.from(value), headers: [], timestamp: null }
}

/** Appends values as batches of their own. */
function fill(queue: PartitionQueue, ...values: string[]): void {
  for (const [index, value] of values.entries()) {
    queue.append(record(value), 50, index, { epochMs: 1, now: 0 })
    queue.close()
  }
}

function takeAll(queue: PartitionQueue, now = 0): ProducerBatch[] {
  const batches: ProducerBatch[] = []
  for (let batch = queue.take(now); batch !== null; batch = queue.take(now)) batches.push(batch)
  return batches
}

function takeThree(queue: PartitionQueue): [ProducerBatch, ProducerBatch, ProducerBatch] {
  const [first, second, third] = takeAll(queue)
  if (first === undefined || second === undefined || third === undefined) return expect.fail('three batches')
  return [first, second, third]
}

/** The first value of each batch, and the name of its error. */
function outcomesOf(settled: readonly Settled[]): [string | undefined, string | null][] {
  return settled.map(({ batch, error }) => [valuesOf(batch)[0], error === null ? null : error.name])
}

function valuesOf(batch: ProducerBatch): string[] {
  return readRecords(batch.bytes).map(({ value }) => value?.toString() ?? '')
}

function sequences(batches: readonly ProducerBatch[]): number[] {
  return batches.map(({ bytes }) => readBatchHeader(bytes).baseSequence)
}

describe('PartitionQueue', () => {
  it('numbers batches in the order in which they close', () => {
    const queue = queueOf()
    queue.append(record('a'), 50, 0, { epochMs: 1, now: 0 })
    queue.append(record('b'), 50, 1, { epochMs: 1, now: 0 })
    queue.close()
    fill(queue, 'c', 'd')
    const batches = takeAll(queue)
    expect(sequences(batches)).toEqual([1, 3, 4])
    expect(batches.map(valuesOf)).toEqual([['a', 'b'], ['c'], ['d']])
    for (const { bytes } of batches) {
      expect(batchFault(bytes)).toBeNull()
      expect(readBatchHeader(bytes)).toMatchObject(identity)
    }
  })

  it('proves a fresh identity with one batch before it sends more', () => {
    const limits = { batchSize: 1_000, lingerMs: 5, maxInFlight: 5, codec: 'none' as const }
    const queue = new PartitionQueue(place, limits, new BatchPool())
    fill(queue, 'a', 'b', 'c')
    expect(queue.needsIdentity).toBe(true)
    queue.identify(identity)
    const [first, ...others] = takeAll(queue)
    expect(others).toEqual([])
    if (first !== undefined) queue.acknowledge(first, 1)
    expect(takeAll(queue)).toHaveLength(2)
  })

  it('sends immediately when nothing is in flight, and fills a batch for the linger time otherwise', () => {
    const queue = queueOf({ lingerMs: 5 })
    queue.append(record('a'), 50, 0, { epochMs: 1, now: 10 })
    expect(queue.readyAt()).toBe(0)
    const first = queue.take(10)
    queue.append(record('b'), 50, 1, { epochMs: 1, now: 11 })
    expect(queue.readyAt()).toBe(16)
    expect(queue.take(15)).toBeNull()
    if (first !== null) queue.acknowledge(first, 1)
    expect(queue.readyAt()).toBe(0)
    expect(queue.take(12)?.tokens).toEqual([1])
  })

  it('closes a batch before it outgrows its size, and sends a full one while others are in flight', () => {
    const queue = queueOf({ batchSize: 200 })
    for (let i = 0; i < 6; i += 1) queue.append(record('x'.repeat(60)), 100, i, { epochMs: 1, now: 0 })
    const batches = takeAll(queue)
    expect(batches.length).toBeGreaterThan(2)
    for (const { bytes } of batches) expect(bytes.length).toBeLessThanOrEqual(200)
  })

  it('keeps at most as many batches in flight as allowed', () => {
    const queue = queueOf({ maxInFlight: 2 })
    fill(queue, 'a', 'b', 'c')
    const [first] = takeAll(queue)
    expect(queue.readyAt()).toBe(Number.POSITIVE_INFINITY)
    if (first !== undefined) queue.acknowledge(first, 1)
    expect(takeAll(queue)).toHaveLength(1)
  })

  it('resends failed batches in order with their sequences, one at a time as long as they may be written', () => {
    const queue = queueOf()
    fill(queue, 'a', 'b', 'c')
    const batches = takeAll(queue)
    for (const batch of [...batches].reverse()) {
      expect(queue.take(0)).toBeNull()
      queue.requeue(batch, lost(100))
    }
    expect(queue.readyAt()).toBe(100)
    expect(queue.take(99)).toBeNull()
    const retried = takeAll(queue, 100)
    expect(retried.map(valuesOf)).toEqual([['a']])
    expect(sequences(retried)).toEqual([1])
    if (retried[0] !== undefined) queue.acknowledge(retried[0], 1)
    const [second, ...others] = takeAll(queue, 100)
    expect(others).toEqual([])
    if (second !== undefined) queue.acknowledge(second, 2)
    expect(takeAll(queue, 100).map(valuesOf)).toEqual([['c']])
  })

  it('resends failed batches that were not written one at a time until one is acknowledged', () => {
    const queue = queueOf()
    fill(queue, 'a', 'b', 'c')
    for (const batch of takeThree(queue)) queue.requeue(batch, refused)
    const [first, ...others] = takeAll(queue)
    expect(others).toEqual([])
    if (first !== undefined) queue.acknowledge(first, 1)
    expect(takeAll(queue).map(valuesOf)).toEqual([['b'], ['c']])
  })

  it('sends no further batch behind one that may be written: a broker recognizes only the last five', () => {
    const queue = queueOf()
    fill(queue, 'a', 'b', 'c')
    const [first, second, third] = takeThree(queue)
    queue.requeue(first, lost())
    queue.requeue(second, lost())
    queue.acknowledge(third, 3)
    fill(queue, 'd')
    const [resent] = takeAll(queue)
    if (resent !== undefined) queue.acknowledge(resent, 1)
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const [again, ...others] = takeAll(queue)
      expect(others).toEqual([])
      expect(again === undefined ? [] : valuesOf(again)).toEqual(['b'])
      if (again !== undefined && attempt < 2) queue.requeue(again, lost())
      else if (again !== undefined) queue.acknowledge(again, 2)
    }
    expect(takeAll(queue).map(valuesOf)).toEqual([['d']])
  })

  it('sends no further batch while a later one is acknowledged and an earlier one is not', () => {
    const queue = queueOf({ maxInFlight: 3 })
    fill(queue, 'a', 'b', 'c', 'd')
    const [first, second, third] = takeThree(queue)
    queue.acknowledge(second, 2)
    expect(takeAll(queue)).toEqual([])
    queue.acknowledge(third, 3)
    expect(takeAll(queue)).toEqual([])
    queue.acknowledge(first, 1)
    expect(takeAll(queue).map(valuesOf)).toEqual([['d']])
  })

  it('lets those behind a dropped batch move up into its numbers', () => {
    const queue = queueOf()
    fill(queue, 'a', 'b', 'c')
    const [first, second, third] = takeAll(queue)
    if (first === undefined || second === undefined || third === undefined) return expect.fail('three batches')
    queue.drop(first)
    expect(queue.isFirst(second)).toBe(false)
    queue.requeue(second, refused)
    queue.requeue(third, refused)
    const again = queue.take(0)
    expect(again === null ? null : [valuesOf(again), sequences([again])]).toEqual([['b'], [1]])
    if (again !== null) queue.acknowledge(again, 1)
    expect(sequences(takeAll(queue))).toEqual([2])
  })

  it('splits a batch into halves that take its place', () => {
    const queue = queueOf()
    for (const [index, value] of ['a', 'b', 'c'].entries())
      queue.append(record(value), 50, index, { epochMs: 1, now: 0 })
    queue.close()
    fill(queue, 'd')
    const [large, behind] = takeAll(queue)
    if (large === undefined || behind === undefined) return expect.fail('two batches')
    queue.requeueSplit(large, failure)
    queue.requeue(behind, refused)
    const values: string[][] = []
    const numbers: number[] = []
    for (let batch = queue.take(0); batch !== null; batch = queue.take(0)) {
      values.push(valuesOf(batch))
      numbers.push(...sequences([batch]))
      expect(batchFault(batch.bytes)).toBeNull()
      queue.acknowledge(batch, numbers.length)
    }
    expect(values).toEqual([['a'], ['b', 'c'], ['d']])
    expect(numbers).toEqual([1, 2, 4])
    expect(queue.isEmpty).toBe(true)
  })

  it('starts at sequence 0 with a new identity', () => {
    const queue = queueOf()
    fill(queue, 'a', 'b')
    const [first, second] = takeAll(queue)
    if (first === undefined || second === undefined) return expect.fail('two batches')
    queue.acknowledge(first, 1)
    expect(queue.isFirst(second)).toBe(true)
    expect(queue.needsIdentity).toBe(false)
    expect(queue.requeueRenumbered(second, failure, 0)).toEqual([])
    expect(queue.needsIdentity).toBe(true)
    expect(queue.take(0)).toBeNull()
    queue.identify({ producerId: 8, producerEpoch: 0 })
    const [again] = takeAll(queue)
    expect(again === undefined ? null : readBatchHeader(again.bytes)).toMatchObject({ producerId: 8, baseSequence: 0 })
    expect(again === undefined ? null : batchFault(again.bytes)).toBeNull()
  })

  it('resends a batch of unknown outcome although a later one was written, and trusts only its own response', () => {
    const queue = queueOf()
    fill(queue, 'a', 'b', 'c')
    const [first, second, third] = takeThree(queue)
    expect(queue.requeue(first, lost())).toEqual([])
    expect(outcomesOf(queue.acknowledge(second, 2))).toEqual([['b', null]])
    expect(outcomesOf(queue.acknowledge(third, 3))).toEqual([['c', null]])
    const [again] = takeAll(queue)
    expect(again === undefined ? null : [valuesOf(again), sequences([again])]).toEqual([['a'], [1]])
    if (again !== undefined) expect(outcomesOf(queue.acknowledge(again, 1))).toEqual([['a', null]])
    expect(queue.isEmpty).toBe(true)
  })

  it('fails a batch that was rejected while a later one was written, because a retry would change the order (I12)', () => {
    const queue = queueOf()
    fill(queue, 'a', 'b', 'c', 'd')
    const [first, second, third] = takeThree(queue)
    queue.requeue(first, refused)
    expect(outcomesOf(queue.acknowledge(second, 1))).toEqual([
      ['b', null],
      ['a', 'OrderLostError'],
    ])
    expect(outcomesOf(queue.acknowledge(third, 2))).toEqual([['c', null]])
  })

  it('fails both halves of a batch that is too large while a later one was written', () => {
    const queue = queueOf()
    queue.append(record('a'), 50, 0, { epochMs: 1, now: 0 })
    fill(queue, 'b', 'c')
    const [first, second] = takeAll(queue)
    if (first === undefined || second === undefined) return expect.fail('two batches')
    expect(outcomesOf(queue.acknowledge(second, 1))).toEqual([['c', null]])
    expect(outcomesOf(queue.requeueSplit(first, failure))).toEqual([
      ['a', 'OrderLostError'],
      ['b', 'OrderLostError'],
    ])
    expect(queue.isEmpty).toBe(true)
  })

  it('fails a batch whose response says that it was written after a later one', () => {
    const queue = queueOf()
    fill(queue, 'a', 'b')
    const [first, second] = takeAll(queue)
    if (first === undefined || second === undefined) return expect.fail('two batches')
    queue.acknowledge(second, 1)
    expect(queue.acknowledge(first, 2)).toMatchObject([{ error: { name: 'OrderLostError', fate: 'moved' } }])
  })

  it('does not give the sequence of a batch that may be written to other records', () => {
    const queue = queueOf()
    fill(queue, 'a', 'b')
    const [first, second] = takeAll(queue)
    if (first === undefined || second === undefined) return expect.fail('two batches')
    queue.requeue(first, lost())
    queue.requeue(second, lost())
    const [again] = takeAll(queue)
    if (again === undefined) return expect.fail('the first again')
    queue.drop(again)
    // The broker has to say under the old sequence whether it has the second one.
    expect(queue.needsIdentity).toBe(false)
    const [asked] = takeAll(queue)
    expect(asked === undefined ? null : [valuesOf(asked), sequences([asked])]).toEqual([['b'], [2]])
    if (asked !== undefined) queue.requeueRenumbered(asked, failure, 0)
    expect(queue.needsIdentity).toBe(true)
    queue.identify({ producerId: 8, producerEpoch: 0 })
    expect(sequences(takeAll(queue))).toEqual([0])
  })

  it('sends one batch alone after a pause, in which the broker may have forgotten the producer', () => {
    const queue = queueOf()
    fill(queue, 'a', 'b', 'c')
    const [first, ...others] = takeAll(queue, 60_000)
    expect(others).toEqual([])
    if (first !== undefined) queue.acknowledge(first, 1)
    expect(takeAll(queue, 60_000)).toHaveLength(2)
  })

  it('removes batches that have waited too long, and all batches at the end', () => {
    const queue = queueOf()
    queue.append(record('old'), 50, 0, { epochMs: 1, now: 10 })
    queue.close()
    queue.append(record('young'), 50, 1, { epochMs: 1, now: 20 })
    expect(queue.expire(15).map(valuesOf)).toEqual([['old']])
    expect(queue.clear().map(valuesOf)).toEqual([['young']])
    expect(queue.isEmpty).toBe(true)
  })

  it('wraps sequences at 2^31', () => {
    const last = 2 ** 31 - 1
    expect(sequenceAfter(last, 1)).toBe(0)
    expect(sequenceAfter(last - 1, 4)).toBe(2)
    expect(isAfter(2, last)).toBe(true)
    expect(isAfter(last, 2)).toBe(false)
    expect(isAfter(5, 5)).toBe(false)
  })
})

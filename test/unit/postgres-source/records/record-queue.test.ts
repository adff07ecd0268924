import { describe, expect, it } from 'vitest'
import { RecordQueue } from '../../../../connectors/postgres-source/records/record-queue.ts'

describe('the queue between the database and poll', () => {
  const limits = { batchSize: 2, maxRecords: 3, maxBytes: 100 }
  const record = (topic: string) => ({ topic }) as Parameters<RecordQueue['push']>[0]

  it('returns records in order and in batches', async () => {
    const queue = new RecordQueue(limits)
    for (const topic of ['a', 'b', 'c']) queue.push(record(topic), 1)
    const { signal } = new AbortController()
    expect((await queue.take(signal))?.map(({ topic }) => topic)).toEqual(['a', 'b'])
    expect((await queue.take(signal))?.map(({ topic }) => topic)).toEqual(['c'])
  })

  it('keeps the records of a change in one batch', async () => {
    const queue = new RecordQueue(limits)
    queue.push(record('a'), 1)
    queue.push(record('deletion'), 1, false)
    queue.push(record('tombstone'), 1, false)
    queue.push(record('creation'), 1)
    queue.push(record('b'), 1)
    const { signal } = new AbortController()
    const change = ['deletion', 'tombstone', 'creation']
    expect((await queue.take(signal))?.map(({ topic }) => topic)).toEqual(['a', ...change])
    expect((await queue.take(signal))?.map(({ topic }) => topic)).toEqual(['b'])
  })

  it.each([
    ['records', 1],
    ['bytes', 50],
  ])('is full by %s, and tells of room', async (_by, bytes) => {
    const queue = new RecordQueue(limits)
    let room = 0
    queue.onRoom = () => void (room += 1)
    for (let i = 0; i * bytes < 100 && i < 3; i += 1) queue.push(record('a'), bytes)
    expect(queue.isFull).toBe(true)
    await queue.take(new AbortController().signal)
    expect(queue.isFull).toBe(false)
    expect(room).toBe(1)
  })

  it('ends a wait with the signal, and throws a failure after the records', async () => {
    const queue = new RecordQueue(limits)
    const abort = new AbortController()
    const waiting = queue.take(abort.signal)
    abort.abort()
    expect(await waiting).toBeNull()
    queue.push(record('a'), 1)
    queue.fail(new RangeError('lost'))
    const { signal } = new AbortController()
    expect(await queue.take(signal)).toHaveLength(1)
    await expect(queue.take(signal)).rejects.toThrow('lost')
  })
})

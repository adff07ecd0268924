import fc from 'fast-check'
import { expect, it } from 'vitest'
import { BoundedQueue } from '../../../../src/foundation/async/bounded-queue.ts'
import { reachableBytes } from '../../../support/task/reachable-bytes.ts'

/** Whether the promise is settled once everything that could settle it by itself has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  void promise.then(() => (settled = true))
  await new Promise((resolve) => setImmediate(resolve))
  return settled
}

it('makes the writer wait while it holds its limit, and lets it continue once the reader has taken enough (I10)', async () => {
  const queue = new BoundedQueue<string>(10)
  await queue.put('a', 6)
  await queue.put('b', 6)
  const third = queue.put('c', 1)
  expect(await isSettled(third)).toBe(false)
  expect([queue.size, queue.weight]).toEqual([2, 12])
  expect(queue.take()).toBe('a')
  await third
  expect([queue.take(), queue.take(), queue.take()]).toEqual(['b', 'c', undefined])
  expect([queue.size, queue.weight]).toEqual([0, 0])
})

it('is full at exactly its limit, not one below', async () => {
  const queue = new BoundedQueue<string>(2)
  expect(queue.push('a', 1)).toBe(true)
  expect(await isSettled(queue.room())).toBe(true)
  expect(queue.push('b', 1)).toBe(false)
  const room = queue.room()
  expect(await isSettled(room)).toBe(false)
  queue.take()
  expect(await isSettled(room)).toBe(true)
})

it('lets go of what was taken, also while it is never empty', async () => {
  const queue = new BoundedQueue<object>(1)
  const added: WeakRef<object>[] = []
  const fill = (): void => {
    for (let i = 0; i < 4000; i += 1) {
      const item = {}
      queue.push(item, 0)
      added.push(new WeakRef(item))
    }
    for (let i = 0; i < 3000; i += 1) queue.take()
  }
  fill()
  await new Promise((resolve) => setImmediate(resolve))
  reachableBytes()
  expect(added.slice(0, 3000).filter((item) => item.deref() !== undefined).length).toBeLessThan(1100)
  expect(added.slice(3000).every((item) => item.deref() !== undefined)).toBe(true)
  expect(queue.size).toBe(1000)
})

it('keeps a writer waiting while it is still full', async () => {
  const queue = new BoundedQueue<string>(2)
  queue.push('small', 1)
  queue.push('large', 5)
  const room = queue.room()
  queue.take()
  expect(await isSettled(room)).toBe(false)
  queue.take()
  await room
})

it('takes an item that is heavier than its limit once it is empty', async () => {
  const queue = new BoundedQueue<string>(2)
  await queue.put('huge', 1000)
  expect(queue.take()).toBe('huge')
})

it('wakes a reader that waits for an item', async () => {
  const queue = new BoundedQueue<string>(2)
  const arrival = queue.arrival()
  expect(await isSettled(arrival)).toBe(false)
  queue.push('a', 1)
  await arrival
  expect(await isSettled(queue.arrival())).toBe(true)
})

it('ends the waits of writer and reader when it is closed, rejects items, and returns the remaining ones', async () => {
  const full = new BoundedQueue<string>(1)
  full.push('a', 1)
  const room = full.room()
  const empty = new BoundedQueue<string>(1)
  const arrival = empty.arrival()
  full.close()
  empty.close()
  await Promise.all([room, arrival])
  expect(full.push('b', 1)).toBe(false)
  expect([full.closed, full.take(), full.take()]).toEqual([true, 'a', undefined])
})

it('returns every item once and in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 6 }), (bursts) => {
      const queue = new BoundedQueue<number>(Number.POSITIVE_INFINITY)
      const taken: (number | undefined)[] = []
      let next = 0
      for (const burst of bursts) {
        for (let i = 0; i < burst; i += 1) {
          queue.push(next, 2)
          next += 1
        }
        // One stays behind, so that the queue is not empty between bursts.
        while (queue.size > 1) taken.push(queue.take())
        expect(queue.weight).toBe(queue.size * 2)
      }
      while (queue.size > 0) taken.push(queue.take())
      expect(taken).toEqual(Array.from({ length: next }, (_, i) => i))
    }),
    { numRuns: 30 },
  )
})

import { expect, it } from 'vitest'

import { FramePool } from '../../../../src/broker/server/frame-pool.ts'

it('gives the memory of a frame out again, for a frame that fits', () => {
  const pool = new FramePool(2)
  const first = pool.take(100_000)
  expect(first.length).toBeGreaterThanOrEqual(100_000)
  pool.giveBack(first.subarray(0, 90_000))
  expect(pool.take(1_000_000).buffer).not.toBe(first.buffer)
  expect(pool.take(80_000).buffer).toBe(first.buffer)
  expect(pool.take(80_000).buffer).not.toBe(first.buffer)
})

it('keeps no more than it may, nothing large, and nothing that is not its own', () => {
  const pool = new FramePool(1)
  const frames = [pool.take(70_000), pool.take(70_000)]
  for (const frame of frames) pool.giveBack(frame)
  expect(pool.take(70_000).buffer).toBe(frames[0]?.buffer)
  expect(pool.take(70_000).buffer).not.toBe(frames[1]?.buffer)

  const large = pool.take(5_000_000)
  pool.giveBack(large)
  const foreign = Buffer.allocUnsafeSlow(70_000)
  pool.giveBack(foreign)
  const next = pool.take(70_000)
  expect([large.buffer, foreign.buffer]).not.toContain(next.buffer)
})

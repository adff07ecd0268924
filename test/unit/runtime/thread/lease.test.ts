import { describe, expect, it } from 'vitest'

import { Lease } from '../../../../src/runtime/thread/lease.ts'

function lease() {
  const now = { monotonic: 1000, wall: 50_000 }
  return { now, lease: Lease.create({ monotonic: () => now.monotonic, wall: () => now.wall }) }
}

describe('the lease of a worker', () => {
  it('is not valid before it was extended', () => {
    expect(lease().lease.isValid).toBe(false)
  })

  it('lasts as long as it was extended, and no longer', () => {
    const { now, lease: own } = lease()
    own.extend(6000)
    now.monotonic += 5999
    now.wall += 5999
    expect(own.isValid).toBe(true)
    now.monotonic += 1
    expect(own.isValid).toBe(false)
    own.extend(6000)
    expect(own.isValid).toBe(true)
  })

  it('ends by the wall clock when the monotonic one stood still', () => {
    const { now, lease: own } = lease()
    own.extend(6000)
    now.wall += 6000
    expect(own.isValid).toBe(false)
  })

  it('ends by the monotonic clock when the wall clock was set back', () => {
    const { now, lease: own } = lease()
    own.extend(6000)
    now.monotonic += 6000
    now.wall -= 3_600_000
    expect(own.isValid).toBe(false)
  })

  it('is not shortened by an earlier response', () => {
    const { now, lease: own } = lease()
    own.extend(6000)
    own.extend(100)
    now.monotonic += 5000
    expect(own.isValid).toBe(true)
  })

  it('ends when the worker was removed from its group', () => {
    const { lease: own } = lease()
    own.extend(6000)
    own.end()
    expect(own.isValid).toBe(false)
    own.extend(6000)
    expect(own.isValid).toBe(true)
  })

  it('is the same for the threads that share it', () => {
    const own = Lease.create()
    const other = Lease.sharedWith(own.buffer)
    own.extend(60_000)
    expect(other.isValid).toBe(true)
    own.end()
    expect(other.isValid).toBe(false)
  })
})

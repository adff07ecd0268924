/**
 * A thread of `DiskSync`: claims requests off the ring, carries each out, writes the outcome back. It sleeps in
 * `Atomics.wait`, so an idle one costs no CPU, and it shares nothing with libuv's thread pool.
 */
import { fdatasyncSync, fsyncSync, ftruncateSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { claimedAt, completedAt, kinds, next, slot, slotOf, submittedAt } from './disk-sync-ring.ts'

const ring = workerData as Int32Array
const mebibyte = 1024 * 1024

function carryOut(kind: number, descriptor: number, argument: number): number {
  try {
    if (kind === kinds.directory) fsyncSync(descriptor)
    else if (kind === kinds.file) fdatasyncSync(descriptor)
    else ftruncateSync(descriptor, argument * mebibyte)
    return 0
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).errno
    return typeof errno === 'number' && errno !== 0 ? errno : -5
  }
}

/** The next request that no other thread has; waits for one. */
function claim(): number {
  for (;;) {
    const sequence = Atomics.load(ring, claimedAt)
    const end = Atomics.load(ring, submittedAt)
    if (sequence === end) Atomics.wait(ring, submittedAt, end)
    else if (Atomics.compareExchange(ring, claimedAt, sequence, next(sequence)) === sequence) return sequence
  }
}

function serve(): void {
  for (;;) {
    const at = slotOf(claim())
    const kind = Atomics.load(ring, at + slot.kind)
    if (kind === kinds.stop) return
    const outcome = carryOut(kind, Atomics.load(ring, at + slot.descriptor), Atomics.load(ring, at + slot.argument))
    Atomics.store(ring, at + slot.outcome, outcome)
    Atomics.store(ring, at + slot.done, 1)
    Atomics.add(ring, completedAt, 1)
    Atomics.notify(ring, completedAt)
  }
}

serve()

/**
 * The thread of `DiskSync`: takes file descriptors off the ring, syncs each, writes the outcome back. It sleeps in
 * `Atomics.wait`, so an idle one costs no CPU, and it shares nothing with libuv's thread pool.
 */
import { fdatasyncSync, fsyncSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { completedAt, kinds, ringSlots, slotAt, slotWidth, submittedAt } from './disk-sync-ring.ts'

const ring = workerData as Int32Array

function syncOne(kind: number, descriptor: number): number {
  try {
    if (kind === kinds.folder) fsyncSync(descriptor)
    else fdatasyncSync(descriptor)
    return 0
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).errno
    return typeof errno === 'number' && errno !== 0 ? errno : -5
  }
}

function serve(): void {
  let done = Atomics.load(ring, completedAt)
  for (;;) {
    Atomics.wait(ring, submittedAt, done)
    while (done !== Atomics.load(ring, submittedAt)) {
      const slot = slotAt + (done % ringSlots) * slotWidth
      const kind = Atomics.load(ring, slot)
      if (kind === kinds.stop) return
      Atomics.store(ring, slot + 2, syncOne(kind, Atomics.load(ring, slot + 1)))
      done = (done + 1) & 0x7fff_ffff
      Atomics.store(ring, completedAt, done)
      Atomics.notify(ring, completedAt)
    }
  }
}

serve()

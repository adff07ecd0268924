/**
 * The shared memory between `DiskSync` and its threads: three counters, then slots of
 * [kind, descriptor, argument, outcome, whether it is done].
 *
 * Requests are put in the order of `submittedAt` and claimed in that order, each by one thread; they are done in any order. A
 * slot is free again when its outcome was collected.
 */
export const submittedAt = 0
export const claimedAt = 1
/** Changes with every request that is done: what the owner sleeps on. */
export const completedAt = 2
export const slotAt = 3
export const slotWidth = 5
/** A power of two, so that the counters may wrap. */
export const ringSlots = 256
export const ringLength = slotAt + ringSlots * slotWidth

/** The places of a slot. */
export const slot = { kind: 0, descriptor: 1, argument: 2, outcome: 3, done: 4 } as const

/** The kinds of requests to a sync thread. `cut` truncates the file to `argument` mebibytes. */
export const kinds = { file: 1, directory: 2, stop: 3, cut: 4 } as const

/** The counter after this one. */
export function next(counter: number): number {
  return (counter + 1) & 0x7fff_ffff
}

/** Returns where the slot of a request begins. */
export function slotOf(sequence: number): number {
  return slotAt + (sequence % ringSlots) * slotWidth
}

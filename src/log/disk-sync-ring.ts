/** The shared memory between `DiskSync` and its thread: two counters, then slots of [kind, descriptor, outcome]. */
export const submittedAt = 0
export const completedAt = 1
export const slotAt = 2
export const slotWidth = 3
/** A power of two, so that the counters may wrap. */
export const ringSlots = 256
export const ringLength = slotAt + ringSlots * slotWidth

/** What is asked of the thread. */
export const kinds = { file: 1, folder: 2, stop: 3 } as const

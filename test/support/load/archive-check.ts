import type { ValueDigests } from './value-digests.ts'

/** Objects of one partition of a topic: their keys, and the lines of each. */
export interface Archive {
  readonly keys: readonly string[]
  readonly lines: (key: string) => AsyncIterable<Uint8Array>
}

/**
 * Where objects and a log part: empty when each value of the log stands in exactly one object, in order, and each object
 * begins at the offset in its name. Tombstones are no lines. Holds one line at a time.
 */
export async function archiveFaults(archive: Archive, values: ValueDigests): Promise<readonly string[]> {
  const faults: string[] = []
  let next = 0
  const skipTombstones = (): void => {
    while (values.isTombstone(next)) next += 1
  }
  for (const key of archive.keys.toSorted()) {
    const start = Number(/\+(\d+)\.json/.exec(key)?.[1])
    if (!(start >= next)) faults.push(`${key} begins before ${next}, which ends the object before`)
    skipTombstones()
    if (start > next) faults.push(`${key} leaves out offsets from ${next}`)
    next = Math.max(next, start)
    let index = 0
    for await (const line of archive.lines(key)) {
      skipTombstones()
      if (!values.matches(next, line)) faults.push(`${key}: line ${index} is not the value at offset ${next}`)
      next += 1
      index += 1
      if (faults.length > 10) return faults
    }
  }
  skipTombstones()
  if (next !== values.length) faults.push(`the objects end at ${next}, the log at ${values.length}`)
  return faults
}

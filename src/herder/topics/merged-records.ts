/** What decides the order of records. */
interface Placed {
  readonly partition: number
  readonly timestamp: number
}

/**
 * Merges the records of partitions by time. The order in each partition stays, whatever its times are.
 * @param limit the number of records to return: the first ones, or the last ones
 */
export function mergedRecords<R extends Placed>(
  partitions: readonly (readonly R[])[],
  limit: number,
  which: 'first' | 'last' = 'first',
): readonly R[] {
  const queues = partitions.map((records) => (which === 'first' ? records : records.toReversed()))
  const places = queues.map(() => 0)
  const isBefore = (one: R, other: R): boolean =>
    which === 'first' ? one.timestamp < other.timestamp : one.timestamp > other.timestamp
  const merged: R[] = []
  while (merged.length < limit) {
    let best: { readonly queue: number; readonly record: R } | null = null
    for (const [queue, records] of queues.entries()) {
      const record = records[places[queue] ?? 0]
      if (record !== undefined && (best === null || isBefore(record, best.record))) best = { queue, record }
    }
    if (best === null) break
    places[best.queue] = (places[best.queue] ?? 0) + 1
    merged.push(best.record)
  }
  return which === 'first' ? merged : merged.toReversed()
}

/** Waits until all have ended. @throws what failed first in their order: nothing of it runs any more. */
export async function allEnded(tasks: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(tasks)) if (result.status === 'rejected') throw result.reason
}

/**
 * Runs `action` for every item, `limit` of them at a time, and waits for all. @returns what they returned, in the order of the
 * items. @throws what failed first, once nothing runs any more; the items behind it are not begun.
 */
export async function concurrently<T, R>(
  items: readonly T[],
  limit: number,
  action: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const failures: unknown[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const at = next
      next += 1
      try {
        results[at] = await action(items[at] as T)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work))
  if (failures.length > 0) throw failures[0]
  return results
}

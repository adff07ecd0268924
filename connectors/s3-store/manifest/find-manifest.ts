import type { ListedObject } from '../client/object-reads.ts'
import type { S3Store } from '../client/s3-store.ts'

const firstStep = 65_536
const growth = 64

/**
 * Finds the last of the objects of a prefix whose names sort before that of `start`. Stores list forwards only, so that the search
 * begins some offsets before it, and then further and further.
 * @param keyOf the name for an offset
 */
export async function lastBefore(
  store: S3Store,
  {
    prefix,
    start,
    keyOf,
  }: { readonly prefix: string; readonly start: number; readonly keyOf: (offset: number) => string },
  signal: AbortSignal,
): Promise<ListedObject | null> {
  for (let step = firstStep; ; step *= growth) {
    const found = await lastIn(
      store,
      { prefix, ...(start > step ? { after: keyOf(start - step) } : {}) },
      keyOf(start),
      signal,
    )
    if (found !== null || step >= start) return found
  }
}

async function lastIn(
  store: S3Store,
  range: { readonly prefix: string; readonly after?: string },
  end: string,
  signal: AbortSignal,
): Promise<ListedObject | null> {
  let found: ListedObject | null = null
  let from: string | null = null
  do {
    const page = await store.listObjects({ ...range, ...(from === null ? {} : { from }) }, signal)
    const before = page.objects.filter(({ key }) => key < end)
    found = before.findLast(({ key }) => isOfSameKind(key, end)) ?? found
    from = before.length < page.objects.length ? null : page.next
  } while (from !== null)
  return found
}

/** Returns whether two names differ in their offsets only: those of replays have more behind it. */
function isOfSameKind(key: string, other: string): boolean {
  const withoutOffset = (name: string): string => name.replace(/\d{20}(?=[^/]*$)/, '')
  return withoutOffset(key) === withoutOffset(other)
}

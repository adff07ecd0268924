/** Returns the items of a request whose names occur more than once. */
export function repeatedOf<T>(items: readonly T[], nameOf: (item: T) => string): ReadonlySet<T> {
  const first = new Map<string, T>()
  const repeated = new Set<T>()
  for (const item of items) {
    const name = nameOf(item)
    const other = first.get(name)
    if (other === undefined) first.set(name, item)
    else repeated.add(other).add(item)
  }
  return repeated
}

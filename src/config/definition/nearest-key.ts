/**
 * Returns the known key that an unknown one probably stands for: the one with the smallest edit distance, if that is at most
 * a third of its length; otherwise null.
 */
export function nearestKey(key: string, known: Iterable<string>): string | null {
  let nearest: string | null = null
  let least = Math.floor(key.length / 3) + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - key.length) >= least) continue
    const distance = editDistance(key, candidate)
    if (distance < least) [nearest, least] = [candidate, distance]
  }
  return nearest
}

/** Returns the end of a message about an unknown key: `; did you mean "x"?`, or nothing when no key is near. */
export function didYouMean(nearest: string | null): string {
  return nearest === null ? '' : `; did you mean "${nearest}"?`
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}

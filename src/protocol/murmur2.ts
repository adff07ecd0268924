/** Kafka's murmur2 (seed 0x9747b28c) as a signed 32-bit integer, as Java computes it. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length
  const m = 0x5bd1e995
  const endOfWords = length & ~3
  let h = 0x9747b28c ^ length
  for (let i = 0; i < endOfWords; i += 4) {
    let k =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }
  const rest = length - endOfWords
  if (rest === 3) h ^= (bytes[endOfWords + 2] as number) << 16
  if (rest >= 2) h ^= (bytes[endOfWords + 1] as number) << 8
  if (rest >= 1) h = Math.imul(h ^ (bytes[endOfWords] as number), m)
  h = Math.imul(h ^ (h >>> 13), m)
  return h ^ (h >>> 15)
}

/** The partition Kafka's default partitioner gives a record with this key. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitionCount
}

const seed = 9001n
const long = (value: bigint): bigint => BigInt.asIntN(64, value)
const rotated = (value: bigint, by: bigint): bigint => (value << by) | BigInt.asUintN(Number(by), value >> (64n - by))
const shifted = (value: bigint, by: bigint): bigint => BigInt.asUintN(64, value) >> by

/** The 32 high bits of MurmurHash3 (x64) as Infinispan and Debezium compute it, of the UTF-8 of a text. */
export function murmurOfText(text: string): number {
  return murmur(Buffer.from(text.replace(/\p{Surrogate}/gu, '?'), 'utf8'))
}

/** The hash of the four bytes of an int. */
export function murmurOfInt(value: number): number {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return murmur(bytes)
}

/** Bytes have a sign in the rest that is no whole block. */
function murmur(bytes: Buffer): number {
  const state = new State()
  const tail = bytes.length - (bytes.length % 16)
  for (let at = 0; at < tail; at += 16) state.mix(bytes.readBigInt64LE(at), bytes.readBigInt64LE(at + 8))
  if (tail < bytes.length) state.mix(signed(bytes, tail), signed(bytes, tail + 8))
  return state.finished(BigInt(bytes.length))
}

/** Returns up to eight bytes, combined as ints with a sign. */
function signed(bytes: Buffer, from: number): bigint {
  let value = 0n
  for (let i = Math.min(bytes.length, from + 8) - 1; i >= from; i -= 1) {
    value ^= BigInt(bytes.readInt8(i)) << BigInt(8 * (i - from))
  }
  return long(value)
}

class State {
  #h1 = long(0x9368e53c2f6af274n ^ seed)
  #h2 = long(0x586dcd208f7cd3fdn ^ seed)
  #c1 = long(0x87c37b91114253d5n)
  #c2 = long(0x4cf5ad432745937fn)

  mix(first: bigint, second: bigint): void {
    this.#h1 ^= long(long(rotated(long(first * this.#c1), 23n)) * this.#c2)
    this.#h1 = long(this.#h1 + this.#h2)
    this.#h2 = long(rotated(this.#h2, 41n))
    this.#h2 ^= long(long(rotated(long(second * this.#c2), 23n)) * this.#c1)
    this.#h2 = long(this.#h2 + this.#h1)
    this.#h1 = long(this.#h1 * 3n + 0x52dce729n)
    this.#h2 = long(this.#h2 * 3n + 0x38495ab5n)
    this.#c1 = long(this.#c1 * 5n + 0x7b7d159cn)
    this.#c2 = long(this.#c2 * 5n + 0x6bce6396n)
  }

  finished(length: bigint): number {
    this.#h2 ^= length
    this.#h1 = long(this.#h1 + this.#h2)
    this.#h2 = long(this.#h2 + this.#h1)
    const [h1, h2] = [final(this.#h1), final(this.#h2)]
    return Number(BigInt.asIntN(32, long(h1 + h2) >> 32n))
  }
}

function final(value: bigint): bigint {
  let k = value ^ shifted(value, 33n)
  k = long(k * 0xff51afd7ed558ccdn)
  k ^= shifted(k, 33n)
  k = long(k * 0xc4ceb9fe1a85ec53n)
  return long(k ^ shifted(k, 33n))
}

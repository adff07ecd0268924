import { DataError } from 'penstock/api'

/** A message type is at most so deep in others. */
const maxDepth = 64

/**
 * Returns where the data of a message begins: after its message indexes, which say what type of its schema it has. They are their
 * count and themselves as zigzag varints; one byte 0 stands for the first type.
 * @param indexes to add them to; null: they are not needed
 * @throws DataError if the bytes are none
 */
export function readMessageIndexes(bytes: Uint8Array, offset: number, indexes: number[] | null): number {
  if (bytes[offset] === 0) {
    indexes?.push(0)
    return offset + 1
  }
  let position = offset
  const next = (): number => {
    let bits = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[position]
      if (byte === undefined) throw invalid('the message ends within its message indexes')
      position += 1
      bits |= (byte & 0x7f) << shift
      if (byte < 0x80) return (bits >>> 1) ^ -(bits & 1)
    }
    throw invalid('a message index has more than 32 bits')
  }
  const count = next()
  if (count < 0 || count > maxDepth)
    throw invalid(`the message has ${count} message indexes, and not from 1 to ${maxDepth}`)
  for (let i = 0; i < count; i += 1) {
    const index = next()
    if (index < 0) throw invalid(`the message index ${index} is negative`)
    indexes?.push(index)
  }
  return position
}

/** Returns the bytes of message indexes. */
export function messageIndexBytes(indexes: readonly number[]): Buffer {
  if (indexes.length === 1 && indexes[0] === 0) return Buffer.of(0)
  const bytes: number[] = []
  for (const index of [indexes.length, ...indexes]) {
    let rest = index * 2
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80)
    bytes.push(rest)
  }
  return Buffer.from(bytes)
}

function invalid(why: string): DataError {
  return new DataError(`${why}: its producer does not write Protobuf in the wire format of a schema registry`, {
    code: 'PROTOBUF_INDEXES_INVALID',
  })
}

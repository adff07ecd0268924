import { ByteReader } from '../../../protocol/bytes/byte-reader.ts'
import { ProtocolError } from '../../../protocol/protocol-error.ts'
import type { Group } from './group.ts'

/** Returns the topics that the consumers of a group subscribe to; null when unknown, which counts as all topics. */
export function subscribedTopics(group: Group): ReadonlySet<string> | null {
  const topics = new Set<string>()
  try {
    for (const member of group.roster.all()) {
      const reader = new ByteReader(member.details.protocols[0]?.metadata ?? Buffer.alloc(0))
      reader.int16() // The version. Versions differ only in what follows the topics.
      const count = reader.int32()
      reader.elements(count)
      for (let i = 0; i < count; i += 1) topics.add(reader.string(reader.length(false, 16)))
    }
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
  return topics
}

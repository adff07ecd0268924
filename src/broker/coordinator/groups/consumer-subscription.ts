import { ByteReader } from '../../../protocol/bytes/byte-reader.ts'
import { ProtocolError } from '../../../protocol/protocol-error.ts'
import type { Group } from './group.ts'

/** The topics the consumers of a group are subscribed to; null when that cannot be known, which counts as all. */
export function subscribedTopics(group: Group): ReadonlySet<string> | null {
  const topics = new Set<string>()
  try {
    for (const member of group.roster.all()) {
      const reader = new ByteReader(member.details.protocols[0]?.metadata ?? Buffer.alloc(0))
      reader.int16() // The version: what follows the topics differs, the topics do not.
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

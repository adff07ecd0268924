import { ByteReader } from '../../../protocol/bytes/byte-reader.ts'
import { ByteWriter } from '../../../protocol/bytes/byte-writer.ts'
import { compileMessage } from '../../../protocol/message-codec.ts'
import { ProtocolError } from '../../../protocol/protocol-error.ts'
import { array, int32, string } from '../../../protocol/schema.ts'
import { byTopic, ofTopics } from '../topic-partitions.ts'
import type { Assignor, LastAssignment } from './assignor.ts'
import { balanced } from './sticky-balance.ts'

const previousAssignment = array({ topic: string(), partitions: array(int32()) })
/** Version 1 of the user data; version 0 has no generation. Neither begins with its version. */
const userDataOf = (version: 0 | 1) =>
  compileMessage({ previousAssignment, generation: int32({ since: 1, default: -1 }) }, version, false)
const userData = userDataOf(1)
const userDataV0 = userDataOf(0)
const noClaim: LastAssignment = { partitions: [], generation: -1 }

/**
 * Kafka's [StickyAssignor](https://kafka.apache.org/39/javadoc/org/apache/kafka/clients/consumer/StickyAssignor.html): balanced, and
 * each member gets what it had, as far as that is possible. Members revoke all partitions before they join; what they had is in
 * their user data.
 */
export const stickyAssignor: Assignor = {
  name: 'sticky',
  isCooperative: false,
  userData: (last) => (last === null ? null : encodeLastAssignment(last)),
  assign: (members, partitionCounts) =>
    balanced(
      members.map((member) => {
        const { partitions: owned, generation } = decodeLastAssignment(member.userData)
        return { ...member, owned, generation }
      }),
      partitionCounts,
    ),
}

/** Encodes the user data, version 1. */
export function encodeLastAssignment({ partitions, generation }: LastAssignment): Buffer {
  const writer = new ByteWriter()
  userData.encode(writer, { previousAssignment: byTopic(partitions), generation })
  return Buffer.concat(writer.take())
}

/** Decodes the user data. What is none of it is no claim: the member may have another assignor by this name. */
export function decodeLastAssignment(bytes: Buffer | null): LastAssignment {
  if (bytes === null || bytes.length === 0) return noClaim
  for (const codec of [userData, userDataV0]) {
    try {
      const { previousAssignment: topics, generation } = codec.decode(new ByteReader(bytes))
      return { partitions: ofTopics(topics), generation }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
    }
  }
  return noClaim
}

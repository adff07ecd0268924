import type { TopicPartition } from '../../foundation/topic-partition.ts'
import { ByteReader } from '../../protocol/bytes/byte-reader.ts'
import { ByteWriter } from '../../protocol/bytes/byte-writer.ts'
import { compileMessage } from '../../protocol/message-codec.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { array, bytes, int32, string } from '../../protocol/schema.ts'
import type { SubscribedMember } from './assignors/assignor.ts'
import { byTopic, ofTopics, sorted } from './topic-partitions.ts'

/*
 * The embedded formats of protocol type `consumer`
 * ([ConsumerProtocol](https://github.com/apache/kafka/blob/3.9/clients/src/main/resources/common/message/ConsumerProtocolSubscription.json)): a version (int16), then a message of that version.
 * Later versions only append fields, so unknown bytes at the end are ignored.
 */

const newestSubscription = 3
const partitionsOfTopics = { topic: string(), partitions: array(int32()) }
/** Version 1 adds the partitions that the member keeps (KIP-429), 2 their generation (KIP-792), 3 the rack (KIP-881). */
const subscriptions = Array.from({ length: newestSubscription + 1 }, (_, version) =>
  compileMessage(
    {
      topics: array(string()),
      userData: bytes({ nullable: true, default: null }),
      ownedPartitions: array(partitionsOfTopics, { since: 1, default: [] }),
      generationId: int32({ since: 2, default: -1 }),
      rackId: string({ since: 3, nullable: true, default: null }),
    },
    version,
    false,
  ),
)
const assignmentVersion = 0
const assignment = compileMessage(
  { topics: array(partitionsOfTopics), userData: bytes({ nullable: true, default: null }) },
  assignmentVersion,
  false,
)

/** What a member tells the leader about itself. */
export type MemberSubscription = Pick<SubscribedMember, 'topics' | 'userData' | 'owned' | 'generation'>

function codecOf(version: number): (typeof subscriptions)[number] {
  const codec = version < 0 ? undefined : subscriptions[Math.min(version, newestSubscription)]
  if (codec === undefined) throw new ProtocolError(`the subscription of a member has version ${version}`)
  return codec
}

/** Encodes the subscription of a member, as Java does: the lists are sorted. */
export function encodeSubscription(
  { topics, userData, owned, generation }: MemberSubscription,
  version = newestSubscription,
): Buffer {
  const writer = new ByteWriter()
  writer.int16(version)
  codecOf(version).encode(writer, {
    topics: topics.toSorted(),
    userData,
    ownedPartitions: byTopic(sorted(owned)),
    generationId: generation,
  })
  return Buffer.concat(writer.take())
}

/** Returns what a member has told. @throws ProtocolError if the bytes are not a subscription. */
export function decodeSubscription(metadata: Buffer): MemberSubscription {
  const reader = new ByteReader(metadata)
  const { topics, userData, ownedPartitions, generationId } = codecOf(reader.int16()).decode(reader)
  return { topics, userData, owned: ofTopics(ownedPartitions), generation: generationId }
}

/** Encodes the partitions that the leader assigns to a member. */
export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const writer = new ByteWriter()
  writer.int16(assignmentVersion)
  assignment.encode(writer, { topics: byTopic(partitions), userData: null })
  return Buffer.concat(writer.take())
}

/** Returns a member's partitions; none for empty bytes. @throws ProtocolError if the bytes are not an assignment. */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return []
  return ofTopics(assignment.decode(new ByteReader(bytes, 2)).topics)
}

import type { TopicPartition } from '../../foundation/topic-partition.ts'
import { ByteReader } from '../../protocol/bytes/byte-reader.ts'
import { ByteWriter } from '../../protocol/bytes/byte-writer.ts'
import { compileMessage } from '../../protocol/message-codec.ts'
import { array, bytes, int32, string } from '../../protocol/schema.ts'

/*
 * The embedded formats of protocol type `consumer`
 * ([ConsumerProtocol](https://github.com/apache/kafka/blob/3.9/clients/src/main/resources/common/message/ConsumerProtocolSubscription.json)): a version (int16), then a message of that version.
 * Later versions only append fields, so unknown bytes at the end are ignored.
 */

const version = 0
const subscription = compileMessage(
  { topics: array(string()), userData: bytes({ nullable: true, default: null }) },
  version,
  false,
)
const assignment = compileMessage(
  {
    topics: array({ topic: string(), partitions: array(int32()) }),
    userData: bytes({ nullable: true, default: null }),
  },
  version,
  false,
)

function finished(writer: ByteWriter): Buffer {
  return Buffer.concat(writer.take())
}

/** Encodes the topics that a member subscribes to, for the leader. */
export function encodeSubscription(topics: readonly string[]): Buffer {
  const writer = new ByteWriter()
  writer.int16(version)
  subscription.encode(writer, { topics: [...topics].sort(), userData: null })
  return finished(writer)
}

/** Returns the topics of a member. @throws ProtocolError if the bytes are not a subscription. */
export function decodeSubscription(metadata: Buffer): readonly string[] {
  return subscription.decode(new ByteReader(metadata, 2)).topics
}

/** Encodes the partitions that the leader assigns to a member. */
export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const known = topics.get(topic)
    if (known === undefined) topics.set(topic, [partition])
    else known.push(partition)
  }
  const writer = new ByteWriter()
  writer.int16(version)
  assignment.encode(writer, {
    topics: [...topics].map(([topic, numbers]) => ({ topic, partitions: numbers })),
    userData: null,
  })
  return finished(writer)
}

/** Returns a member's partitions; none for empty bytes. @throws ProtocolError if the bytes are not an assignment. */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return []
  const { topics } = assignment.decode(new ByteReader(bytes, 2))
  return topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}

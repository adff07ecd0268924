import { errorCodes } from '../../protocol/error-codes.ts'
import type { produce } from '../../protocol/messages/produce.ts'
import type { RequestValue, ResponseOf } from '../../protocol/schema.ts'
import type { ProducerBatch } from './producer-batch.ts'

/** How long the leader may wait for its replicas. */
export const produceTimeoutMs = 30_000
const allReplicas = -1

/** Error codes after which the leader has to be looked up again. */
const leaderMoved: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  errorCodes.LEADER_NOT_AVAILABLE,
  errorCodes.NOT_LEADER_OR_FOLLOWER,
  errorCodes.REPLICA_NOT_AVAILABLE,
  errorCodes.FENCED_LEADER_EPOCH,
  errorCodes.UNKNOWN_LEADER_EPOCH,
])

/** Error codes of a broker that does not know the producer's sequences, or not any more. */
const sequenceLost: ReadonlySet<number> = new Set([
  errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER,
  errorCodes.UNKNOWN_PRODUCER_ID,
  errorCodes.INVALID_PRODUCER_EPOCH,
  errorCodes.PRODUCER_FENCED,
  errorCodes.DUPLICATE_SEQUENCE_NUMBER,
])

/** Error codes of a broker that did not write the batch. With any other code it may have written it and failed later. */
const notWritten: ReadonlySet<number> = new Set([
  errorCodes.MESSAGE_TOO_LARGE,
  errorCodes.RECORD_LIST_TOO_LARGE,
  errorCodes.CORRUPT_MESSAGE,
  errorCodes.INVALID_RECORD,
  errorCodes.INVALID_TIMESTAMP,
  errorCodes.INVALID_REQUIRED_ACKS,
  errorCodes.INVALID_TOPIC_EXCEPTION,
  errorCodes.INVALID_TXN_STATE,
  errorCodes.NOT_ENOUGH_REPLICAS,
  errorCodes.POLICY_VIOLATION,
  errorCodes.TOPIC_AUTHORIZATION_FAILED,
  errorCodes.CLUSTER_AUTHORIZATION_FAILED,
  errorCodes.UNSUPPORTED_COMPRESSION_TYPE,
  errorCodes.UNSUPPORTED_FOR_MESSAGE_FORMAT,
])

export type ProduceResponse = ResponseOf<typeof produce>

/** The result of one partition in a response. */
export type PartitionResult = ProduceResponse['responses'][number]['partitionResponses'][number]

/** What a result says about its batch. */
export type ProduceOutcome =
  /** The batch is in the log at `baseOffset`; -1 when the broker does not say where. */
  | { readonly kind: 'written'; readonly baseOffset: number }
  /** The batch is not in the log under its sequence. */
  | { readonly kind: 'sequence-refused' }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'failed'; readonly mayBeWritten: boolean }

/** Returns a request with these batches, which are of different partitions. */
export function produceRequestOf(batches: readonly ProducerBatch[]): RequestValue<typeof produce> {
  const topics = new Map<string, { index: number; records: Buffer }[]>()
  for (const { topic, partition, bytes } of batches) {
    const partitions = topics.get(topic) ?? []
    partitions.push({ index: partition, records: bytes })
    topics.set(topic, partitions)
  }
  const topicData = [...topics].map(([name, partitionData]) => ({ name, partitionData }))
  return { transactionalId: null, acks: allReplicas, timeoutMs: produceTimeoutMs, topicData }
}

/** Returns the results of a response by `partition/topic`. */
export function resultsOf(response: ProduceResponse): ReadonlyMap<string, PartitionResult> {
  const results = new Map<string, PartitionResult>()
  for (const { name, partitionResponses } of response.responses)
    for (const partition of partitionResponses) results.set(`${partition.index}/${name}`, partition)
  return results
}

/** Returns what became of a batch. @param mayBeWritten whether the outcome of an earlier attempt is unknown. */
export function outcomeOf({ errorCode, baseOffset }: PartitionResult, mayBeWritten: boolean): ProduceOutcome {
  if (errorCode === errorCodes.NONE) return { kind: 'written', baseOffset }
  // For a first attempt, the code means that the sequence was used for other records.
  if (errorCode === errorCodes.DUPLICATE_SEQUENCE_NUMBER && mayBeWritten) return { kind: 'written', baseOffset: -1 }
  if (sequenceLost.has(errorCode)) return { kind: 'sequence-refused' }
  if (errorCode === errorCodes.MESSAGE_TOO_LARGE || errorCode === errorCodes.RECORD_LIST_TOO_LARGE)
    return { kind: 'too-large' }
  return { kind: 'failed', mayBeWritten: !notWritten.has(errorCode) }
}

/** Returns whether the code means that the partition's leader is another node. */
export function isLeaderMoved(code: number): boolean {
  return leaderMoved.has(code)
}

import { errorMessage } from '../foundation/error-message.ts'
import { errorName, isRetriableCode } from '../protocol/error-codes.ts'

/** The base class of the client's errors. `retriable` says whether the same call may succeed later. */
export class KafkaError extends Error {
  readonly retriable: boolean

  constructor(message: string, options: { readonly retriable?: boolean; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.retriable = options.retriable ?? false
  }
}

/** A broker cannot be reached, or the connection to it has ended. */
export class ConnectionError extends KafkaError {
  constructor(message: string, cause?: unknown) {
    super(message, { retriable: true, cause })
  }
}

/** A broker did not respond in time. The connection is closed, because later responses would be delayed too. */
export class RequestTimeoutError extends KafkaError {
  constructor(message: string) {
    super(message, { retriable: true })
  }
}

/** The owner of the client may not write now (`mayWrite`). */
export class WriteDeniedError extends KafkaError {
  constructor() {
    super('the worker has not heard from its group for session.timeout.ms, and others may run its tasks', {
      retriable: true,
    })
  }
}

/** The group has removed the member, and may have given its work to others. The member can join again. */
export class MembershipLostError extends KafkaError {
  constructor(groupId: string, reason: string) {
    super(`the membership in group ${groupId} has ended: ${reason}`, { retriable: true })
  }
}

/** User, password or certificate were rejected. */
export class AuthenticationError extends KafkaError {}

/** Broker and client have no common version of an API. */
export class UnsupportedApiError extends KafkaError {}

/** The client was closed during a call. */
export class ClientClosedError extends KafkaError {}

/** An error code in a broker's response. */
export class BrokerError extends KafkaError {
  readonly code: number
  readonly codeName: string
  /** The broker's message; empty if there is none. */
  readonly detail: string

  /** @param what the request, for example `Produce to orders-0`. */
  constructor(code: number, what: string, detail?: string | null) {
    const text = detail === undefined || detail === null || detail === '' ? '' : `: ${detail}`
    super(`${what} failed with ${errorName(code)}${text}`, { retriable: isRetriableCode(code) })
    this.code = code
    this.codeName = errorName(code)
    this.detail = detail ?? ''
  }
}

/** Another member with the same instance id has joined the group: this one is fenced (KIP-345). */
export class InstanceFencedError extends KafkaError {
  constructor(groupId: string, instanceId: string) {
    super(
      `another member of group ${groupId} has joined with group.instance.id ${instanceId}, and this one may not continue. ` +
        'It runs on another worker, or another cluster uses the same id',
    )
  }
}

/** A record exceeds a size limit. Sizes are bytes of the record in a batch, before compression. */
export class RecordTooLargeError extends KafkaError {
  readonly topic: string
  readonly size: number
  /** The limit; null if the broker rejected the record without naming its limit. */
  readonly limit: number | null
  /** The record's key. */
  readonly key: Buffer | null

  constructor(
    record: { readonly topic: string; readonly key: Uint8Array | null; readonly size: number },
    limit: number | null,
    setting: string,
  ) {
    const { topic, key, size } = record
    const bound = limit === null ? `the limit of the topic` : `the limit of ${limit} bytes`
    super(`a record of ${size} bytes for topic ${topic} is above ${bound}. Raise ${setting}.`)
    this.topic = topic
    this.size = size
    this.limit = limit
    this.key = key === null ? null : Buffer.from(key)
  }
}

/** A partition number that its topic does not have. */
export class UnknownPartitionError extends KafkaError {
  constructor(topic: string, partition: number, count: number) {
    super(`topic ${topic} has ${count} partitions, there is no partition ${partition}`)
  }
}

/** How to continue without a usable offset. */
const resetAdvice =
  'To continue, set consumer.override.auto.offset.reset in the config of the connector: earliest reads from the oldest existing ' +
  'record, latest skips all existing records'

/** A topic does not exist, in a call that does not wait for it. */
export class UnknownTopicError extends KafkaError {
  readonly topic: string

  constructor(topic: string) {
    super(`topic ${topic} does not exist`)
    this.topic = topic
  }
}

/**
 * The position in a partition is outside its log: records were removed before they were read. It is reset only if
 * `auto.offset.reset` is set.
 */
export class OffsetOutOfRangeError extends KafkaError {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly logStartOffset: number
  readonly logEndOffset: number

  constructor(
    topic: string,
    partition: number,
    range: { readonly offset: number; readonly logStartOffset: number; readonly logEndOffset: number },
  ) {
    const { offset, logStartOffset, logEndOffset } = range
    const why =
      offset < logStartOffset
        ? `offsets ${offset} to ${logStartOffset - 1} were removed by retention before they were read`
        : 'the topic was truncated or created again'
    super(
      `offset ${offset} of ${topic}-${partition} is outside its log (${logStartOffset} to ${logEndOffset}): ${why}. ` +
        `${resetAdvice}. Or stop the connector, set its offsets (PATCH /connectors/NAME/offsets) or remove them (DELETE, which ` +
        `makes it start at the oldest record), and resume it.`,
    )
    this.topic = topic
    this.partition = partition
    this.offset = offset
    this.logStartOffset = logStartOffset
    this.logEndOffset = logEndOffset
  }
}

/** A topic was deleted and created again while it was read. Records of the new topic are not returned. */
export class TopicRecreatedError extends KafkaError {
  readonly topic: string
  /** Whether the consumer joins its group again and reads the new topic, because `auto.offset.reset` is set. */
  readonly isFollowed: boolean

  /** @param resetTo where an explicit `auto.offset.reset` starts reading the new topic; null if it is not read. */
  constructor(
    topic: string,
    ids: { readonly was: string; readonly is: string },
    resetTo: 'earliest' | 'latest' | null = null,
  ) {
    super(
      `TOPIC_RECREATED: topic ${topic} was deleted and created again while it was read: its id was ${ids.was} and is ` +
        `${ids.is}. Records of the old topic that were not read, or not written yet, are lost. ${
          resetTo === null
            ? 'Restart the task to read the new topic from where auto.offset.reset says, which is the beginning of the topic by default.'
            : `The new topic is read from its ${resetTo === 'earliest' ? 'start' : 'end'}, as auto.offset.reset says.`
        }`,
    )
    this.topic = topic
    this.isFollowed = resetTo !== null
  }
}

/** A partition has no committed offset and `auto.offset.reset` is `none`. */
export class NoOffsetError extends KafkaError {
  constructor(topic: string, partition: number, groupId: string) {
    super(`group ${groupId} has no offset for ${topic}-${partition}, and auto.offset.reset is none. ${resetAdvice}.`)
  }
}

/** The member is no longer part of the group's generation: its partitions belong to other members. */
export class FencedMemberError extends KafkaError {
  readonly code: number

  constructor(code: number, what: string) {
    super(`${what} was refused with ${errorName(code)}: this member's generation of the group has ended`)
    this.code = code
  }
}

/** A batch fails its checksum, cannot be decoded, or exceeds the limit when decompressed. */
export class CorruptBatchError extends KafkaError {
  readonly topic: string
  readonly partition: number
  readonly offset: number

  constructor(topic: string, partition: number, offset: number, cause: unknown) {
    const reason = errorMessage(cause)
    const advice =
      'To skip it, stop the connector and set an offset after it for the group connect-NAME (kafka-consumer-groups --reset-offsets)'
    super(`the record batch at offset ${offset} of ${topic}-${partition} cannot be read: ${reason}. ${advice}`, {
      cause,
    })
    this.topic = topic
    this.partition = partition
    this.offset = offset
  }
}

/** Records that were given up, and their partition. */
interface GivenUp {
  readonly topic: string
  readonly partition: number
  readonly count: number
  readonly isUncertain: boolean
  readonly lastError: Error | null
}

/** A batch was not acknowledged within `delivery.timeout.ms`. */
export class DeliveryTimeoutError extends KafkaError {
  readonly mayBeWritten: boolean

  constructor({ topic, partition, isUncertain, lastError }: GivenUp, timeoutMs: number) {
    const doubt = isUncertain ? '; they may have been written nevertheless' : ''
    super(`records for ${topic}-${partition} were not acknowledged within ${timeoutMs} ms${doubt}`, {
      cause: lastError,
    })
    this.mayBeWritten = isUncertain
  }
}

/** A batch was given up after an attempt whose outcome is unknown. */
export class UnknownOutcomeError extends KafkaError {
  constructor({ topic, partition, count }: GivenUp, cause: Error) {
    super(
      `${count} records for ${topic}-${partition} were given up and may have been written nevertheless: an earlier attempt got no ` +
        `response, and then: ${cause.message}. Send them again if duplicates are acceptable.`,
      { cause },
    )
  }
}

/** The broker wrote later records of the partition first: it forgot the producer, or the topic was created again. */
export class OrderLostError extends KafkaError {
  /** Where the records are: in the log in another order, not in the log, or unknown to the broker. */
  readonly fate: 'moved' | 'missing' | 'unknown'

  constructor({ topic, partition, count, lastError }: GivenUp, fate: OrderLostError['fate']) {
    const texts = { moved: 'were written in another order', missing: 'were not written', unknown: 'may be missing' }
    const cause = lastError === null ? '' : ` (${lastError.message})`
    super(
      `the order of ${topic}-${partition} is lost: the broker wrote later records first, and ${count} earlier ones ` +
        `${texts[fate]}${cause}. Send them again with all later records.`,
      { cause: lastError },
    )
    this.fate = fate
  }
}

/** Whether the same call may succeed later. */
export function isRetriable(error: unknown): boolean {
  return error instanceof KafkaError && error.retriable
}

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new KafkaError(String(thrown))
}

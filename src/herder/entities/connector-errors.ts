import type { LetterPlace } from '../../storage/dead-letters/letter-context.ts'

/** Which dead letters of a connector to look at. */
export interface ErrorsRequest {
  /** How many records of the dead letter queue to read, the newest ones first. */
  readonly limit: number
  /** The part before the one that was read last, by {@link ConnectorErrors.next}; null: the end of the topic. */
  readonly before: string | null
}

/** A dead letter that stands for its cause. */
export interface LetterExample {
  /** In the dead letter queue. */
  readonly partition: number
  readonly offset: number
  /** The message of the error, cut where it is long. */
  readonly message: string
  readonly place: LetterPlace
}

/** Dead letters that have the same cause. */
export interface ErrorCause {
  /** Names the cause: the same for the same stage, exception and message without its changing parts. */
  readonly id: string
  readonly stage: string
  readonly className: string
  readonly exception: string
  /** Without its changing parts. */
  readonly message: string
  readonly count: number
  /** How many of them have been delivered again since. */
  readonly replayed: number
  /** The times of the earliest and the latest record, in milliseconds of the epoch; null when none has one. */
  readonly first: number | null
  readonly last: number | null
  /** The newest one. */
  readonly example: LetterExample
}

/** The dead letters of a connector in a part of its dead letter queue, by cause, the most frequent first. */
export interface ConnectorErrors {
  readonly topic: string
  readonly causes: readonly ErrorCause[]
  /** Letters of the connector whose causes are too many to be listed. */
  readonly unlisted: number
  /** Records of the part that was read: all, those of this connector, and those that do not name their connector. */
  readonly records: number
  readonly own: number
  readonly withoutContext: number
  /** What {@link ErrorsRequest.before} has to be for the part before this one; null when there is none. */
  readonly next: string | null
  /** What a reader of the result has to know; null when there is nothing. */
  readonly note: string | null
}

/** Which dead letters of a connector to deliver again. */
export interface ReplayRequest {
  /** {@link ErrorCause.id}; null: whatever the cause. */
  readonly cause: string | null
  /** The key of their records, null for those without one; absent: whatever the key. */
  readonly key?: Buffer | null
  /** How many letters to deliver at most, the oldest ones; null: all. */
  readonly limit: number | null
}

/** What is delivered again when the connector is resumed. */
export interface ErrorsReplay {
  /** The dead letter queue. */
  readonly topic: string
  readonly partitions: readonly ReplayedPartition[]
  /** Records of letters that are no longer in their topics. */
  readonly gone: number
  /** Records of letters in topics that the connector does not read any more: they are left out. */
  readonly unread: number
  /** Whether a limit leaves letters for the next request. */
  readonly more: boolean
  readonly message: string
}

export interface ReplayedPartition {
  readonly topic: string
  readonly partition: number
  /** The records of letters. */
  readonly records: number
  /** The offset of the first one, which is the committed offset now. */
  readonly from: number
  /** From this offset on, all records are delivered: it was the committed offset. */
  readonly until: number
}

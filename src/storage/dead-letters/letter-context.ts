/** A header of a record. */
export interface LetterHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** The names of the headers of dead letters: Kafka Connect's (KIP-298), and those that it does not have. */
export const letterHeaders = {
  topic: '__connect.errors.topic',
  partition: '__connect.errors.partition',
  offset: '__connect.errors.offset',
  connector: '__connect.errors.connector.name',
  task: '__connect.errors.task.id',
  stage: '__connect.errors.stage',
  className: '__connect.errors.class.name',
  exception: '__connect.errors.exception.class.name',
  message: '__connect.errors.exception.message',
  stacktrace: '__connect.errors.exception.stacktrace',
  sourceTopic: '__penstock.errors.topic',
  sourcePartition: '__penstock.errors.source.partition',
  sourceOffset: '__penstock.errors.source.offset',
  parkedBehind: '__penstock.errors.parked.behind',
  topicId: '__penstock.errors.topic.id',
} as const

/** Why a record is in a dead letter queue, as its headers say. Other programs write them too, so each text may be anything. */
export interface LetterContext {
  readonly connector: string
  readonly stage: string
  /** The class of the converter or transform that failed; `null` as text if it has none. */
  readonly className: string
  readonly exception: string
  readonly message: string
  readonly place: LetterPlace
  /**
   * The offset of the first dead letter of the record's key, behind which later ones are parked; its own for the first one. Null when
   * the letter parks no key.
   */
  readonly parkedFrom: number | null
  /** The id of the record's topic; null if the letter does not say it. */
  readonly topicId: string | null
}

/** Where the record was. What the headers do not say is null. */
export interface LetterPlace {
  /** The topic that a sink has read it from, or that a source was to write it to. */
  readonly topic: string | null
  /** Of a sink. */
  readonly partition: number | null
  readonly offset: number | null
  /** Of a source, as JSON. */
  readonly sourcePartition: string | null
  readonly sourceOffset: string | null
}

const known: ReadonlySet<string> = new Set(Object.values(letterHeaders))
/** Headers that a letter may lack, and another letter before it may have. */
const behindTopic = [letterHeaders.topicId, letterHeaders.parkedBehind]
const wholeNumber = /^\d{1,16}$/

/**
 * Returns the context of a dead letter; null for a record that does not name its connector. A letter that was read from another
 * dead letter queue has the headers of both: the last ones count. Those of Kafka Connect begin with the topic.
 */
export function letterContextOf(headers: readonly LetterHeader[]): LetterContext | null {
  const values = new Map<string, Buffer | null>()
  for (const { key, value } of headers) {
    if (key === letterHeaders.topic) for (const own of behindTopic) values.delete(own)
    if (known.has(key)) values.set(key, value)
  }
  const text = (key: string): string | null => values.get(key)?.toString() ?? null
  const count = (key: string): number | null => {
    const value = text(key)
    return value === null || !wholeNumber.test(value) ? null : Number(value)
  }
  const placeOffset = count(letterHeaders.offset)
  const behind = /@(\d{1,16})$/.exec(text(letterHeaders.parkedBehind) ?? '')?.[1]
  const parked = behind === undefined ? placeOffset : Number(behind)
  const connector = text(letterHeaders.connector)
  if (connector === null) return null
  return {
    connector,
    stage: text(letterHeaders.stage) ?? '',
    className: text(letterHeaders.className) ?? '',
    exception: text(letterHeaders.exception) ?? '',
    message: text(letterHeaders.message) ?? '',
    place: {
      topic: text(letterHeaders.topic) ?? text(letterHeaders.sourceTopic),
      partition: count(letterHeaders.partition),
      offset: placeOffset,
      sourcePartition: text(letterHeaders.sourcePartition),
      sourceOffset: text(letterHeaders.sourceOffset),
    },
    parkedFrom: values.has(letterHeaders.parkedBehind) ? parked : null,
    topicId: text(letterHeaders.topicId),
  }
}

/** Whether a letter's record is of an earlier topic with the same name. @param id of the present one; null if it is not known */
export function isOfOtherTopic({ topicId }: LetterContext, id: string | null): boolean {
  return areOtherTopics(topicId, id)
}

/** Whether two ids are those of different topics. An id that is null is not known. */
export function areOtherTopics(one: string | null, other: string | null): boolean {
  return one !== null && other !== null && one !== other
}

import type { SinkOffsetChange, SourceOffsetChange } from '../../api/connector.ts'
import type { SourceOffset, SourcePartition } from '../../api/record.ts'
import { plainJson } from '../../api/json/json-text.ts'
import type { ConnectValue, PlainMap } from '../../api/schema.ts'
import { nestedField } from '../../storage/source-offset-record.ts'
import { BadRequestError } from '../herder-errors.ts'

/** An offset as a request names it. */
export interface RequestedOffset {
  readonly partition: PlainMap | null
  /** Null removes the offset. */
  readonly offset: PlainMap | null
}

const integer = /^[+-]?\d+$/
const maxPartition = 2 ** 31 - 1

/**
 * The changes that a request asks for. Of several changes of a partition the last one counts.
 * @throws BadRequestError when an offset does not have the form of a source's
 */
export function sourceOffsetChanges(requested: readonly RequestedOffset[]): readonly SourceOffsetChange[] {
  return requested.map(({ partition, offset }) => {
    if (partition === null)
      throw new BadRequestError('The partition for a source connector offset cannot be null or missing')
    return {
      partition: flat(partition, 'partition') as SourcePartition,
      offset: flat(offset, 'offset') as SourceOffset,
    }
  })
}

function flat(map: PlainMap | null, what: string): PlainMap | null {
  const nested = nestedField(map ?? {})
  if (nested === null) return map
  throw new BadRequestError(
    `The ${what} of a source connector offset can only have primitive values, but its field ${nested} is nested`,
  )
}

/**
 * The changes that a request asks for: `{"kafka_topic","kafka_partition"}` and `{"kafka_offset"}`, whose numbers may be text.
 * @throws BadRequestError with Connect's message
 */
export function sinkOffsetChanges(requested: readonly RequestedOffset[]): readonly SinkOffsetChange[] {
  return requested.map(({ partition, offset }) => {
    if (partition === null)
      throw new BadRequestError('The partition for a sink connector offset cannot be null or missing')
    const { kafka_topic: topic, kafka_partition: number } = partition
    if (topic === undefined || number === undefined) {
      throw new BadRequestError(
        "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'",
      )
    }
    if (topic === null) throw new BadRequestError('Kafka topic names must be valid strings and may not be null')
    return { topic: String(topic), partition: integerOf(number, 'partition', maxPartition), offset: sinkOffset(offset) }
  })
}

function sinkOffset(offset: PlainMap | null): number | null {
  if (offset === null) return null
  const { kafka_offset: value } = offset
  if (value === undefined) {
    throw new BadRequestError("The offset for a sink connector should either be null or contain the key 'kafka_offset'")
  }
  return integerOf(value, 'offset', Number.MAX_SAFE_INTEGER)
}

function integerOf(value: ConnectValue, what: string, max: number): number {
  const text = typeof value === 'object' ? plainJson(value) : String(value)
  const number = integer.test(text) ? Number(text) : Number.NaN
  if (Math.abs(number) <= max) return number
  throw new BadRequestError(
    `Failed to parse the following Kafka ${what} value in the provided offsets: '${text}'. ` +
      `${what === 'offset' ? 'Offset' : 'Partition'} values for sink connectors need to be integers.`,
  )
}

import { expect, it } from 'vitest'

import type { PlainMap } from '../../../../src/api/schema.ts'
import { BadRequestError } from '../../../../src/herder/herder-errors.ts'
import { sinkOffsetChanges } from '../../../../src/herder/offsets/offset-changes.ts'

it.each<[string, PlainMap, PlainMap, string]>([
  ['a topic that is null', { kafka_topic: null, kafka_partition: 0 }, { kafka_offset: 1 }, 'Kafka topic names must be valid strings and may not be null'],
  ['an offset that is an object', { kafka_topic: 't', kafka_partition: 0 }, { kafka_offset: {} }, "offsets: '{}'"],
  ['a partition that is a list', { kafka_topic: 't', kafka_partition: [1] }, { kafka_offset: 1 }, "offsets: '[1]'"],
])('a change of the offset of a sink is refused with %s', (_what, partition, offset, message) => {
  const change = (): unknown => sinkOffsetChanges([{ partition, offset }])
  expect(change).toThrow(BadRequestError)
  expect(change).toThrow(message)
}) // prettier-ignore

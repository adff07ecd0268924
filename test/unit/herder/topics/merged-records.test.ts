import { expect, it } from 'vitest'

import { mergedRecords } from '../../../../src/herder/topics/merged-records.ts'

const list = (partition: number, ...times: readonly number[]) =>
  times.map((timestamp, offset) => ({ partition, timestamp, offset }))
const places = (records: readonly { readonly partition: number; readonly offset: number }[]): string =>
  records.map(({ partition, offset }) => `${partition}@${offset}`).join(' ')

it('merges partitions by time, and keeps the order of a partition whose times go back', () => {
  const partitions = [list(0, 10, 5, 30), list(1, 7, 20)]
  expect(places(mergedRecords(partitions, 9))).toBe('1@0 0@0 0@1 1@1 0@2')
  expect(places(mergedRecords(partitions, 2))).toBe('1@0 0@0')
  expect(places(mergedRecords(partitions, 2, 'last'))).toBe('1@1 0@2')
})

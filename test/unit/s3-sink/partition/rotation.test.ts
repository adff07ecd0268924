import { describe, expect, it } from 'vitest'

import { objectKey } from '../../../../connectors/s3-store/object/object-key.ts'
import {
  deadlineMs,
  rotatesAfter,
  rotatesAt,
  rotatesBefore,
  type NextRecord,
  type ObjectProgress,
  type RotationRules,
} from '../../../../connectors/s3-sink/partition/rotation.ts'
import { nextScheduled } from '../../../../connectors/s3-sink/partition/schedule.ts'

const rules: RotationRules = {
  maxRecords: 10,
  maxBytes: null,
  intervalMs: null,
  onPathChange: false,
  maxObjects: null,
  nextScheduled: null,
}
const object: ObjectProgress = {
  records: 3,
  bytes: 300,
  size: 2,
  lastPath: 'a',
  firstRecordMs: 1000,
  openedAtMs: 50_000,
  scheduledAtMs: null,
}
const recordAt = (timeMs: number): NextRecord => ({ timeMs, fits: true, directory: 'a', isNew: false })

describe('rotation', () => {
  it('goes by records and by bytes', () => {
    expect(rotatesAfter(rules, { ...object, records: 9 })).toBeNull()
    expect(rotatesAfter(rules, { ...object, records: 10 })).toBe('size')
    expect(rotatesAfter({ ...rules, maxBytes: 300 }, object)).toBe('bytes')
    expect(rotatesAfter({ ...rules, maxBytes: 301 }, object)).toBeNull()
  })

  it('goes by the time of records, before the one that is too late', () => {
    const interval = { ...rules, intervalMs: 100 }
    expect(rotatesBefore(interval, object, recordAt(1099), 50_000)).toBeNull()
    expect(rotatesBefore(interval, object, recordAt(1100), 50_000)).toBe('interval')
    expect(rotatesBefore(interval, object, recordAt(0), 50_000)).toBeNull()
    expect(rotatesBefore(interval, object, { ...recordAt(0), timeMs: null, directory: null }, 50_000)).toBeNull()
    expect(rotatesBefore(interval, { ...object, firstRecordMs: null }, recordAt(1100), 50_000)).toBeNull()
  })

  it('goes by the clock when no record comes', () => {
    const interval = { ...rules, intervalMs: 100 }
    expect(rotatesAt(interval, object, 50_099)).toBeNull()
    expect(rotatesAt(interval, object, 50_100)).toBe('interval')
    expect(rotatesAt(rules, { ...object, scheduledAtMs: 60_000 }, 60_000)).toBe('schedule')
    expect(rotatesBefore(rules, { ...object, scheduledAtMs: 60_000 }, recordAt(0), 60_001)).toBe('schedule')
  })

  it('goes by schemas, before the record that does not fit', () => {
    expect(rotatesBefore(rules, object, { ...recordAt(0), fits: false }, 50_000)).toBe('schema')
  })

  it('goes by directories: when the next record is in another one, and before there are too many', () => {
    const other = { ...recordAt(0), directory: 'b' }
    expect(rotatesBefore(rules, object, other, 50_000)).toBeNull()
    expect(rotatesBefore({ ...rules, onPathChange: true }, object, other, 50_000)).toBe('directory')
    expect(rotatesBefore({ ...rules, onPathChange: true }, object, recordAt(0), 50_000)).toBeNull()
    const [tombstone, afterTombstones] = [
      { ...other, directory: null },
      { ...object, lastPath: null },
    ]
    expect(rotatesBefore({ ...rules, onPathChange: true }, object, tombstone, 50_000)).toBeNull()
    expect(rotatesBefore({ ...rules, onPathChange: true }, afterTombstones, other, 50_000)).toBeNull()
    expect(rotatesBefore({ ...rules, maxObjects: 2 }, object, other, 50_000)).toBeNull()
    expect(rotatesBefore({ ...rules, maxObjects: 2 }, object, { ...other, isNew: true }, 50_000)).toBe('directory')
    expect(rotatesBefore({ ...rules, maxObjects: 3 }, object, { ...other, isNew: true }, 50_000)).toBeNull()
  })

  it('knows its next moment', () => {
    expect(deadlineMs(rules, object)).toBeNull()
    expect(deadlineMs({ ...rules, intervalMs: 100 }, object)).toBe(50_100)
    expect(deadlineMs(rules, { ...object, scheduledAtMs: 60_000 })).toBe(60_000)
    expect(deadlineMs({ ...rules, intervalMs: 100 }, { ...object, scheduledAtMs: 50_050 })).toBe(50_050)
  })
})

describe('the schedule', () => {
  const at = (text: string): number => Date.parse(text)
  const hour = 3_600_000

  it.each([
    ['2023-11-14T22:13:20Z', hour, 'UTC', '2023-11-14T23:00:00Z'],
    ['2023-11-14T22:00:00Z', hour, '', '2023-11-14T23:00:00Z'],
    ['2023-11-14T22:13:20Z', 7 * hour, 'UTC', '2023-11-15T00:00:00Z'],
    ['2023-11-14T22:13:20Z', 24 * hour, 'America/New_York', '2023-11-15T05:00:00Z'],
    ['2023-11-14T22:13:20Z', 24 * hour, 'Asia/Kolkata', '2023-11-15T18:30:00Z'],
    ['2023-11-14T22:13:20Z', 900_000, 'Asia/Kolkata', '2023-11-14T22:15:00Z'],
    ['1969-12-31T23:59:59Z', hour, 'UTC', '1970-01-01T00:00:00Z'],
    // The day the clocks go back has 25 hours, the one they go forward 23.
    ['2023-10-28T23:00:00Z', 24 * hour, 'Europe/Berlin', '2023-10-29T23:00:00Z'],
    ['2023-03-26T00:30:00Z', 24 * hour, 'Europe/Berlin', '2023-03-26T22:00:00Z'],
  ])('after %s, every %d ms in %s, is %s', (now, interval, zone, next) => {
    expect(new Date(nextScheduled(at(now), interval, zone)).toISOString()).toBe(new Date(next).toISOString())
  })

  it('always lies ahead, through a year of clock changes', () => {
    let now = at('2023-01-01T00:00:00Z')
    for (let i = 0; i < 2000; i += 1) {
      const next = nextScheduled(now, 5 * hour, 'Europe/Berlin')
      expect(next).toBeGreaterThan(now)
      expect(next - now).toBeLessThanOrEqual(6 * hour)
      now = next
    }
  })
})

describe('object names', () => {
  const layout = {
    topicsDir: 'topics',
    directoryDelimiter: '/',
    fileDelimiter: '+',
    padWidth: 10,
    maxPartBytes: null,
  }

  it.each([
    [layout, '.json', 'topics/orders/partition=3/orders+3+0000012345.json'],
    [{ ...layout, topicsDir: '' }, '.json', 'orders/partition=3/orders+3+0000012345.json'],
    [{ ...layout, padWidth: 20 }, '.json.gz', 'topics/orders/partition=3/orders+3+00000000000000012345.json.gz'],
    [
      { ...layout, directoryDelimiter: '|', fileDelimiter: '_', padWidth: 0 },
      '.json',
      'topics|orders|partition=3|orders_3_12345.json',
    ],
  ])('%j and %s give %s', (given, extension, key) => {
    expect(objectKey(given, { topic: 'orders', partition: 3, path: 'partition=3', extension }, 12_345)).toBe(key)
  })
})

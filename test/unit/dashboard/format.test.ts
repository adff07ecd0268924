import { expect, it } from 'vitest'

import { bytes, count, duration, rate, shortClass } from '../../../dashboard/model/format.ts'
import { hashOf, placeOf } from '../../../dashboard/model/route.ts'
import { sparkPath } from '../../../dashboard/model/spark.ts'

it.each([
  [count(1204), '1,204'],
  [count(1_250_000), '1.3 M'],
  [rate(null), '–'],
  [rate(0), '0/s'],
  [rate(0.01), '< 0.1/s'],
  [rate(4.25), '4.3/s'],
  [rate(12_400.4), '12,400/s'],
  [bytes(0), '0 B'],
  [bytes(1_449_000), '1.4 MB'],
  [bytes(212_000_000), '212 MB'],
  [duration(0.42), '0.4 s'],
  [duration(9.97), '10 s'],
  [duration(59.6), '1 min'],
  [duration(250), '4 min 10 s'],
  [duration(11_100), '3 h 5 min'],
  [duration(187_200), '2 d 4 h'],
  [shortClass('io.debezium.connector.postgresql.PostgresConnector'), 'Postgres'],
  [shortClass('io.confluent.connect.s3.S3SinkConnector'), 'S3 sink'],
  [shortClass('FileStreamSource'), 'File source'],
])('shows %s as %s', (shown, expected) => {
  expect(shown).toBe(expected)
})

it.each([
  ['#/connectors/a%2Fb/config', { page: 'connectors', name: 'a/b', tab: 'config' }],
  ['#/connectors', { page: 'connectors', name: null, tab: null }],
  ['#/nothing/x', { page: 'overview', name: 'x', tab: null }],
  ['#/connectors/%', { page: 'connectors', name: '%', tab: null }],
  ['', { page: 'overview', name: null, tab: null }],
])('the address %s names a place', (hash, place) => {
  expect(placeOf(hash)).toEqual(place)
})

it('an address leads to the place that it was made for', () => {
  expect(placeOf(hashOf('connectors', 'a/b c', 'offsets'))).toEqual({
    page: 'connectors',
    name: 'a/b c',
    tab: 'offsets',
  })
})

it('a line of rates ends at its right edge, and is highest at its top', () => {
  const point = (seconds: number, read: number): Parameters<typeof sparkPath>[0][number] => ({
    time: seconds * 1000,
    read,
    written: read,
    lag: null,
  })
  const size = { width: 100, height: 12 }
  expect(sparkPath([point(290, 0), point(295, 50), point(300, 150)], 'read', size)).toBe('M98.3 6.0L100.0 1.0')
  expect(sparkPath([point(290, 0)], 'read', size)).toBeNull()
})

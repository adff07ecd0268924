import { arrayOf, mapOf, primitive, struct, type ConnectValue } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import { DocumentReader } from '../../../../connectors/elasticsearch-sink/document/document.ts'
import { DocumentVersions, VersionKinds } from '../../../../connectors/elasticsearch-sink/document/document-version.ts'
import { placeholderOf } from '../../../../connectors/elasticsearch-sink/document/placeholder.ts'
import { MemoryLog } from '../../../support/task/sink-task-harness.ts'

const unavailable = '__debezium_unavailable_value'
const reader = new DocumentReader({
  exact: true,
  compactMaps: true,
  unwrap: true,
  placeholder: placeholderOf(unavailable),
  onInfinity: () => {},
})
const row = struct(
  [
    ['id', primitive('INT32')],
    ['note', primitive('STRING', { optional: true })],
  ],
  { name: 'shop.public.orders.Value', optional: true },
)
const envelope = struct(
  [
    ['before', row],
    ['after', row],
    ['source', struct([['lsn', primitive('INT64')]])],
    ['op', primitive('STRING')],
  ],
  { name: 'shop.public.orders.Envelope' },
)

describe('a change event', () => {
  it('becomes its row, with schemas and without', () => {
    expect(reader.read(envelope, [null, [1, 'x'], [5], 'c'])).toEqual({
      kind: 'write',
      document: { json: '{"id":1,"note":"x"}', holes: null },
      rowSchema: row,
    })
    const plain = { before: null, after: { id: 1, note: 'x' }, source: { lsn: 5 }, op: 'u' }
    expect(reader.read(null, plain)).toEqual({
      kind: 'write',
      document: { json: '{"id":1,"note":"x"}', holes: null },
      rowSchema: null,
    })
  })

  it('with op d is a delete', () => {
    expect(reader.read(envelope, [[1, 'x'], null, [5], 'd'])).toEqual({ kind: 'delete' })
    expect(reader.read(null, { before: { id: 1 }, after: null, source: {}, op: 'd' })).toEqual({ kind: 'delete' })
  })

  it('of a TRUNCATE is rejected with ES_TRUNCATE', () => {
    expect(() => reader.read(envelope, [null, null, [5], 't'])).toThrow(/ES_TRUNCATE: .*skipped\.operations=t/)
  })

  it('stays unchanged with document.envelope=keep', () => {
    const keeping = new DocumentReader({
      exact: true,
      compactMaps: true,
      unwrap: false,
      placeholder: placeholderOf(unavailable),
      onInfinity: () => {},
    })
    expect(keeping.read(null, { after: { id: 1 }, source: {}, op: 'c' })).toMatchObject({
      document: { json: '{"after":{"id":1},"source":{},"op":"c"}' },
    })
  })

  it('is not mistaken for one when a row merely has a column named op', () => {
    expect(reader.read(null, { op: 'd', id: 1 })).toMatchObject({
      kind: 'write',
      document: { json: '{"op":"d","id":1}' },
    })
  })
})

describe('a value that makes no document', () => {
  it.each<[string, ConnectValue]>([
    ['an array', [1]],
    ['a string', 'x'],
    ['a number', 1],
  ])('such as %s is refused', (_name, value) => {
    expect(() => reader.read(null, value)).toThrow(/a document is an object/)
  })
})

describe('the unavailable value', () => {
  const wide = struct([
    ['id', primitive('INT32')],
    ['text', primitive('STRING', { optional: true })],
    ['bytes', primitive('BYTES', { optional: true })],
    ['texts', arrayOf(primitive('STRING', { optional: true }), { optional: true })],
    ['numbers', arrayOf(primitive('INT32', { optional: true }), { optional: true })],
    ['dates', arrayOf(primitive('INT32', { name: 'io.debezium.time.Date', optional: true }), { optional: true })],
    ['uuids', arrayOf(primitive('STRING', { name: 'io.debezium.data.Uuid' }), { optional: true })],
    ['map', mapOf(primitive('STRING'), primitive('STRING', { optional: true }), { optional: true })],
  ])
  const numbers = [...Buffer.from(unavailable)]
  const uuid = 'b68a35a7-17ad-35b3-af2a-ae46edb4545a'

  it('leaves a hole in a document, in each form that Debezium gives it', () => {
    const value: ConnectValue = [
      1,
      unavailable,
      Buffer.from(unavailable),
      [unavailable],
      numbers,
      numbers,
      [uuid],
      new Map([[unavailable, unavailable]]),
    ]
    expect(reader.read(wide, value)).toMatchObject({
      document: { json: '{"id":1}', holes: ['text', 'bytes', 'texts', 'numbers', 'dates', 'uuids', 'map'] },
    })
  })

  it('leaves holes without schemas too', () => {
    const value = {
      id: 1,
      text: unavailable,
      bytes: Buffer.from(unavailable).toString('base64'),
      texts: [unavailable],
      uuids: [uuid],
      numbers,
      hstore: JSON.stringify({ [unavailable]: unavailable }),
      map: { [unavailable]: unavailable },
    }
    expect(reader.read(null, value)).toMatchObject({
      document: { json: '{"id":1}', holes: ['text', 'bytes', 'texts', 'uuids', 'numbers', 'hstore', 'map'] },
    })
  })

  it('is only the exact text: a text that contains it is a value', () => {
    expect(reader.read(null, { id: 1, text: `see ${unavailable}` })).toMatchObject({ document: { holes: null } })
  })
})

describe('the version of a document', () => {
  const log = new MemoryLog()
  const header = (value: ConnectValue) => [{ key: '__penstock.version', schema: null, value }]
  const plain = log.append({ topic: 'a' })
  const versioned = log.append({ topic: 'a', headers: header(9_007_199_254_740_993n) })

  const versionsBy = (documentVersion: 'auto' | 'header' | 'offset' | 'none') =>
    new DocumentVersions({ documentVersion, versionHeader: '__penstock.version' })

  it('is the header where records have it, else the offset', () => {
    expect(versionsBy('auto').of(versioned, new VersionKinds())).toBe(9_007_199_254_740_993n)
    expect(versionsBy('auto').of(plain, new VersionKinds())).toBe(0)
    expect(versionsBy('none').of(versioned, new VersionKinds())).toBeNull()
    expect(versionsBy('offset').of(versioned, new VersionKinds())).toBe(1)
  })

  it('changes from offsets to row versions where our source continues a topic of Debezium, in each partition by itself', () => {
    const taken = new MemoryLog()
    const append = (partition: number, value: ConnectValue = null) =>
      taken.append({ topic: 'a', partition, headers: value === null ? [] : header(value) })
    const records = [append(0), append(0), append(0, 2n ** 53n + 5n), append(0, 2n ** 53n + 6n)]
    const versions = versionsBy('auto')
    const kinds = new VersionKinds()
    // Read twice, as after a seek: what lies before the change stays comparable.
    for (const _ of [1, 2]) {
      expect(records.map((record) => versions.of(record, kinds))).toEqual([0, 1, 2n ** 53n + 5n, 2n ** 53n + 6n])
    }
    expect(versions.of(append(1), new VersionKinds())).toBe(0)
  })

  it('is rejected where a topic changes back from row versions to offsets', () => {
    const versions = versionsBy('auto')
    const kinds = new VersionKinds()
    versions.of(versioned, kinds)
    expect(() => versions.of(log.append({ topic: 'a' }), kinds)).toThrow(
      /ES_VERSION_MIXED: record a-0@2: topic 'a' changed back/,
    )
  })

  it('is rejected where a version after offsets is not above every offset', () => {
    const versions = versionsBy('auto')
    const kinds = new VersionKinds()
    versions.of(plain, kinds)
    const low = log.append({ topic: 'a', headers: header(123_456_789) })
    expect(() => versions.of(low, kinds)).toThrow(/ES_VERSION_MIXED: .*123456789 is not above every offset/)
  })

  it.each(['x', '-1', '1.5', ''])('is rejected when the header holds %j', (value) => {
    const record = log.append({ topic: 'b', headers: header(value) })
    expect(() => versionsBy('header').of(record, new VersionKinds())).toThrow(/ES_VERSION_HEADER/)
  })

  it('is rejected when the header is required and missing', () => {
    expect(() =>
      new DocumentVersions({ documentVersion: 'header', versionHeader: 'v' }).of(plain, new VersionKinds()),
    ).toThrow(/no header 'v'/)
  })
})

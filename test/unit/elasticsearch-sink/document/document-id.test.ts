import { primitive, struct } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import { documentId, positionId } from '../../../../connectors/elasticsearch-sink/document/document-id.ts'
import { MemoryLog } from '../../../support/task/sink-task-harness.ts'
import { indexName } from '../../../../connectors/elasticsearch-sink/indices/index-name.ts'

const int = primitive('INT32')
const text = primitive('STRING')

describe('the id of a document', () => {
  it('is the decimal text of an integer key and the text of a string key', () => {
    expect(documentId(primitive('INT64'), 9_007_199_254_740_993n)).toBe('9007199254740993')
    expect(documentId(text, 'a/b c')).toBe('a/b c')
    expect(documentId(null, 42)).toBe('42')
  })

  it('is the field of a struct key of one field', () => {
    expect(documentId(struct([['id', int]]), [7])).toBe('7')
    expect(documentId(struct([['name', text]]), ['x y'])).toBe('x y')
    expect(documentId(null, { id: 7 })).toBe('7')
  })

  it('is the compact JSON of the values of a struct key of several fields, in key order', () => {
    expect(
      documentId(
        struct([
          ['b', int],
          ['a', text],
        ]),
        [1, 'x"'],
      ),
    ).toBe('[1,"x\\""]')
    expect(documentId(null, { b: 9_007_199_254_740_993n, a: 'x' })).toBe('[9007199254740993,"x"]')
  })

  it('is the SHA-256 of an id that Elasticsearch would find too long', () => {
    expect(documentId(text, 'a'.repeat(512))).toHaveLength(512)
    expect(documentId(text, 'ä'.repeat(257))).toMatch(/^[0-9a-f]{64}$/)
  })

  it('rejects a key that is null or empty, and says what to do', () => {
    expect(() => documentId(null, null)).toThrow(/ES_NULL_KEY: .*key\.ignore=true/)
    expect(() => documentId(text, '')).toThrow(/can not be empty/)
    expect(() => documentId(struct([['id', primitive('INT32', { optional: true })]]), [null])).toThrow(/ES_NULL_KEY/)
  })

  it.each(['FLOAT64', 'BOOLEAN', 'BYTES'] as const)('rejects a key of type %s', (type) => {
    expect(() => documentId(primitive(type), type === 'BYTES' ? new Uint8Array(1) : true)).toThrow(
      `${type} is not supported as the document id`,
    )
  })

  it('is topic, partition and offset where the key is ignored', () => {
    const record = { ...new MemoryLog().append({ topic: 'Orders', partition: 3 }), originalOffset: 12345 }
    expect(positionId(record)).toBe('Orders+3+12345')
    expect(positionId(Object.assign(record, { topic: 'routed', partition: 0, offset: 0 }))).toBe('Orders+3+12345')
  })
})

describe('the index of a topic', () => {
  it.each([
    ['Shop.Public.Orders', 'shop.public.orders'],
    ['_orders', 'orders'],
    ['-orders', 'orders'],
    ['.', 'dot'],
    ['..', 'dotdot'],
    ['a'.repeat(300), 'a'.repeat(255)],
  ])('%s is %s', (topic, index) => {
    expect(indexName(topic)).toEqual({ name: index, problem: null })
  })

  it.each([
    ['__orders', "begins with '_'"],
    ['a:b', "holds ':'"],
    ['a b', "holds ' '"],
    ['_', 'empty'],
    ['+a', "begins with '+'"],
  ])('%s has none: %s', (topic, problem) => {
    expect(indexName(topic).problem).toContain(problem)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classify, succeeded, type BulkItem } from '../../../../connectors/elasticsearch-sink/bulk/bulk-response.ts'
import { toRepeat } from '../../../../connectors/elasticsearch-sink/bulk/bulk-sender.ts'
import { BulkBodyArena, textOf } from '../../../../connectors/elasticsearch-sink/bulk/bulk-body-arena.ts'
import {
  BulkActionEncoder,
  type BulkAction,
  type Operation,
} from '../../../../connectors/elasticsearch-sink/bulk/operation.ts'
import { PartitionProgress } from '../../../../connectors/elasticsearch-sink/ordering/partition-progress.ts'

function operation(id: string, version: number | null, kind: Operation['kind'] = 'index'): Operation {
  const progress = new PartitionProgress({ topic: 'orders', partition: 0 })
  return {
    kind,
    index: 'orders',
    id,
    routing: null,
    version,
    timestamp: 0,
    weight: 0,
    mark: progress.begin(0),
    progress,
    lines: null,
    draft: null,
    barrier: 'none',
    missing: null,
  }
}

const failed = (status: number, type: string): BulkItem => ({ index: { status, error: { type, reason: 'because' } } })

describe('an item of a bulk response', () => {
  it('whose pipeline is missing is no malformed document', () => {
    const error = { type: 'illegal_argument_exception', reason: 'pipeline with id [p] does not exist' }
    expect(classify({ index: { status: 400, error } }, operation('1', 5)).kind).toBe('refused')
  })

  const versioned = operation('1', 5)
  it('is not lost when a data stream has its document already', () => {
    const item: BulkItem = { create: { status: 409, error: { type: 'version_conflict_engine_exception' } } }
    expect(classify(item, operation('1', null, 'create'))).toEqual({ kind: 'exists' })
  })

  it.each<[string, BulkItem, string]>([
    ['an applied write', { index: { status: 201 } }, 'done'],
    ['a delete of a document that is not there', { delete: { status: 404 } }, 'done'],
    [
      'a conflict of versions',
      {
        index: {
          status: 409,
          error: { type: 'version_conflict_engine_exception', reason: 'current version [7] is higher' },
        },
      },
      'superseded',
    ],
    ['a conflict that names no version', failed(409, 'version_conflict_engine_exception'), 'refused'],
    ['a full queue', failed(429, 'es_rejected_execution_exception'), 'unavailable'],
    ['a missing shard', failed(503, 'unavailable_shards_exception'), 'unavailable'],
    ['a block on the index', failed(403, 'cluster_block_exception'), 'unavailable'],
    ['a node that is not connected', failed(500, 'node_not_connected_exception'), 'unavailable'],
    ['a shard that was closed', failed(500, 'already_closed_exception'), 'unavailable'],
    ['a shard that moves', failed(404, 'shard_not_found_exception'), 'unavailable'],
    ['a shard that starts', failed(404, 'illegal_index_shard_state_exception'), 'unavailable'],
    ['a tripped breaker', failed(429, 'circuit_breaking_exception'), 'unavailable'],
    ['a full disk', failed(429, 'cluster_block_exception'), 'unavailable'],
    ['a missing index', failed(404, 'index_not_found_exception'), 'no-index'],
    ['a document that does not fit (8, 9)', failed(400, 'document_parsing_exception'), 'malformed'],
    ['a document that does not fit (7, OpenSearch)', failed(400, 'mapper_parsing_exception'), 'malformed'],
    ['a refusal', failed(403, 'security_exception'), 'refused'],
  ])('for %s is %s', (_name, item, kind) => {
    expect(classify(item, versioned).kind).toBe(kind)
  })

  it('is not a harmless conflict where the write had no version', () => {
    expect(classify(failed(409, 'version_conflict_engine_exception'), operation('1', null)).kind).toBe('refused')
  })

  it.each([
    ['[1]: version conflict, current version [849607860224] is higher than the one provided [5]', 849_607_860_224],
    ['[1]: version conflict, current version [9007199254740993] is higher than the one provided [5]', 2n ** 53n + 1n],
  ])('names the stored version of a conflict: %s', (reason, stored) => {
    const item = { index: { status: 409, error: { type: 'version_conflict_engine_exception', reason } } }
    expect(classify(item, versioned)).toEqual({ kind: 'superseded', stored })
  })

  it('of an unknown type is retried with every 5xx, 408 and 429, and final with every other 4xx', () => {
    const type = fc.stringMatching(/^[a-z_]{1,30}$/).map((name) => `unheard_${name}`)
    fc.assert(
      fc.property(fc.integer({ min: 400, max: 599 }), type, (status, name) => {
        fc.pre(status !== 409)
        const passing = status >= 500 || status === 408 || status === 429
        expect(classify(failed(status, name), versioned).kind).toBe(passing ? 'unavailable' : 'refused')
      }),
    )
  })

  it('keeps Elasticsearch’s reason and its cause', () => {
    const item: BulkItem = {
      index: { status: 400, error: { type: 'a', reason: 'b', caused_by: { type: 'c', reason: 'd' } } },
    }
    expect(classify(item, versioned)).toMatchObject({ reason: 'a: b (c: d)' })
  })
})

describe('the operations to resend after a failure', () => {
  it.each([
    ['without versions', [null, null, null]],
    ['with rising versions', [1, 2, 3]],
    ['with equal versions', [5, 5, 5]],
  ])('is every later write of the document too, %s', (_name, [one, other, two]) => {
    const all = [operation('1', one ?? null), operation('2', other ?? null), operation('1', two ?? null, 'delete')]
    const [first, , third] = all
    expect(toRepeat(all, new Set(all.slice(0, 1)))).toEqual([first, third])
  })

  it('include no write before the failed one, and none of a document whose id Elasticsearch chooses', () => {
    const [first, second] = [operation('1', 1), operation('1', 2)]
    const unnamed: Operation[] = [
      { ...operation('', null), id: null },
      { ...operation('', null), id: null },
    ]
    expect(toRepeat([first, second, ...unnamed], new Set([second, ...unnamed.slice(0, 1)]))).toEqual([
      second,
      unnamed[0],
    ])
  })
})

describe('the response to a bulk request', () => {
  const answer = (items: number): string =>
    `{"errors":false,"items":[${Array.from({ length: items }, () => '{"index":{"status":201}}').join(',')}]}`

  it('reports success only when it is complete, without errors, and for the same number of operations', () => {
    expect(succeeded(answer(3), 3)).toBe(true)
    expect(succeeded(answer(2), 3)).toBe(false)
    expect(succeeded(answer(3).slice(0, -1), 3)).toBe(false)
    expect(succeeded(answer(3).replace('false', 'true'), 3)).toBe(false)
    expect(succeeded('<html>proxy</html>', 0)).toBe(false)
  })
})

describe('the lines of a bulk body', () => {
  const encoder = new BulkActionEncoder(new BulkBodyArena(), 5)
  const encode = (action: BulkAction, source = '') => textOf(encoder.encode(action, source))

  it('carry a version as external_gte, and never on an update', () => {
    expect(encode({ kind: 'index', index: 'orders', id: '1', routing: null, version: 7 }, '{"a":1}')).toBe(
      '{"index":{"_index":"orders","_id":"1","version":7,"version_type":"external_gte"}}\n{"a":1}\n',
    )
    expect(encode({ kind: 'delete', index: 'orders', id: '1', routing: null, version: 7 })).toBe(
      '{"delete":{"_index":"orders","_id":"1","version":7,"version_type":"external_gte"}}\n',
    )
    expect(encode({ kind: 'update', index: 'orders', id: '1', routing: null, version: null }, '{"a":1}')).toBe(
      '{"update":{"_index":"orders","_id":"1","retry_on_conflict":5}}\n{"doc":{"a":1},"doc_as_upsert":true}\n',
    )
  })

  it('carry the routing of a document', () => {
    expect(encode({ kind: 'create', index: 'orders', id: '1', routing: 'a"b', version: null }, '{}')).toBe(
      '{"create":{"_index":"orders","routing":"a\\"b","_id":"1"}}\n{}\n',
    )
  })

  it('leave the id to Elasticsearch when there is none, and follow the index from one operation to the next', () => {
    expect(encode({ kind: 'index', index: 'a', id: null, routing: null, version: null }, '{}')).toBe(
      '{"index":{"_index":"a"}}\n{}\n',
    )
    expect(encode({ kind: 'index', index: 'b', id: null, routing: null, version: null }, '{}')).toBe(
      '{"index":{"_index":"b"}}\n{}\n',
    )
  })
})

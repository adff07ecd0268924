import { primitive, struct, type ConnectValue, type Schema, type SinkRecord } from 'penstock/api'
import { beforeEach, describe, expect, it } from 'vitest'
import { documentId } from '../../../../connectors/elasticsearch-sink/document/document-id.ts'
import { formerId, KeyChanges } from '../../../../connectors/elasticsearch-sink/ordering/key-changes.ts'
import { firstRowVersion, type Version } from '../../../../connectors/elasticsearch-sink/document/document-version.ts'
import type { Operation } from '../../../../connectors/elasticsearch-sink/bulk/operation.ts'
import { PartitionProgress } from '../../../../connectors/elasticsearch-sink/ordering/partition-progress.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { MemoryLog } from '../../../support/task/sink-task-harness.ts'

let emitted: Operation[]
let clock: ManualClock
let changes: KeyChanges
let progress: PartitionProgress
const log = new MemoryLog()

function add(
  kind: Operation['kind'],
  id: string,
  header: string | null = null,
  { holes = false, version = 1 }: { readonly holes?: boolean; readonly version?: Version } = {},
): Operation {
  const headers = header === null ? [] : [{ key: `__debezium.${header}`, schema: null, value: 'x' }]
  const record = log.append({ topic: 't', headers })
  const operation: Operation = {
    kind,
    index: 'i',
    id,
    routing: null,
    version,
    timestamp: 0,
    weight: 0,
    mark: progress.begin(record.originalOffset),
    progress,
    lines: null,
    draft: holes
      ? { source: '{}', holes: ['body'], from: formerId(record, documentId), fromRouting: null, ahead: null }
      : null,
    barrier: 'none',
    missing: null,
  }
  changes.add(operation, record)
  return operation
}

beforeEach(() => {
  emitted = []
  clock = new ManualClock()
  changes = new KeyChanges((operation) => emitted.push(operation), clock)
  progress = new PartitionProgress({ topic: 't', partition: 0 })
  progress.shared = false
})

describe('the deletion of an old key', () => {
  it('follows the creation that copies its values, with its tombstone, at a barrier', () => {
    const [deletion, tombstone] = [add('delete', '1', 'newkey'), add('delete', '1')]
    expect(emitted).toEqual([])
    const creation = add('index', '2', 'oldkey', { holes: true })
    expect(emitted).toEqual([creation, deletion, tombstone])
    expect(emitted.map(({ barrier }) => barrier)).toEqual(['others', 'all', 'none'])
    expect(creation.draft?.from).toBe('1')
  })

  it.each([
    ['a creation that has all its values', () => add('index', '2', 'oldkey')],
    ['another record', () => add('index', '3', null, { holes: true })],
    ['the deletion of another document', () => add('delete', '3')],
  ])('is not held back by %s', (_name, next) => {
    const deletion = add('delete', '1', 'newkey')
    expect(emitted).toEqual([])
    const other = next()
    expect(emitted).toEqual([deletion, other])
    expect(emitted.map(({ barrier }) => barrier)).toEqual(['none', 'none'])
  })

  it('waits in one partition for as long as the source takes, and elsewhere for ten seconds', () => {
    const deletion = add('delete', '1', 'newkey')
    clock.advance(3_600_000)
    expect([changes.releaseLate(), emitted]).toEqual([null, []])
    progress.shared = true
    clock.advance(-3_600_000 + 4000)
    expect([changes.releaseLate(), emitted]).toEqual([6000, []])
    clock.advance(6000)
    expect([changes.releaseLate(), emitted]).toEqual([null, [deletion]])
  })

  it('is reported with its record once it has waited for long, with the same text until it is released', () => {
    const offset = log.records.get('t-0')?.length
    expect(changes.overdue()).toEqual({ text: null, within: null })
    const began = new Date(clock.now()).toISOString()
    add('delete', '1', 'newkey')
    clock.advance(4000)
    expect(changes.overdue()).toEqual({ text: null, within: 6000 })
    clock.advance(6000)
    const { text } = changes.overdue()
    expect(text).toContain(`document '1' of index 'i' (record t-0@${offset}) has waited since ${began}`)
    clock.advance(60_000)
    expect(changes.overdue().text).toBe(text)
    add('index', '2', 'oldkey', { holes: true })
    expect(changes.overdue()).toEqual({ text: null, within: null })
  })

  it('is not that of another key change whose creation comes in its partition', () => {
    const at = (change: number): Version => BigInt(firstRowVersion + change)
    progress.shared = true
    const deletion = add('delete', '1', 'newkey', { version: at(1) })
    const creation = add('index', '2', 'oldkey', { holes: true, version: at(2) })
    expect(emitted).toEqual([deletion, creation])
    expect([deletion.barrier, creation.barrier, creation.draft?.from]).toEqual(['none', 'others', 'x'])
  })

  it('is not held back where the creation was dropped', () => {
    const deletion = add('delete', '1', 'newkey')
    changes.release(progress)
    expect(emitted).toEqual([deletion])
  })

  it('is forgotten with its partition: it is read again', () => {
    add('delete', '1', 'newkey')
    changes.forget(progress)
    const other = add('index', '3')
    expect(emitted).toEqual([other])
  })
})

describe('the deletion of an old key that the source resends', () => {
  const at = (change: number): Version => BigInt(firstRowVersion + change)
  const goes = (id: string, change: number): Operation => add('delete', id, 'newkey', { version: at(change) })
  const comes = (id: string, change: number): Operation =>
    add('index', id, 'oldkey', { holes: true, version: at(change) })
  const other = (id: string, change: number): Operation => add('index', id, null, { holes: true, version: at(change) })

  it('waits through earlier changes, their key changes too, for its creation', () => {
    const sent = goes('1', 9)
    const earlier = other('3', 4)
    const [gone, come] = [goes('5', 6), comes('6', 6)]
    expect(emitted).toEqual([earlier, come, gone])
    changes.releaseSkipped()
    const again = goes('1', 9)
    const creation = comes('2', 9)
    expect(emitted.slice(3)).toEqual([creation, sent, again])
    expect(emitted.slice(3).map(({ barrier }) => barrier)).toEqual(['others', 'all', 'none'])
    expect(creation.draft?.from).toBe('1')
  })

  it('waits where the source is killed again and again', () => {
    const sent = goes('1', 9)
    clock.advance(20_000)
    const second = goes('5', 6)
    const third = goes('1', 2)
    expect(emitted).toEqual([])
    expect(changes.overdue().text).toMatch(/document '1' .* was stopped after it and resends earlier changes/)
    const again = goes('1', 2)
    const creation = comes('4', 2)
    expect(emitted).toEqual([creation, third, again])
    const [gone, come] = [goes('5', 6), comes('6', 6)]
    expect(emitted.slice(3)).toEqual([come, second, gone])
    const [last, end] = [goes('1', 9), comes('2', 9)]
    expect(emitted.slice(6)).toEqual([end, sent, last])
  })

  it('is released when the source has passed its change without it', () => {
    const sent = goes('1', 9)
    const earlier = other('3', 4)
    const later = other('3', 10)
    expect(emitted).toEqual([earlier, sent, later])
  })

  it('waits where the changes of a very large transaction share a version, and is released for a creation that has all values', () => {
    const sent = goes('1', 9)
    const same = other('3', 9)
    expect(emitted).toEqual([same])
    const again = goes('1', 9)
    const creation = add('index', '2', 'oldkey', { version: at(9) })
    expect(emitted).toEqual([same, sent, again, creation])
  })
})

describe('the former id of a document', () => {
  const recordWith = (schema: Schema | null, value: ConnectValue): SinkRecord =>
    log.append({ topic: 't', headers: [{ key: '__debezium.oldkey', schema, value }] })

  it.each<[string, Schema | null, ConnectValue, string | null]>([
    ['a struct', struct([['id', primitive('INT32')]]), [7], '7'],
    ['a map', null, new Map([['id', 7]]), '7'],
    [
      'a map of two',
      null,
      new Map<string, ConnectValue>([
        ['a', 7],
        ['b', 'x'],
      ]),
      '[7,"x"]',
    ],
    ['an object', null, { id: 9_007_199_254_740_993n }, '9007199254740993'],
    ['nothing', null, null, null],
    ['what makes no id', null, true, null],
  ])('is read from %s', (_name, schema, value, id) => {
    expect(formerId(recordWith(schema, value), documentId)).toBe(id)
  })
})

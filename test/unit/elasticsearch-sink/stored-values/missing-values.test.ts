import type { SinkTaskContext } from 'penstock/api'
import { beforeEach, describe, expect, it } from 'vitest'
import { BulkBodyArena } from '../../../../connectors/elasticsearch-sink/bulk/bulk-body-arena.ts'
import { MissingValues } from '../../../../connectors/elasticsearch-sink/stored-values/missing-values.ts'
import { BulkActionEncoder, type Operation } from '../../../../connectors/elasticsearch-sink/bulk/operation.ts'
import { PartitionProgress } from '../../../../connectors/elasticsearch-sink/ordering/partition-progress.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'

const encoder = new BulkActionEncoder(new BulkBodyArena(), 1)
let progress: PartitionProgress
let conditions: Map<string, string>
let lost: number
let passed: number
let values: MissingValues

/** An applied write of document `1`. */
function apply(kind: Operation['kind'], missing: readonly string[] | null, source = '{}'): void {
  const mark = progress.begin(progress.delivered++)
  const written = encoder.encode({ kind, index: 'i', id: '1', routing: null, version: 1 }, source)
  const rest = { routing: null, version: 1, timestamp: 0, weight: 0, draft: null, barrier: 'none' as const }
  values.applied([{ kind, index: 'i', id: '1', mark, progress, lines: written, missing, ...rest }])
}

const shown = (): string | undefined => conditions.get('ES_VALUES_MISSING')

beforeEach(() => {
  progress = new PartitionProgress({ topic: 't', partition: 0 })
  conditions = new Map()
  lost = 0
  passed = 0
  const context: Partial<SinkTaskContext> = {
    logger: quietLogger(),
    clock: new ManualClock(),
    metrics: {
      counter: () => ({ add: (value) => void (lost += value) }),
      gauge: () => ({ set: () => undefined, remove: () => undefined }),
      histogram: () => ({ observe: () => undefined }),
    },
    wakeWithin: () => undefined,
    setCondition: (code, text) => void (text === null ? conditions.delete(code) : conditions.set(code, text)),
  }
  values = new MissingValues(context as SinkTaskContext, {
    end: () => 10,
    passed: (_progress, offset) => passed >= offset,
    now: () => 0,
    reached: () => false,
  })
})

describe('a value that no document holds', () => {
  it('is a loss once the partition is read to where it ended, and stays one through writes that lack it too', () => {
    apply('index', ['body'])
    values.look()
    expect([shown(), lost]).toEqual([undefined, 0])
    passed = 10
    values.look()
    expect(shown()).toContain("document '1' of index 'i' has no 'body' (record t-0@0)")
    apply('index', ['body'])
    apply('update', null, '{"other":1}')
    values.look()
    expect([conditions.size, lost]).toEqual([1, 1])
  })

  it.each([
    ['an update that holds it', () => apply('update', null, '{"body":"x"}')],
    ['a whole document', () => apply('index', null)],
    ['a deletion', () => apply('delete', null)],
  ])('is over with %s, before and after it counted as a loss', (_name, act) => {
    for (const expected of [0, 1]) {
      apply('index', ['body'])
      passed = expected * 10
      values.beforeCommit(progress, progress.delivered)
      expect(shown()).toContain("document '1'")
      act()
      values.look()
      expect([shown(), lost]).toEqual([undefined, expected])
    }
  })

  it('is no longer reported when its partition moves to another task, and stays when the partition is read again from a later offset', () => {
    apply('index', ['body'])
    passed = 10
    values.look()
    values.forget(progress, 1)
    values.look()
    expect(conditions.size).toBe(1)
    values.forget(progress)
    values.look()
    expect(conditions.size).toBe(0)
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { plugin } from '../../../connectors/elasticsearch-sink/index.ts'
import { ElasticsearchSinkTask } from '../../../connectors/elasticsearch-sink/task.ts'
import { stubConfig, StubElasticsearch } from '../../support/elasticsearch/stub-elasticsearch.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { KeptReports } from '../../support/task/kept-reports.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'
import { until } from '../../support/until.ts'

let stub: StubElasticsearch
let log: MemoryLog
let clock: ManualClock
const tasks: SinkTaskHarness[] = []

beforeEach(async () => {
  stub = await StubElasticsearch.start()
  log = new MemoryLog()
  clock = new ManualClock()
})
afterEach(async () => {
  for (const task of tasks.splice(0)) await task.crash()
  await stub.close()
})

/** Adds records, whose offsets continue. */
function append(count: number): void {
  for (let i = 0; i < count; i += 1) {
    const n = log.records.get('orders-0')?.length ?? 0
    log.append({ topic: 'orders', key: String(n), value: { n } })
  }
}

async function started(
  more: Record<string, string> = {},
  reporter: KeptReports | null = null,
): Promise<SinkTaskHarness> {
  const config = { ...stubConfig(stub, 'orders'), 'key.ignore': 'false', 'behavior.on.version.conflict': 'ignore' }
  const task = new SinkTaskHarness(plugin, { ...config, ...more }, log, clock)
  tasks.push(task)
  task.reporter = reporter
  await task.start()
  return task
}

/** Time passes until the condition holds. */
async function passes(what: string, holds: () => boolean): Promise<void> {
  await until(what, () => {
    clock.advance(1000)
    return holds()
  })
}

const written = (): readonly number[] => stub.applied.map((line) => JSON.parse(line.split(' ')[2] ?? '').n as number)
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n)
const small = { 'batch.size': '2', 'max.in.flight.requests': '1', 'max.buffered.records': '4' }

describe('a put of the Elasticsearch sink', () => {
  it('gives the batch back while its memory is full, and applies each record once', async () => {
    stub.holds = (request) => request.includes('_bulk')
    append(20)
    const task = await started(small)
    let isHeld = true
    const running = task.runUntil(
      'all are taken',
      () => !isHeld && task.position({ topic: 'orders', partition: 0 }) === 20,
    )
    await passes('it is given back', () => task.refusals > 0)
    expect(task.refusal).toMatchObject({ code: 'ES_BUFFER_FULL' })
    expect(task.refusal?.message).toContain('4 operations wait for Elasticsearch')
    expect(await task.commit()).toEqual([])
    stub.holds = () => false
    stub.dropRequests()
    isHeld = false
    await passes('they are written', () => stub.applied.length >= 20)
    await running
    expect([...written()].toSorted((a, b) => a - b)).toEqual(upTo(20))
    await until('all are committed', async () => {
      await task.commit()
      return log.committed.get('orders-0') === 20
    })
  })

  it('gives the batch back while the index of a record is not ready, and asks for it once', async () => {
    let asked = 0
    stub.holds = (request) => {
      if (request.includes('_settings')) asked += 1
      return request.includes('_settings')
    }
    append(3)
    const task = await started({ 'read.timeout.ms': '3600000' })
    const running = task.runUntil('all are taken', () => task.position({ topic: 'orders', partition: 0 }) === 3)
    await passes('it is given back again and again', () => task.refusals > 2)
    expect(task.refusal).toMatchObject({ code: 'ES_INDEX_WAITS' })
    expect(task.refusal?.message).toContain('record orders-0@0')
    expect(asked).toBe(1)
    stub.holds = () => false
    stub.dropRequests()
    await passes('they are written', () => stub.applied.length >= 3)
    await running
    expect(written()).toEqual(upTo(3))
  })

  it('gives the batch back while requests are in flight and a partition is to be read again, and reads it then', async () => {
    log.append({ topic: 'orders', partition: 1, key: '0', value: { n: 0 } })
    append(1)
    log.append({ topic: 'orders', key: 'met', value: { n: 1, met: true } })
    stub.conflicts = (text) => text.includes('"met"')
    const task = new SinkTaskHarness(
      { ...plugin, createTask: () => new ElasticsearchSinkTask({ entries: 0, bytes: 0 }) },
      { ...stubConfig(stub, 'orders'), 'key.ignore': 'false', 'behavior.on.version.conflict': 'warn' },
      log,
      clock,
    )
    tasks.push(task)
    await task.start()
    await task.deliver()
    await passes('the conflict', () => task.counters.has('elasticsearch_conflicts_total'))
    stub.holds = (request) => request.includes('_bulk')
    stub.conflicts = () => false
    log.append({ topic: 'orders', partition: 1, key: '2', value: { n: 2 } })
    const running = task.runUntil('the document is applied', () => written().includes(1))
    await passes('it is given back', () => task.refusals > 0)
    expect(task.refusal).toMatchObject({ code: 'ES_REREAD_WAITS' })
    stub.holds = () => false
    stub.dropRequests()
    await passes('it is read again', () => written().includes(1))
    await running
    expect(written().filter((n) => n === 2)).toEqual([2])
  })

  it('returns although the reports of records are not durable, and those behind them are applied', async () => {
    stub.rejects = (text) => text.includes('"n":1}')
    append(2)
    log.append({ topic: 'orders', key: null, value: { n: 2 } })
    const kept = new KeptReports()
    kept.hold()
    const task = await started({ 'max.in.flight.requests': '1' }, kept)
    await task.deliver()
    await passes('the reports', () => kept.reports.length === 2)
    expect(new Set(kept.reports.map((report) => report.split(':')[0]))).toEqual(new Set(['orders-0@1', 'orders-0@2']))
    log.append({ topic: 'orders', key: '3', value: { n: 3 } })
    await task.deliver()
    await passes('the record behind them', () => written().includes(3))
    kept.release()
  })
})

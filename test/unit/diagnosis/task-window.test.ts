import { describe, expect, it } from 'vitest'

import type { Sample } from '../../../src/foundation/metrics/meters.ts'
import { TaskWindow } from '../../../src/diagnosis/flow/task-window.ts'

const sample = (kind: 'counter' | 'gauge', name: string, value: number): Sample => ({ kind, name, help: '', value })

/** Measurements of a sink, one a second. */
function measured(
  points: readonly { readonly sent: number; readonly lags: readonly number[]; readonly partitions?: number }[],
) {
  const window = new TaskWindow()
  for (const [second, { sent, lags, partitions = 1 }] of points.entries()) {
    const all = lags.map((lag) => sample('gauge', 'sink_lag_records', lag))
    const samples = [
      sample('counter', 'sink_records_sent_total', sent),
      sample('gauge', 'sink_partitions', partitions),
      ...all,
    ]
    window.take(samples, second * 1000)
  }
  return window
}

describe('the measurements of a task', () => {
  it('are none before the first', () => {
    expect(new TaskWindow().flow(0)).toBeNull()
  })

  it('say how fast records move, and how the lag of all partitions changes', () => {
    const window = measured(Array.from({ length: 11 }, (_, i) => ({ sent: i * 100, lags: [i * 10, i * 20] })))
    expect(window.flow(10_000)).toMatchObject({
      seconds: 10,
      recordsPerSecond: 100,
      lagRecords: 300,
      lagPerSecond: 30,
      idleSeconds: 0,
      stalledSeconds: 0,
    })
  })

  it('forget what is older than half a minute', () => {
    const window = measured(Array.from({ length: 100 }, (_, i) => ({ sent: i < 60 ? 0 : (i - 59) * 10, lags: [0] })))
    expect(window.flow(99_000)?.recordsPerSecond).toBeCloseTo(10)
    expect(window.flow(99_000)?.seconds).toBeLessThan(33)
  })

  it('say since when records wait and none moves: not since when nothing was there to move', () => {
    const points = Array.from({ length: 40 }, (_, i) => ({ sent: 7, lags: [i < 30 ? 0 : 3] }))
    expect(measured(points).flow(40_000)).toMatchObject({ idleSeconds: 40, stalledSeconds: 11 })
    expect(measured([...points, { sent: 8, lags: [2] }]).flow(40_000)).toMatchObject({
      idleSeconds: 0,
      stalledSeconds: 0,
    })
  })

  it('say since when the task holds no partition', () => {
    const points = Array.from({ length: 10 }, (_, i) => ({ sent: 0, lags: [], partitions: i < 4 ? 1 : 0 }))
    expect(measured(points).flow(9000)?.withoutPartitionsSeconds).toBe(6)
  })

  it('of a source wait while a change is not durable', () => {
    const window = new TaskWindow()
    for (let second = 0; second < 20; second += 1) {
      const behind = Math.max(0, second - 8)
      window.take(
        [sample('counter', 'source_records_written_total', 4), sample('gauge', 'source_behind_seconds', behind)],
        second * 1000,
      )
    }
    expect(window.flow(19_000)).toMatchObject({ lagRecords: null, behindSeconds: 11, stalledSeconds: 11 })
  })
})

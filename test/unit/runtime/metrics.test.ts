import { describe, expect, it } from 'vitest'

import { prometheusText } from '../../../src/foundation/metrics/prometheus-text.ts'
import { Meters } from '../../../src/foundation/metrics/meters.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { TaskSampleTable } from '../../../src/runtime/metrics/task-sample-table.ts'

const id = (connector: string) => ({ connector, task: 0 })

describe('the metrics of tasks', () => {
  it('are one instrument per name', () => {
    const meters = new Meters()
    meters.counter('records_total', 'Records').add(2)
    meters.counter('records_total', 'Records').add(3)
    expect(meters.samples()).toEqual([{ kind: 'counter', name: 'records_total', help: 'Records', value: 5 }])
  })

  it('show in Prometheus text with their task, families together', () => {
    const table = new TaskSampleTable(systemClock)
    for (const [name, value] of [
      ['a', 1],
      ['b"\\\n', 2.5],
    ] as const) {
      const meters = new Meters()
      meters.gauge('lag', 'Records behind\nthe end').set(value)
      table.take(id(name), meters.samples())
    }
    expect(prometheusText(table.labelled())).toBe(
      [
        '# HELP penstock_lag Records behind\\nthe end',
        '# TYPE penstock_lag gauge',
        'penstock_lag{connector="a",task="0"} 1',
        'penstock_lag{connector="b\\"\\\\\\n",task="0"} 2.5',
        '',
      ].join('\n'),
    )
    table.forget(id('a'))
    expect(prometheusText(table.labelled())).not.toContain('connector="a"')
  })

  it('count in cumulative buckets', () => {
    const meters = new Meters()
    const histogram = meters.histogram('put_seconds', 'Time', [0.1, 1])
    for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe(value)
    const text = prometheusText(meters.samples().map((sample) => ({ sample, labels: {} })))
    expect(text.split('\n').slice(2, -1)).toEqual([
      'penstock_put_seconds_bucket{le="0.1"} 2',
      'penstock_put_seconds_bucket{le="1"} 3',
      'penstock_put_seconds_bucket{le="+Inf"} 4',
      'penstock_put_seconds_sum 7.65',
      'penstock_put_seconds_count 4',
    ])
  })
})

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, describe, expect, it } from 'vitest'

import { describeWith, service } from '../../support/services.ts'
import { alertRules, checkRules, firingFaults, metricsIn, type Series } from '../../support/worker/alert-rules.ts'
import { eventually, workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

const read = (path: string): string => readFileSync(new URL(`../../../docs/${path}`, import.meta.url), 'utf8')
const task = 'connector="shop",task="0"'
/** A worker that is well: what each test changes. */
const healthy: Readonly<Record<string, string>> = {
  'up{job="penstock",instance="w"}': '1+0x60',
  [`penstock_task_state{${task},state="RUNNING"}`]: '1+0x60',
  [`penstock_sink_lag_records{${task},topic="t",partition="0"}`]: '20+0x60',
  [`penstock_sink_records_sent_total{${task}}`]: '0+600x60',
  [`penstock_source_behind_seconds{${task}}`]: '1+0x60',
  [`penstock_source_wal_retained_bytes{${task}}`]: '1000000+0x60',
  'penstock_broker_disk_free_bytes{instance="w"}': '100000000000+0x60',
  'penstock_broker_offline_partitions{instance="w"}': '0+0x60',
  [`penstock_task_error_dead_letter_requests_total{${task}}`]: '7+0x60',
}
/** For each alert, what makes it fire. */
const faults: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  PenstockWorkerDown: { 'up{job="penstock",instance="w"}': '0+0x60' },
  PenstockTaskFailed: { [`penstock_task_state{${task},state="FAILED"}`]: '1+0x60' },
  PenstockConnectorFailed: { 'penstock_connector_state{connector="shop",state="FAILED"}': '1+0x60' },
  PenstockTaskUnassigned: { [`penstock_task_state{${task},state="UNASSIGNED"}`]: '1+0x60' },
  PenstockRestartsAgain: { [`penstock_automatic_restarts_total{${task}}`]: '0+1x60' },
  PenstockTaskWaits: { [`penstock_task_waiting{${task},call="put"}`]: '1+0x60' },
  PenstockCondition: { 'penstock_broker_condition{code="BROKER_DISK_FULL",instance="w"}': '1+0x60' },
  PenstockSinkStands: { [`penstock_sink_records_sent_total{${task}}`]: '500+0x60' },
  PenstockSinkFallsBehind: { [`penstock_sink_lag_records{${task},topic="t",partition="0"}`]: '20000+100x60' },
  PenstockSourceBehind: { [`penstock_source_behind_seconds{${task}}`]: '400+0x60' },
  PenstockWalRetained: { [`penstock_source_wal_retained_bytes{${task}}`]: '20000000000+0x60' },
  PenstockDeadLetters: { [`penstock_task_error_dead_letter_requests_total{${task}}`]: '0+1x60' },
  PenstockRecordsSkipped: { [`penstock_task_error_records_skipped_total{${task}}`]: '0+1x60' },
  PenstockOffsetsSkipped: { [`penstock_sink_offsets_skipped_total{${task}}`]: '0+5x60' },
  PenstockDiskAlmostFull: { 'penstock_broker_disk_free_bytes{instance="w"}': '1000000000+0x60' },
  PenstockPartitionsOffline: { 'penstock_broker_offline_partitions{instance="w"}': '1+0x60' },
}

const seriesOf = (values: Readonly<Record<string, string>>): readonly Series[] =>
  Object.entries(values).map(([series, given]) => ({ series, values: given }))

describe('the rules and the dashboard', () => {
  it('name metrics that exist', () => {
    const documented = new Set(
      [...read('reference/metrics.md').matchAll(/^\| `(penstock_\w+)`/gm)].map(([, name]) => name),
    )
    const named = [...alertRules().map(({ expr }) => expr), read('operate/grafana-dashboard.json')].flatMap(metricsIn)
    expect(named.length).toBeGreaterThan(40)
    expect(named.filter((name) => !documented.has(name))).toEqual([])
  })

  it('say what to do', () => {
    for (const { alert, labels, annotations } of alertRules()) {
      expect(Object.keys(annotations), alert).toEqual(['summary', 'action'])
      expect(['critical', 'warning']).toContain(labels['severity'])
    }
  })
})

describeWith(['promtool'], 'the alert rules', () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-alerts-'))
  const firing = (series: readonly Series[], alerts: readonly string[]): string =>
    firingFaults(service('promtool'), directory, series, alerts)

  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it('are valid, and each has a fault here', () => {
    expect(checkRules(service('promtool'))).toContain(`SUCCESS: ${alertRules().length} rules found`)
    expect(Object.keys(faults)).toEqual(alertRules().map(({ alert }) => alert))
  })

  it('do not fire for a worker that is well', () => {
    expect(firing(seriesOf(healthy), [])).toBe('')
  })

  it.each(Object.entries(faults))('%s fires for its fault, and no other one does', (alert, fault) => {
    expect(firing(seriesOf({ ...healthy, ...fault }), [alert])).toBe('')
  })

  it('fire for a task that has failed, by the metrics of a real worker', async () => {
    const worker = await WorkerProcess.start(await workerPlace(join(directory, 'log')))
    try {
      const file = join(directory, 'none', 'file')
      await worker.post('broken', { 'connector.class': 'FileStreamSink', topics: 'lines', file })
      const page = await eventually('the task has failed', 60_000, async () => {
        const text = await (await fetch(`${worker.place.rest}/metrics`)).text()
        return text.includes('penstock_task_state{connector="broken",task="0",state="FAILED"} 1') ? text : null
      })
      const used = new Set(alertRules().flatMap(({ expr }) => metricsIn(expr)))
      const lines = page.split('\n').map((line) => /^((\w+)(?:\{.*\})?) (\S+)$/.exec(line))
      const series = lines.flatMap((found) => {
        const [, name = '', metric = '', value = ''] = found ?? []
        return used.has(metric) && metric !== 'penstock_broker_disk_free_bytes'
          ? [{ series: name, values: `${value}+0x60` }]
          : []
      })
      expect(series.length).toBeGreaterThan(2)
      expect(firing(series, ['PenstockTaskFailed'])).toBe('')
    } finally {
      await worker.kill()
    }
  })
})

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { describeWith, service } from '../support/services.ts'
import { eventually, workerPlace, WorkerProcess } from '../support/worker-process.ts'

describeWith(['promtool'], 'the metrics of a worker', () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-metrics-'))
  let worker: WorkerProcess

  beforeAll(async () => {
    worker = await WorkerProcess.start(await workerPlace(join(folder, 'log')))
    const file = join(folder, 'input')
    writeFileSync(file, 'a\nb\nc\n')
    await worker.post('"quoted" ünï', { 'connector.class': 'FileStreamSource', topic: 'lines', file })
    await worker.post('sink', {
      'connector.class': 'FileStreamSink',
      topics: 'lines',
      file: join(folder, 'output'),
    })
    await eventually('the lines are through', 60_000, async () =>
      (await page()).includes('penstock_sink_records_sent_total{connector="sink",task="0"} 3') ? true : null,
    )
  })

  afterAll(async () => {
    await worker.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  const page = async (): Promise<string> => await (await fetch(`${worker.place.rest}/metrics`)).text()

  it('pass the check of promtool without a remark', async () => {
    const text = await page()
    const remarks = execFileSync(service('promtool'), ['check', 'metrics'], { input: text, encoding: 'utf8' })
    expect(remarks).toBe('')
  })

  it('are all documented, with their type', async () => {
    const types = [...(await page()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type])
    const reference = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8')
    const documented = new Map(
      [...reference.matchAll(/^\| `(penstock_\w+)`\s*\| (\w+)/gm)].map(([, name = '', type = '']) => [name, type]),
    )
    expect(types.filter(([name = '', type]) => documented.get(name) !== type)).toEqual([])
  })

  it('count requests by method and status, whatever a client sends as method', async () => {
    await fetch(`${worker.place.rest}/connectors/none`)
    const text = await page()
    expect(text).toMatch(/^penstock_http_requests_total\{method="GET",status="404"\} 1$/m)
    expect(text).toMatch(/^penstock_http_requests_total\{method="POST",status="201"\} 2$/m)
  })

  it('have the lag of each partition', async () => {
    expect(await page()).toMatch(
      /^penstock_sink_lag_records\{connector="sink",task="0",topic="lines",partition="0"\} 0$/m,
    )
  })
})

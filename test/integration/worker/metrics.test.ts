import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { describeWith, service } from '../../support/services.ts'
import { patienceMs } from '../../support/until.ts'
import { eventually, workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

describeWith(['promtool'], 'the metrics of a worker', () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-metrics-'))
  let worker: WorkerProcess

  beforeAll(async () => {
    worker = await WorkerProcess.start(await workerPlace(join(directory, 'log')))
    const file = join(directory, 'input')
    writeFileSync(file, 'a\nb\nc\n')
    await worker.post('"quoted" ünï', { 'connector.class': 'FileStreamSource', topic: 'lines', file })
    await worker.post('sink', {
      'connector.class': 'FileStreamSink',
      topics: 'lines',
      file: join(directory, 'output'),
    })
    await eventually('the lines are through', 60_000, async () =>
      (await page()).includes('penstock_sink_records_sent_total{connector="sink",task="0"} 3') ? true : null,
    )
  })

  afterAll(async () => {
    await worker.kill()
    rmSync(directory, { recursive: true, force: true })
  })

  const page = async (): Promise<string> => await (await fetch(`${worker.place.rest}/metrics`)).text()

  it('pass the check of promtool without a remark', async () => {
    const text = await page()
    const remarks = execFileSync(service('promtool'), ['check', 'metrics'], { input: text, encoding: 'utf8' })
    expect(remarks).toBe('')
  })

  it('are all documented, with their type', async () => {
    const types = [...(await page()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type])
    const reference = readFileSync(new URL('../../../docs/reference/metrics.md', import.meta.url), 'utf8')
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

  it('cover the embedded broker: its disk, its topics, its requests, their syncs, and its clients', async () => {
    const [host, port] = worker.place.broker.split(':')
    const client = connect(Number(port), host)
    const text = await eventually('the client is counted', patienceMs, async () => {
      const now = await page()
      return /^penstock_broker_connections 1$/m.test(now) ? now : null
    })
    client.destroy()
    const valueOf = (name: string): number =>
      Number(text.match(new RegExp(`^penstock_${name.replaceAll(/[{}]/g, '\\$&')} (\\S+)$`, 'm'))?.[1])
    expect(valueOf('broker_disk_free_bytes')).toBeGreaterThan(0)
    expect(valueOf('broker_partitions')).toBeGreaterThan(30) // The internal topics alone have 31.
    expect(valueOf('broker_offline_partitions')).toBe(0)
    expect(valueOf('broker_topic_bytes{topic="lines"}')).toBeGreaterThan(0)
    expect(valueOf('broker_requests_total{api="Produce"}')).toBeGreaterThan(0)
    expect(valueOf('broker_request_seconds_count{api="Produce"}')).toBe(valueOf('broker_requests_total{api="Produce"}'))
    expect(valueOf('broker_received_bytes_total')).toBeGreaterThan(0)
    expect(valueOf('broker_sent_bytes_total')).toBeGreaterThan(0)
    expect(valueOf('broker_disk_sync_seconds_count')).toBeGreaterThan(0)
  })

  it('have the lag of each partition', async () => {
    expect(await page()).toMatch(
      /^penstock_sink_lag_records\{connector="sink",task="0",topic="lines",partition="0"\} 0$/m,
    )
  })
})

import { execFileSync, spawnSync } from 'node:child_process'
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

  const connectPage = async (): Promise<string> => await (await fetch(`${worker.place.rest}/metrics/connect`)).text()

  it('have those of Kafka Connect on a page of their own, in the units of their names', async () => {
    const check = spawnSync(service('promtool'), ['check', 'metrics'], { input: await connectPage(), encoding: 'utf8' })
    const remarks = `${check.stdout}${check.stderr}`.split('\n').filter((line) => line !== '')
    expect(remarks.length).toBeGreaterThan(0)
    const ms = /^kafka_connect_\w+_ms metric names should not contain abbreviated units$/
    const unit = /^kafka_connect_\w+_ms use base unit "seconds" instead of "milliseconds"$/
    const timestamp = /^kafka_connect_task_error_last_error_timestamp /
    const count = /^kafka_connect_\w+_count non-histogram and non-summary metrics should not have "_count" suffix$/
    expect(remarks.filter((line) => ![ms, unit, timestamp, count].some((known) => known.test(line)))).toEqual([])
  })

  it('have the values of Kafka Connect under the names that the rules of the JMX exporter give', async () => {
    const text = await connectPage()
    const task = 'connector="sink",task="0"'
    for (const line of [
      `kafka_connect_sink_task_sink_record_send_total{${task}} 3`,
      `kafka_connect_task_error_total_record_errors{${task}} 0`,
      `kafka_connect_connector_task_batch_size_avg{${task}} 3`,
      `kafka_connect_connector_status{${task},status="running"} 1`,
      `kafka_connect_connector_task_status{${task},status="running"} 1`,
      'kafka_connect_connector_connector_type{connector="sink",connector_type="sink"} 1',
      'kafka_connect_worker_connector_running_task_count{connector="sink"} 1',
      'kafka_connect_worker_connector_failed_task_count{connector="sink"} 0',
      'kafka_connect_worker_connector_count 2',
      'kafka_connect_worker_task_count 2',
    ])
      expect(text).toContain(`\n${line}\n`)
    expect(text).toMatch(/^kafka_connect_sink_task_put_batch_avg_time_ms\{connector="sink",task="0"\} [\d.e-]+$/m)
    expect(text).toMatch(/^kafka_connect_source_task_source_record_write_total\{connector=".+",task="0"\} 3$/m)
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

  it('keep the counts of a task that has failed until it is stopped', async () => {
    await worker.post('failing', {
      'connector.class': 'FileStreamSink',
      topics: 'lines',
      file: join(directory, 'failing'),
      'value.converter': 'org.apache.kafka.connect.converters.LongConverter',
    })
    const text = await eventually('the task has failed', patienceMs, async () => {
      const now = await page()
      return now.includes('penstock_task_state{connector="failing",task="0",state="FAILED"}') ? now : null
    })
    expect(text).toContain('penstock_sink_records_read_total{connector="failing",task="0"} 3')
    expect(text).toContain('penstock_task_error_record_errors_total{connector="failing",task="0"} 1')
    expect(text).not.toContain('penstock_sink_lag_records{connector="failing"')
    await worker.request('DELETE', '/connectors/failing')
    await eventually('they are gone', patienceMs, async () => ((await page()).includes('"failing"') ? null : true))
  })
})

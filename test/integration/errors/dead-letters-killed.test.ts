import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, expect, it } from 'vitest'

import { ClientHarness, readAll, textOf, writeAll } from '../../contract/client-harness.ts'
import { until, untilPasses } from '../../support/until.ts'
import { WorkerProcess, workerPlace, type WorkerPlace } from '../../support/worker/worker-process.ts'

const json = 'org.apache.kafka.connect.json.JsonConverter'
const text = 'org.apache.kafka.connect.storage.StringConverter'
const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function start(place: WorkerPlace, env: Readonly<Record<string, string>> = {}): Promise<WorkerProcess> {
  const settings = { 'offset.flush.interval.ms': '100', 'session.timeout.ms': '6000' }
  const worker = await WorkerProcess.start(place, settings, env)
  cleanups.push(async () => await worker.kill())
  return worker
}

async function place(): Promise<{ readonly at: WorkerPlace; readonly directory: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-dead-letters-'))
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
  return { at: await workerPlace(join(directory, 'log')), directory }
}

async function connected(at: WorkerPlace) {
  const harness = new ClientHarness(at.broker)
  cleanups.push(async () => await harness.close())
  return await harness.connect()
}

const sink = (file: string): Record<string, string> => ({
  'connector.class': 'FileStreamSink',
  file,
  topics: 'orders',
  'key.converter': text,
  'value.converter': json,
  'value.converter.schemas.enable': 'false',
  'errors.tolerance': 'all',
  'errors.deadletterqueue.topic.name': 'orders-dlq',
  'errors.deadletterqueue.context.headers.enable': 'true',
})

it('a worker that is killed before it commits has its bad records in the dead letter queue, and commits after its restart (I9)', async () => {
  const { at, directory } = await place()
  const file = join(directory, 'out.txt')
  // Before the first commit of offsets that the sink has handed over.
  const first = await start(at, { PENSTOCK_FAIL_POINT: 'after-upload-before-commit@1' })
  const client = await connected(at)
  await client.admin.createTopic({ name: 'orders', partitions: 1, replicationFactor: 1 })
  await writeAll(client, 'orders', ['1', 'none {', '2', '[none', '3'])
  await first.post('sink', sink(file))
  await until('the worker to be killed', () => first.ended)
  const second = await start(at)
  const again = await connected(at)
  await untilPasses(async () => expect((await again.admin.groupOffsets('connect-sink'))[0]?.offset).toBe(5))
  const letters = await readAll(again, 'orders-dlq')
  expect(new Set(textOf(letters))).toEqual(new Set(['none {', '[none']))
  // Each run has read all records: nothing was committed before.
  expect(textOf(letters)).toEqual(['none {', '[none', 'none {', '[none'])
  expect(existsSync(file) && readFileSync(file, 'utf8').endsWith('1\n2\n3\n')).toBe(true)
  expect(await second.failures()).toEqual([])
  await untilPasses(async () => {
    const status = JSON.stringify(await second.request('GET', '/connectors/sink/status'))
    expect(status).toContain('ERRANT_RECORDS: ')
    expect(status).toContain('dead letter queue orders-dlq')
  })
  await untilPasses(async () => {
    const metrics = await (await fetch(`${second.place.rest}/metrics`)).text()
    const sent = 'penstock_task_error_dead_letter_requests_total{connector="sink",task="0"} 2\n'
    expect(metrics.includes(sent)).toBe(true)
  })
})

it('a worker writes no secret into the headers of a dead letter (I8)', async () => {
  const { at, directory } = await place()
  writeFileSync(join(directory, 'secret.properties'), 'word=correcthorsebattery\n')
  const worker = await WorkerProcess.start(at, {
    'config.providers': 'file',
    'config.providers.file.class': 'org.apache.kafka.common.config.provider.FileConfigProvider',
    'config.providers.file.param.allowed.paths': directory,
  })
  cleanups.push(async () => await worker.kill())
  const client = await connected(at)
  await client.admin.createTopic({ name: 'orders', partitions: 1, replicationFactor: 1 })
  await writeAll(client, 'orders', ['"correcthorsebattery"'])
  await worker.post('sink', {
    ...sink(join(directory, 'out.txt')),
    transforms: 'number',
    'transforms.number.type': 'org.apache.kafka.connect.transforms.Cast$Value',
    'transforms.number.spec': 'int32',
    'transforms.number.note': `\${file:${join(directory, 'secret.properties')}:word}`,
  })
  await untilPasses(async () => expect(await readAll(client, 'orders-dlq')).toHaveLength(1))
  const [letter] = await readAll(client, 'orders-dlq')
  // The record itself is what it was.
  expect(letter?.value?.toString()).toBe('"correcthorsebattery"')
  const headers = (letter?.headers ?? []).map(({ key, value }) => `${key}=${value?.toString() ?? ''}`).join('\n')
  expect(headers).toContain('__connect.errors.stage=TRANSFORMATION')
  expect(headers).toContain('exception.message=')
  expect(headers).not.toContain('correcthorsebattery')
})

import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, expect, it } from 'vitest'
import { eventually, workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'
import '../../support/broker/kafkajs-queue.ts'

const text = 'org.apache.kafka.connect.storage.StringConverter'
const cleanups: (() => Promise<unknown> | void)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

it('tells of an offset topic that is deleted while a source runs: in /health, to REST, in its status, and at the next start', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-internal-'))
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
  const place = await workerPlace(join(directory, 'log'))
  const worker = await WorkerProcess.start(place)
  cleanups.push(() => worker.kill())
  const file = join(directory, 'in.txt')
  appendFileSync(file, 'one\n')
  await worker.post('source', {
    'connector.class': 'FileStreamSource',
    file,
    topic: 'lines',
    'key.converter': text,
    'value.converter': text,
  })
  const get = async (path: string): Promise<string> => await (await fetch(`${worker.place.rest}${path}`)).text()
  await eventually('an offset is stored', 60_000, async () =>
    (await get('/connectors/source/offsets')).includes('position') ? true : null,
  )
  const admin = new Kafka({ brokers: [worker.place.broker], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  cleanups.push(() => admin.disconnect())
  await admin.deleteTopics({ topics: ['connect-offsets'] })
  appendFileSync(file, 'two\n')
  await eventually('the topic is named in /health', 60_000, async () =>
    (await get('/health')).includes("INTERNAL_TOPIC_MISSING: the worker's topic connect-offsets") ? true : null,
  )
  expect(await get('/metrics')).toContain('penstock_worker_condition{code="INTERNAL_TOPIC_MISSING"} 1')
  expect(await get('/connectors/source/offsets')).toContain(
    'topic connect-offsets (offset.storage.topic) cannot be read',
  )
  await eventually('the task shows that it cannot write', 60_000, async () =>
    (await get('/connectors/source/status')).includes('connect-offsets') ? true : null,
  )
  expect(worker.output).toContain('INTERNAL_TOPIC_MISSING')
  await worker.kill()
  const again = await WorkerProcess.start(place)
  cleanups.push(() => again.kill())
  expect(again.output).toMatch(/topic connect-offsets .* is empty, but these sources have run before .*: source\./)
})

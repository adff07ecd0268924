import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { primitive } from 'penstock/api'
import { afterEach, expect, it } from 'vitest'

import { plugin as elasticsearch } from '../../../connectors/elasticsearch-sink/index.ts'
import { plugin as s3 } from '../../../connectors/s3-sink/index.ts'
import { ClientHarness, readAll, writeAll } from '../../contract/client-harness.ts'
import { ElasticsearchClient } from '../../support/elasticsearch/elasticsearch-client.ts'
import { S3Bucket } from '../../support/s3/s3-bucket.ts'
import { describeWith, service } from '../../support/services.ts'
import { KeptReports } from '../../support/task/kept-reports.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'
import { untilPasses } from '../../support/until.ts'
import { workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

let topics = 0

describeWith(['elasticsearch'], 'the Elasticsearch sink with a dead letter queue', () => {
  const client = (): ElasticsearchClient => new ElasticsearchClient(service('elasticsearch'))

  /** A topic whose index only takes numbers in its field `n`. */
  async function strictTopic(): Promise<string> {
    topics += 1
    const topic = `dlq-${process.pid}-${Date.now().toString(36)}-${topics}`
    await client().json('PUT', `/${topic}`, { mappings: { properties: { n: { type: 'integer' } } } })
    cleanups.push(async () => await fetch(`${service('elasticsearch')}/${topic}`, { method: 'DELETE' }))
    return topic
  }

  const config = (topic: string): Record<string, string> => ({
    name: 'es',
    topics: topic,
    'connection.url': service('elasticsearch'),
  })

  it('reports what Elasticsearch rejects with its reason, and what makes no document, and commits behind them', async () => {
    const topic = await strictTopic()
    const log = new MemoryLog()
    log.append({ topic, key: '1', value: { n: 1 } })
    log.append({ topic, key: 'bad', value: { n: 'x' } })
    log.append({ topic, key: null, value: { n: 2 } })
    log.append({ topic, key: '3', value: { n: 3 } })
    const task = new SinkTaskHarness(elasticsearch, config(topic), log)
    const kept = new KeptReports()
    task.reporter = kept
    await task.start()
    await task.deliver()
    await task.finish()
    expect([...(await client().documents(topic)).keys()].toSorted()).toEqual(['1', '3'])
    expect(log.committed.get(`${topic}-0`)).toBe(4)
    const reports = kept.reports.toSorted()
    expect(reports).toHaveLength(2)
    expect(reports[0]).toMatch(
      new RegExp(
        `^${topic}-0@1: ES_MALFORMED: Indexing failed: record ${topic}-0@1, document 'bad' .*_parsing_exception`,
      ),
    )
    expect(reports[1]).toMatch(new RegExp(`^${topic}-0@2: .*key`))
    expect(task.counters.get('elasticsearch_malformed_total')).toBe(1)
  })

  it('fails as without one when reports are only logged', async () => {
    const topic = await strictTopic()
    const log = new MemoryLog()
    log.append({ topic, key: 'bad', value: { n: 'x' } })
    const task = new SinkTaskHarness(elasticsearch, config(topic), log)
    task.reporter = { keepsRecords: false, report: async () => undefined }
    await task.start()
    await expect(task.deliverAll()).rejects.toThrow('ES_MALFORMED')
    await task.crash()
  })

  it('writes the records of a worker as they were read to the topic, with the stage TASK_PUT', async () => {
    const topic = await strictTopic()
    const directory = mkdtempSync(join(tmpdir(), 'penstock-document-errors-'))
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
    const worker = await WorkerProcess.start(await workerPlace(join(directory, 'log')), {
      'offset.flush.interval.ms': '100',
    })
    cleanups.push(async () => await worker.kill())
    const harness = new ClientHarness(worker.place.broker)
    cleanups.push(async () => await harness.close())
    const kafka = await harness.connect()
    await kafka.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
    await writeAll(kafka, topic, ['{"n": 1}', '{"n":  "x"}', '{"n": 2}', '{"n":"y" }'])
    await worker.post('es', {
      ...config(topic),
      'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
      'key.ignore': 'true',
      'schema.ignore': 'true',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': `${topic}-dlq`,
      'errors.deadletterqueue.context.headers.enable': 'true',
    })
    await untilPasses(async () => expect((await kafka.admin.groupOffsets('connect-es'))[0]?.offset).toBe(4))
    const letters = await readAll(kafka, `${topic}-dlq`)
    // The bytes as they were written, blanks included.
    expect(letters.map(({ value }) => value?.toString())).toEqual(['{"n":  "x"}', '{"n":"y" }'])
    const headers = new Map(letters[0]?.headers.map(({ key, value }) => [key, value?.toString() ?? null]))
    expect(headers.get('__connect.errors.offset')).toBe('1')
    expect(headers.get('__connect.errors.stage')).toBe('TASK_PUT')
    expect(headers.get('__connect.errors.class.name')).toBe('org.apache.kafka.connect.sink.SinkTask')
    expect(headers.get('__connect.errors.exception.message')).toContain('_parsing_exception')
    expect(await client().count(topic)).toBe(2)
    expect(await worker.failures()).toEqual([])
  })
})

describeWith(['versitygw'], 'the S3 sink with a dead letter queue', () => {
  it('reports a record that cannot be written, leaves it out of the object, and commits behind it', async () => {
    const bucket = await S3Bucket.create(service('versitygw'))
    cleanups.push(async () => await bucket.remove())
    const log = new MemoryLog()
    const valueSchema = primitive('INT32')
    for (const value of [0, 'x', 2, 3, 'y']) log.append({ topic: 'bad', valueSchema, value })
    const sink = new SinkTaskHarness(s3, bucket.config({ 'flush.size': '3' }), log)
    const kept = new KeptReports()
    sink.reporter = kept
    await sink.start()
    await sink.runUntil('all offsets', () => log.committed.get('bad-0') === 5)
    await sink.finish()
    expect(await bucket.text('topics/bad/partition=0/bad+0+0000000000.json')).toBe('0\n2\n3\n')
    expect(kept.reports.map((report) => report.split(': ')[0])).toEqual(['bad-0@1', 'bad-0@4'])
    expect(kept.reports[0]).toContain('the record bad-0@1 cannot be written: ')
  })

  it('fails with the place of such a record without one', async () => {
    const bucket = await S3Bucket.create(service('versitygw'))
    cleanups.push(async () => await bucket.remove())
    const log = new MemoryLog()
    log.append({ topic: 'bad', valueSchema: primitive('INT32'), value: 'x' })
    const sink = new SinkTaskHarness(s3, bucket.config({ 'flush.size': '3' }), log)
    await sink.start()
    await expect(sink.deliver()).rejects.toThrow('the record bad-0@0 cannot be written: ')
    await sink.crash()
  })
})

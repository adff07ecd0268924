import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { beforeEach, describe, expect, it } from 'vitest'

import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import { ClientHarness, readAll, textOf, writeAll } from '../../contract/client-harness.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { untilPasses } from '../../support/until.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import type { WorkerProcess } from '../../support/worker/worker-process.ts'

const filter = { type: 'io.debezium.transforms.Filter', language: 'jsr223.groovy' }
const router = { type: 'io.debezium.transforms.ContentBasedRouter', language: 'jsr223.graal.js' }
const tolerant = {
  'errors.tolerance': 'all',
  'errors.deadletterqueue.topic.name': 'letters',
  'errors.deadletterqueue.context.headers.enable': 'true',
}

/** The settings of a chain of transforms, in the order of their aliases. */
function chain(transforms: Readonly<Record<string, Readonly<Record<string, string>>>>): Record<string, string> {
  const settings: Record<string, string> = { transforms: Object.keys(transforms).join() }
  for (const [alias, config] of Object.entries(transforms))
    for (const [key, value] of Object.entries(config)) settings[`transforms.${alias}.${key}`] = value
  return settings
}

describe('expressions of Filter and ContentBasedRouter in a worker', () => {
  const workers = testWorkers()
  let worker: WorkerProcess
  let rest: RestClient
  let kafka: KafkaClient

  beforeEach(async () => {
    worker = await workers.start({ 'offset.flush.interval.ms': '100' })
    rest = new RestClient(worker.place.rest)
    const harness = new ClientHarness(worker.place.broker)
    kafka = await harness.connect()
    return async () => await harness.close()
  })

  /** A source whose records are the lines of a file. */
  function source(lines: readonly string[], more: Readonly<Record<string, string>>): Record<string, string> {
    const file = join(workers.directory, 'lines.txt')
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
    const text = 'org.apache.kafka.connect.storage.StringConverter'
    return { 'connector.class': 'FileStreamSource', file, topic: 'lines', 'value.converter': text, ...more }
  }

  /** A sink of JSON, which writes the text of each record into a file. */
  function sink(more: Readonly<Record<string, string>>): Record<string, string> {
    return {
      'connector.class': 'FileStreamSink',
      file: join(workers.directory, 'sink.txt'),
      topics: 'orders',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
      ...more,
    }
  }

  it('filter and route the records of a source', async () => {
    const lines = ['one', 'drop me', 'error: two', 'three', 'drop: error']
    const transforms = chain({
      keep: { ...filter, condition: "!value.startsWith('drop')" },
      route: { ...router, 'topic.expression': "value.includes('error') ? topic + '-errors' : null" },
    })
    await worker.post('source', source(lines, transforms))
    await untilPasses(async () => expect(textOf(await readAll(kafka, 'lines'))).toEqual(['one', 'three']))
    await untilPasses(async () => expect(textOf(await readAll(kafka, 'lines-errors'))).toEqual(['error: two']))
    expect(await worker.failures()).toEqual([])
  })

  it.each([
    ['the condition of Filter', 'condition', { ...filter, condition: 'value.op ==' }, 'line 1, column 12'],
    [
      'the expression of ContentBasedRouter',
      'topic.expression',
      { ...router, 'topic.expression': "topic +\n fetch('http://a')" },
      'line 2, column 7',
    ],
  ])('are refused with their place where they are malformed: %s', async (_name, key, transform, place) => {
    const config = source([], chain({ x: transform }))
    const validated = await rest.put('/connector-plugins/FileStreamSource/config/validate', { name: 'bad', ...config })
    expect(validated.status).toBe(200)
    const { configs, error_count: count } = validated.json as {
      readonly error_count: number
      readonly configs: readonly { readonly value: { readonly name: string; readonly errors: readonly string[] } }[]
    }
    const found = configs.filter(({ value }) => value.errors.length > 0).map(({ value }) => value)
    expect([count, found]).toEqual([1, [expect.objectContaining({ name: `transforms.x.${key}` })]])
    expect(found[0]?.errors).toEqual([expect.stringContaining(place)])
    const refused = await rest.post('/connectors', { name: 'bad', config })
    expect(refused.status).toBe(400)
    expect(refused.body).toContain(place)
    expect(refused.body).toContain(key)
    expect((await rest.get('/connectors')).json).toEqual([])
  })

  it('follow errors.tolerance where they fail at a record, with the transform in the letter', async () => {
    const records = ['{"op":"c","id":1}', '{"op":1}', '{"op":"loop"}', '{"op":"d"}', '{"op":"u","id":2}']
    await kafka.admin.createTopic({ name: 'orders', partitions: 1, replicationFactor: 1 })
    await writeAll(kafka, 'orders', records)
    const condition = "value.op == 'loop' ? ('x' * 5000000).length() > 0 : value.op.toUpperCase() != 'D'"
    const config = sink({ ...chain({ keep: { ...filter, condition } }), ...tolerant })
    await worker.post('sink', config)
    await untilPasses(async () => expect((await kafka.admin.groupOffsets('connect-sink'))[0]?.offset).toBe(5))
    expect(readFileSync(config['file'] ?? '', 'utf8')).toBe('{op=c, id=1}\n{op=u, id=2}\n')
    const letters = await readAll(kafka, 'letters')
    expect(textOf(letters)).toEqual([records[1], records[2]])
    const [thrown, looped] = letters.map(
      ({ headers }) => new Map(headers.map(({ key, value }) => [key, value?.toString() ?? ''])),
    )
    for (const headers of [thrown, looped]) {
      expect(headers?.get('__connect.errors.stage')).toBe('TRANSFORMATION')
      expect(headers?.get('__connect.errors.class.name')).toBe(filter.type)
      expect(headers?.get('__connect.errors.exception.class.name')).toBe(
        'org.apache.kafka.connect.errors.DataException',
      )
    }
    expect(thrown?.get('__connect.errors.exception.message')).toContain('toUpperCase')
    expect(looped?.get('__connect.errors.exception.message')).toContain('exceeds its budget of 4000000 steps')
    const { tasks } = (await worker.request('GET', '/connectors/sink/status')) as {
      readonly tasks: readonly { readonly state: string; readonly trace?: string }[]
    }
    expect(tasks[0]).toMatchObject({ state: 'RUNNING', trace: expect.stringContaining('ERRANT_RECORDS: ') })
  })

  it('fail the task where they fail at a record, with the transform and the expression in its trace', async () => {
    await worker.post(
      'source',
      source(['one', 'two'], chain({ route: { ...router, 'topic.expression': "value === 'two' ? value.a.b : null" } })),
    )
    const [trace] = await untilPasses(async () => {
      const failures = await worker.failures()
      expect(failures).toHaveLength(1)
      return failures
    })
    expect(trace).toContain('transform "route" failed on a record of topic lines: ')
    expect(trace).toContain(
      "Error while evaluating expression 'value === 'two' ? value.a.b : null': cannot read a member",
    )
    expect(textOf(await readAll(kafka, 'lines'))).toEqual(['one'])
  })
})

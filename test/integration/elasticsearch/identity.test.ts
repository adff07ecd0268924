import { primitive, struct } from 'penstock/api'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { plugin } from '../../../connectors/elasticsearch-sink/index.ts'
import { ElasticsearchClient } from '../../support/elasticsearch/elasticsearch-client.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

let index: string
let run = 0

function sink(log: MemoryLog, more: Record<string, string> = {}): SinkTaskHarness {
  const topics = [...new Set(log.partitions.map(({ topic }) => topic))].join()
  return new SinkTaskHarness(plugin, { name: 'es', topics, 'connection.url': service('elasticsearch'), ...more }, log)
}

async function deliver(log: MemoryLog, more: Record<string, string> = {}): Promise<void> {
  const task = sink(log, more)
  await task.start()
  try {
    await task.deliverAll()
  } catch (error) {
    await task.crash()
    throw error
  }
  await task.finish()
}

describeWith(['elasticsearch'], 'identity in Elasticsearch', () => {
  const client = (): ElasticsearchClient => new ElasticsearchClient(service('elasticsearch'))
  const documents = async (): Promise<Record<string, string>> => Object.fromEntries(await client().documents(index))

  beforeEach(() => {
    run += 1
    index = `identity-${process.pid}-${Date.now().toString(36)}-${run}`
  })
  afterEach(async () => {
    await fetch(`${service('elasticsearch')}/${index}`, { method: 'DELETE' })
  })

  it.each([
    ['by case', (name: string) => name.toUpperCase()],
    ['by a first character that Elasticsearch forbids', (name: string) => `_${name}`],
  ])(
    'of two topics whose names differ only %s: the second is rejected, in another task too, until it has its own index',
    async (_name, rename) => {
      const [first, second] = [new MemoryLog(), new MemoryLog()]
      first.append({ topic: index, key: '1', value: { v: 'first' } })
      second.append({ topic: rename(index), key: '1', value: { v: 'second' } })
      await deliver(first)
      await expect(deliver(second)).rejects.toThrow(
        `ES_INDEX_NAME: topics '${index}' and '${rename(index)}' would both be written to index '${index}'`,
      )
      expect(await documents()).toEqual({ '1': '{"v":"first"}' })
      const own = `${index}-2`
      await client().json('PUT', `/${own}`)
      try {
        await deliver(second, {
          'external.resource.usage': 'index',
          'topic.to.external.resource.mapping': `${rename(index)}:${own}`,
        })
        expect(await client().documents(own)).toEqual(new Map([['1', '{"v":"second"}']]))
      } finally {
        await client().json('DELETE', `/${own}`)
      }
    },
  )

  it('of an index that existed before is not checked', async () => {
    await client().json('PUT', `/${index}`, { mappings: { _meta: { owner: 'me' } } })
    const log = new MemoryLog()
    log.append({ topic: index.toUpperCase(), key: '1', value: { v: 1 } })
    await deliver(log)
    expect(await documents()).toEqual({ '1': '{"v":1}' })
    expect(await client().json('GET', `/${index}/_mapping?filter_path=*.mappings._meta`)).toEqual({
      [index]: { mappings: { _meta: { owner: 'me' } } },
    })
  })

  it('of records without a key is their place in Kafka, also where topics are routed into one index', async () => {
    const log = new MemoryLog()
    for (const part of ['a', 'b'])
      Object.assign(log.append({ topic: `${index}.${part}`, value: { part } }), { topic: index })
    await deliver(log, { 'key.ignore': 'true' })
    expect(await documents()).toEqual({
      [`${index}.a+0+0`]: '{"part":"a"}',
      [`${index}.b+0+0`]: '{"part":"b"}',
    })
  })

  it('of columns that differ only by case is kept', async () => {
    const log = new MemoryLog()
    log.append({ topic: index, key: '1', value: { name: 'lower', Name: 'upper' } })
    await deliver(log)
    expect(await documents()).toEqual({ '1': '{"name":"lower","Name":"upper"}' })
  })

  it.each([
    [
      'with a schema',
      struct([
        ['a', primitive('INT32')],
        ['a.b', primitive('STRING')],
      ]),
      [1, 'x'],
    ],
    ['without', null, { a: 1, 'a.b': 'x' }],
  ])(
    'of a column a beside a.b does not exist in Elasticsearch, which rejects the record: %s',
    async (_name, valueSchema, value) => {
      const log = new MemoryLog()
      log.append({ topic: index, key: '1', valueSchema, value })
      await expect(deliver(log)).rejects.toThrow(/ES_(MALFORMED|REFUSED): .*\[?a/)
      expect(
        await client()
          .count(index)
          .catch(() => 0),
      ).toBe(0)
    },
  )
})

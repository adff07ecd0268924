import { primitive, struct } from 'penstock/api'
import { expect } from 'vitest'

import type { SinkBed } from './sink-bed.ts'
import type { SinkCase } from './sink-essentials.ts'

const logs = { 'data.stream.type': 'LOGS', 'data.stream.dataset': 'shop' }
const at = 1_700_000_000_000
const row = struct([
  ['price', primitive('BYTES', { optional: true, name: 'org.apache.kafka.connect.data.Decimal' })],
  ['made', primitive('INT64', { optional: true, name: 'io.debezium.time.Timestamp' })],
])

function append({ log, topic }: SinkBed, key: string, value: Record<string, string | number>): void {
  log.append({ topic, key, value, timestamp: at })
}

const streamOf = ({ topic }: SinkBed): string => `logs-shop-${topic}`

interface Streams {
  readonly data_streams: readonly { readonly indices: readonly { readonly index_name: string }[] }[]
}

async function backing(bed: SinkBed): Promise<readonly string[]> {
  const found = (await bed.client.json('GET', `/_data_stream/${streamOf(bed)}`)) as Streams
  return found.data_streams[0]?.indices.map(({ index_name }) => index_name) ?? []
}

/** What the sink does with data streams, on servers that have them. */
export const dataStreamCases: readonly SinkCase[] = [
  {
    name: 'creates a data stream, with a template where no other matches, and appends with the time of the record',
    run: async (bed) => {
      append(bed, 'a', { n: 1 })
      append(bed, 'b', { n: 2, '@timestamp': 'replaced' })
      await bed.deliver(logs)
      expect(await bed.documents(streamOf(bed))).toEqual([
        ['a', `{"@timestamp":${at},"n":1}`],
        ['b', `{"n":2,"@timestamp":${at}}`],
      ])
      expect(await backing(bed)).toHaveLength(1)
    },
  },
  {
    name: 'keeps the mapping of the schema over a rollover, and does not take the rollover for another data stream',
    run: async (bed) => {
      const { topic, log } = bed
      const event = (key: string): unknown =>
        log.append({ topic, key, valueSchema: row, value: ['1.5', at], timestamp: at })
      event('a')
      const task = await bed.sink({ ...logs, 'key.ignore': 'true' })
      await task.deliverAll()
      await bed.client.json('POST', `/${streamOf(bed)}/_rollover`)
      event('b')
      await task.deliverAll()
      await task.finish()
      expect(log.committed.get(`${topic}-0`)).toBe(2)
      const indices = await backing(bed)
      expect(indices).toHaveLength(2)
      for (const index of indices) {
        expect(await bed.properties(index)).toMatchObject({ price: { type: 'double' }, made: { type: 'date' } })
        expect(await bed.client.count(index)).toBe(1)
      }
    },
  },
  {
    name: 'takes the time from the first field that a record has',
    run: async (bed) => {
      append(bed, 'a', { second: at + 1 })
      append(bed, 'b', { second: at + 1, first: '2024-02-29T12:00:00Z' })
      append(bed, 'c', { none: 0 })
      const fields = { 'data.stream.timestamp.field': 'first, second', 'behavior.on.malformed.documents': 'IGNORE' }
      const task = await bed.deliver({ ...logs, ...fields })
      expect(await bed.documents(streamOf(bed))).toEqual([
        ['a', `{"second":${at + 1},"@timestamp":"${at + 1}"}`],
        ['b', `{"second":${at + 1},"first":"2024-02-29T12:00:00Z","@timestamp":"2024-02-29T12:00:00Z"}`],
      ])
      expect(task.counters.get('elasticsearch_malformed_total')).toBe(1)
    },
  },
  {
    name: 'appends each record of several topics once when records are delivered again, and names keys that came twice',
    run: async (bed) => {
      append(bed, 'a', { n: 1 })
      append(bed, 'a', { n: 2 })
      bed.log.append({ topic: `${bed.topic}-two`, key: 'b', value: { n: 3 }, timestamp: at })
      const config = { ...logs, 'data.stream.namespace': `x-${bed.topic}`.toLowerCase().replaceAll('-', '_') }
      const stream = `logs-shop-${config['data.stream.namespace']}`
      for (let run = 0; run < 2; run++) {
        const task = await bed.sink({ ...config, 'key.ignore': 'true' })
        await task.deliverAll()
        expect(task.conditions.get('ES_DOCUMENT_EXISTS')).toBeUndefined()
        await task.crash()
        bed.log.committed.clear()
      }
      expect(await bed.client.count(stream)).toBe(3)
      const keyed = await bed.sink(config)
      await keyed.deliverAll()
      expect(keyed.conditions.get('ES_DOCUMENT_EXISTS')).toMatch(
        /^1 records were not appended.*document 'a'.*key\.ignore=true/,
      )
      await keyed.crash()
      expect(await bed.client.count(stream)).toBe(5)
    },
  },
  {
    name: 'writes to an existing data stream, and fails when it is replaced',
    run: async (bed) => {
      const name = `${bed.topic}-mine`
      await bed.client.json('PUT', `/_index_template/${name}`, { index_patterns: [`${name}*`], data_stream: {} })
      await bed.client.json('PUT', `/_data_stream/${name}`)
      append(bed, 'a', { n: 1 })
      const task = await bed.sink({
        'external.resource.usage': 'DATASTREAM',
        'topic.to.external.resource.mapping': `${bed.topic}:${name}`,
      })
      await task.deliverAll()
      expect(await bed.documents(name)).toEqual([['a', `{"@timestamp":${at},"n":1}`]])
      await bed.client.json('DELETE', `/_data_stream/${name}`)
      append(bed, 'b', { n: 2 })
      await expect(task.runUntil('it stops', () => false)).rejects.toThrow('ES_INDEX_RECREATED')
      await task.crash()
      expect(bed.log.committed.get(`${bed.topic}-0`)).toBe(1)
    },
  },
  {
    name: 'does not skip deletions in silence: a tombstone or a deleted row fails the task, unless they are ignored',
    run: async (bed) => {
      const { log, topic } = bed
      log.append({ topic, key: 'a', value: { op: 'd', source: {}, before: { id: 1 }, after: null }, timestamp: at })
      log.append({ topic, key: 'a' })
      append(bed, 'b', { n: 1 })
      const failing = await bed.sink(logs)
      await expect(failing.deliver()).rejects.toThrow(/deletes a document, and a data stream keeps/)
      await failing.crash()
      await bed.deliver({ ...logs, 'behavior.on.null.values': 'IGNORE' })
      expect((await bed.documents(streamOf(bed))).map(([id]) => id)).toEqual(['b'])
    },
  },
]

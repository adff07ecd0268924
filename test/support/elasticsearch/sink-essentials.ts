import { Logical, primitive, struct } from 'penstock/api'
import { expect } from 'vitest'

import type { SinkBed } from './sink-bed.ts'

/** A behaviour of the sink that every server must show. */
export interface SinkCase {
  readonly name: string
  readonly run: (bed: SinkBed) => Promise<void>
}

const keySchema = struct([['id', primitive('INT32')]])
const note = primitive('STRING', { optional: true })
const row = struct([
  ['id', primitive('INT32')],
  ['price', primitive('BYTES', { optional: true, name: Logical.decimal, parameters: { scale: '2' } })],
  ['at', primitive('INT64', { optional: true, name: 'io.debezium.time.MicroTimestamp' })],
  ['note', note],
])
const unavailable = '__debezium_unavailable_value'

function write({ log, topic }: SinkBed, id: number, version: number, text: string | null): void {
  const headers = [{ key: '__penstock.version', schema: null, value: version }]
  const deleted = text === null
  const value = deleted ? null : [id, '1.50', 1_700_000_000_123_456, text]
  log.append({ topic, keySchema, key: [id], valueSchema: deleted ? null : row, value, headers })
}

const document = (id: number, text: string): string =>
  `{"id":${id},"price":"1.50","at":"2023-11-14T22:13:20.123456Z","note":"${text}"}`

/** What the sink needs of a server, each behaviour once. */
export const sinkEssentials: readonly SinkCase[] = [
  {
    name: 'creates the index with a mapping of the schema, and adds the fields of a later schema',
    run: async (bed) => {
      write(bed, 1, 100, 'a')
      const wider = struct([...row.fields.map(({ name, schema }) => [name, schema] as const), ['more', note]])
      const { topic, log } = bed
      log.append({ topic, keySchema, key: [2], valueSchema: wider, value: [2, null, null, 'b', 'c'] })
      await bed.deliver({ 'document.version': 'offset' })
      expect(await bed.properties()).toMatchObject({
        id: { type: 'integer' },
        price: { type: 'double' },
        at: { type: 'date' },
        note: { type: 'text' },
        more: { type: 'text' },
      })
      expect(await bed.documents()).toEqual([
        ['1', document(1, 'a')],
        ['2', '{"id":2,"price":null,"at":null,"note":"b","more":"c"}'],
      ])
    },
  },
  {
    name: 'applies updates and deletes by version, also when they are delivered again in pieces',
    run: async (bed) => {
      write(bed, 1, 100, 'first')
      write(bed, 2, 200, 'gone')
      write(bed, 1, 300, 'second')
      write(bed, 2, 400, null)
      const first = await bed.sink()
      await first.deliverAll()
      await first.crash()
      bed.log.committed.clear()
      const again = await bed.sink({ 'connection.compression': 'true' })
      await again.deliver(1)
      await again.finish()
      expect(await bed.documents()).toEqual([['1', document(1, 'second')]])
      expect(again.counters.get('elasticsearch_conflicts_total')).toBeGreaterThan(0)
      expect(bed.log.committed.get(`${bed.topic}-0`)).toBe(4)
    },
  },
  {
    name: 'keeps the stored value of a large column that the source did not send',
    run: async (bed) => {
      write(bed, 1, 100, 'large')
      await bed.deliver()
      write(bed, 1, 200, unavailable)
      await bed.deliver()
      expect(await bed.documents()).toEqual([['1', document(1, 'large')]])
    },
  },
  {
    name: 'names the document that the mapping rejects, and skips it when it is told to',
    run: async (bed) => {
      await bed.client.json('PUT', `/${bed.topic}`, { mappings: { properties: { note: { type: 'integer' } } } })
      write(bed, 1, 100, 'no number')
      write(bed, 2, 200, '7')
      const failing = await bed.sink()
      await failing.deliver()
      await expect(failing.runUntil('it stops', () => false)).rejects.toThrow(
        /ES_MALFORMED.*document '1' of index.*parsing_exception/,
      )
      await failing.crash()
      const skipping = await bed.deliver({ 'behavior.on.malformed.documents': 'WARN' })
      expect(skipping.counters.get('elasticsearch_malformed_total')).toBe(1)
      expect(await bed.documents()).toEqual([['2', document(2, '7')]])
    },
  },
  {
    name: 'fails at a stored version that no record explains',
    run: async (bed) => {
      await bed.client.json('PUT', `/${bed.topic}/_doc/1?version=900&version_type=external`, { foreign: true })
      bed.log.append({ topic: bed.topic, key: '1', value: { own: true } })
      const task = await bed.sink()
      await expect(task.runUntil('it stops', () => false)).rejects.toThrow(/ES_VERSION_CONFLICT/)
      await task.crash()
    },
  },
  {
    name: 'fails when the index is deleted and created again by its own writes',
    run: async (bed) => {
      write(bed, 1, 100, 'a')
      const task = await bed.sink()
      await task.deliverAll()
      await bed.client.json('DELETE', `/${bed.topic}`)
      write(bed, 2, 200, 'b')
      await expect(task.runUntil('it stops', () => false)).rejects.toThrow('ES_INDEX_RECREATED')
      await task.crash()
      expect(bed.log.committed.get(`${bed.topic}-0`)).toBe(1)
    },
  },
  {
    name: 'waits while the index is blocked, says so, and continues when it is open',
    run: async (bed) => {
      write(bed, 1, 100, 'a')
      const task = await bed.sink()
      await task.deliverAll()
      const block = (on: boolean): Promise<unknown> =>
        bed.client.json('PUT', `/${bed.topic}/_settings`, { 'index.blocks.write': on })
      await block(true)
      write(bed, 2, 200, 'b')
      await task.runUntil('the condition is raised', () => task.conditions.has('ES_INDEX_BLOCKED'))
      await block(false)
      await task.runUntil('the condition is cleared', () => !task.conditions.has('ES_INDEX_BLOCKED'))
      await task.finish()
      expect((await bed.documents()).map(([id]) => id)).toEqual(['1', '2'])
    },
  },
  {
    name: 'retries what is rejected with 429 and 503, and writes each document once',
    run: async (bed) => {
      let left = 4
      bed.faults.decide = (method, path) => {
        if (method !== 'POST' || !path.startsWith('/_bulk') || left === 0) return { kind: 'pass' }
        left -= 1
        return { kind: 'answer', status: left % 2 === 0 ? 429 : 503 }
      }
      write(bed, 1, 100, 'a')
      const task = await bed.deliver()
      expect(await bed.documents()).toEqual([['1', document(1, 'a')]])
      expect(task.counters.get('elasticsearch_retries_total')).toBe(4)
    },
  },
  {
    name: 'writes to an alias, and waits when it is gone',
    run: async (bed) => {
      const { topic, client } = bed
      await client.json('PUT', `/${topic}-1`, { aliases: { [`${topic}-alias`]: {} } })
      write(bed, 1, 100, 'a')
      const task = await bed.sink({
        'external.resource.usage': 'ALIAS_INDEX',
        'topic.to.external.resource.mapping': `${topic}:${topic}-alias`,
      })
      await task.deliverAll()
      await client.json('DELETE', `/${topic}-1/_alias/${topic}-alias`)
      write(bed, 2, 200, 'b')
      await task.runUntil('the condition is raised', () => task.conditions.has('ES_INDEX_MISSING'))
      await client.json('PUT', `/${topic}-1/_alias/${topic}-alias`)
      await task.runUntil('the condition is cleared', () => !task.conditions.has('ES_INDEX_MISSING'))
      await task.finish()
      expect((await bed.documents(`${topic}-1`)).map(([id]) => id)).toEqual(['1', '2'])
    },
  },
]

import { primitive, struct } from 'penstock/api'
import { expect } from 'vitest'

import type { SinkBed } from './sink-bed.ts'
import type { SinkCase } from './sink-essentials.ts'

const day = Date.UTC(2024, 1, 29, 12)
const unavailable = '__debezium_unavailable_value'

function append({ log, topic }: SinkBed, key: string, value: Record<string, unknown> | null, timestamp = day): void {
  log.append({ topic, key, value: value as Record<string, string> | null, timestamp })
}

/** The forms that users give ids, indices and mappings. */
export const shapeCases: readonly SinkCase[] = [
  {
    name: 'writes several topics into one index, with the topic in the id, and applies their deletions',
    run: async (bed) => {
      const { topic, log } = bed
      const other = `${topic}-other`
      log.append({ topic, key: '1', value: { n: 1 } })
      log.append({ topic: other, key: '1', value: { n: 2 } })
      log.append({ topic: other, key: '2', value: { n: 3 } })
      log.append({ topic: other, key: '2' })
      await bed.deliver({ topics: `${topic},${other}`, 'index.name': `${topic}-all`, 'document.id': '{topic}/{key}' })
      expect(await bed.documents(`${topic}-all`)).toEqual([
        [`${other}/1`, '{"n":2}'],
        [`${topic}/1`, '{"n":1}'],
      ])
    },
  },
  {
    name: 'writes to an index for each day of the records',
    run: async (bed) => {
      append(bed, '1', { n: 1 })
      append(bed, '2', { n: 2 }, day + 86_400_000)
      await bed.deliver({ 'index.name': '{topic}-{timestamp:yyyy.MM.dd}', 'behavior.on.null.values': 'ignore' })
      expect(await bed.documents(`${bed.topic}-2024.02.29`)).toEqual([['1', '{"n":1}']])
      expect(await bed.documents(`${bed.topic}-2024.03.01`)).toEqual([['2', '{"n":2}']])
    },
  },
  {
    name: 'creates the index by a definition: settings, a geo point, dynamic templates, and the schema for the rest',
    run: async (bed) => {
      const place = struct([
        ['lat', primitive('FLOAT64')],
        ['lon', primitive('FLOAT64')],
      ])
      const valueSchema = struct([
        ['place', place],
        ['n', primitive('INT32')],
      ])
      bed.log.append({ topic: bed.topic, key: '1', valueSchema, value: [[52.5, 13.4], 1] })
      const definition = {
        settings: { number_of_shards: 2 },
        mappings: {
          dynamic_templates: [{ words: { match_mapping_type: 'string', mapping: { type: 'keyword' } } }],
          properties: { place: { type: 'geo_point' } },
        },
      }
      await bed.deliver({ 'index.definition': JSON.stringify(definition) })
      bed.log.append({ topic: bed.topic, key: '2', value: { later: 'word' } })
      await bed.deliver()
      expect(await bed.properties()).toMatchObject({
        place: { type: 'geo_point' },
        n: { type: 'integer' },
        later: { type: 'keyword' },
      })
      await bed.client.json('POST', `/${bed.topic}/_refresh`)
      const query = { geo_distance: { distance: '10km', place: { lat: 52.51, lon: 13.4 } } }
      const found = await bed.client.json('POST', `/${bed.topic}/_search`, { query })
      expect(found).toMatchObject({ hits: { hits: [{ _id: '1' }] } })
      const settings = await bed.client.json('GET', `/${bed.topic}/_settings`)
      expect(settings).toMatchObject({ [bed.topic]: { settings: { index: { number_of_shards: '2' } } } })
    },
  },
  {
    name: 'routes documents, finds the stored value of a large column by the routing, and deletes by it',
    run: async (bed) => {
      await bed.client.json('PUT', `/${bed.topic}`, { settings: { number_of_shards: 5 } })
      const routing = { 'document.routing': 'r{key}' }
      append(bed, '1', { body: 'large', n: 1 })
      append(bed, '2', { n: 2 })
      await bed.deliver(routing)
      append(bed, '1', { body: unavailable, n: 3 })
      append(bed, '2', null)
      await bed.deliver(routing)
      await bed.client.json('POST', `/${bed.topic}/_refresh`)
      const found = await bed.client.json('GET', `/${bed.topic}/_search?filter_path=hits.hits`)
      expect(found).toMatchObject({
        hits: { hits: [{ _id: '1', _routing: 'r1', _source: { body: 'large', n: 3 } }] },
      })
    },
  },
  {
    name: 'raises a condition where the limit of fields of the index is reached',
    run: async (bed) => {
      const fields = (count: number) =>
        struct(Array.from({ length: count }, (_, i) => [`f${i}`, primitive('INT32')] as const))
      const { topic, log } = bed
      log.append({ topic, key: '1', valueSchema: fields(2), value: [0, 1] })
      log.append({ topic, key: '2', valueSchema: fields(4), value: [0, 1, 2, 3] })
      const task = await bed.deliver({
        'index.definition': '{"settings":{"index.mapping.total_fields.limit":3}}',
        'behavior.on.malformed.documents': 'ignore',
      })
      expect(task.conditions.get('ES_FIELD_LIMIT')).toMatch(/f2, f3.*Raise index.mapping.total_fields.limit/)
    },
  },
]

/** What needs ingest pipelines, which not every build here has. */
export const pipelineCase: SinkCase = {
  name: 'runs documents through a pipeline, and names a pipeline that does not exist',
  run: async (bed) => {
    const pipeline = `${bed.topic}-p`
    append(bed, '1', { n: 1 })
    const failing = await bed.sink({ 'ingest.pipeline': pipeline })
    await expect(failing.deliverAll()).rejects.toThrow(/ES_REFUSED.*pipeline with id .* does not exist/)
    await failing.crash()
    await bed.client.json('PUT', `/_ingest/pipeline/${pipeline}`, {
      processors: [{ set: { field: 'by', value: 'p' } }],
    })
    await bed.deliver({ 'ingest.pipeline': pipeline })
    await bed.client.json('DELETE', `/_ingest/pipeline/${pipeline}`)
    const [[, written] = []] = await bed.documents()
    expect(JSON.parse(written ?? '')).toEqual({ n: 1, by: 'p' })
  },
}

import { afterEach, expect, it } from 'vitest'

import { dataStreamCases } from '../../support/elasticsearch/data-stream-cases.ts'
import { describeSearch } from '../../support/elasticsearch/search-servers.ts'
import { pipelineCase, shapeCases } from '../../support/elasticsearch/shape-cases.ts'
import { SinkBed } from '../../support/elasticsearch/sink-bed.ts'
import { sinkEssentials, type SinkCase } from '../../support/elasticsearch/sink-essentials.ts'
import { describeWith, service } from '../../support/services.ts'

const title = 'the Elasticsearch sink'

const suite =
  (cases: readonly SinkCase[]) =>
  (address: () => string): void => {
    let bed: SinkBed | null = null
    afterEach(async () => {
      await bed?.close()
      bed = null
    })
    it.each(cases.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
      bed = await SinkBed.open(address())
      await run(bed)
    })
  }

/** The builds of Elasticsearch here have no data streams. */
const withoutDataStreams: SinkCase = {
  name: 'names the data stream that the server cannot create, and writes no index in its place',
  run: async (bed) => {
    const { topic } = bed
    bed.log.append({ topic, key: 'a', value: { n: 1 } })
    const task = await bed.sink({ 'data.stream.type': 'metrics', 'data.stream.dataset': 'd' })
    await expect(task.deliver()).rejects.toThrow(`ES_REFUSED: data stream 'metrics-d-${topic}' could not be created`)
    await task.crash()
    await expect(bed.client.count(`metrics-d-${topic}`)).rejects.toThrow('index_not_found_exception')
  },
}

const elasticsearch7 = suite(sinkEssentials)
const elasticsearch8 = suite([...sinkEssentials, ...shapeCases, withoutDataStreams])
const elasticsearch9 = suite([...sinkEssentials, ...shapeCases, pipelineCase])
const openSearch2 = suite([...sinkEssentials, ...shapeCases, ...dataStreamCases])
const openSearch3 = suite([...sinkEssentials, ...dataStreamCases])

// One server after the other: each takes half a gigabyte.
describeWith(['elasticsearch'], `${title} on elasticsearch-8`, () => elasticsearch8(() => service('elasticsearch')))
describeSearch('elasticsearch-7', title, elasticsearch7)
describeSearch('elasticsearch-9', title, elasticsearch9)
describeSearch('opensearch-2', title, openSearch2)
describeSearch('opensearch-3', title, openSearch3)

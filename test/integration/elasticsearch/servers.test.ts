import { afterEach, it } from 'vitest'

import { describeSearch } from '../../support/elasticsearch/search-servers.ts'
import { SinkBed } from '../../support/elasticsearch/sink-bed.ts'
import { sinkEssentials } from '../../support/elasticsearch/sink-essentials.ts'
import { describeWith, service } from '../../support/services.ts'

const title = 'the Elasticsearch sink'

function essentials(address: () => string): void {
  let bed: SinkBed | null = null
  afterEach(async () => {
    await bed?.close()
    bed = null
  })
  it.each(sinkEssentials.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    bed = await SinkBed.open(address())
    await run(bed)
  })
}

// One server after the other: each takes half a gigabyte.
describeWith(['elasticsearch'], `${title} on elasticsearch-8`, () => essentials(() => service('elasticsearch')))
describeSearch('elasticsearch-7', title, essentials)
describeSearch('elasticsearch-9', title, essentials)
describeSearch('opensearch-2', title, essentials)
describeSearch('opensearch-3', title, essentials)

import { expect, it } from 'vitest'

import { plugin } from '../../../../connectors/elasticsearch-sink/index.ts'
import { StubElasticsearch, stubConfig } from '../../../support/elasticsearch/stub-elasticsearch.ts'
import { MemoryLog, SinkTaskHarness } from '../../../support/task/sink-task-harness.ts'

it('an alias of a data stream gets creations, and nothing that would create an index of its name', async () => {
  const stub = await StubElasticsearch.start()
  const log = new MemoryLog()
  log.append({ topic: 'orders', key: '7', value: { n: 1 }, timestamp: 5 })
  try {
    const config = {
      ...stubConfig(stub, 'orders'),
      'external.resource.usage': 'ALIAS_DATASTREAM',
      'key.ignore': 'false',
    }
    const task = new SinkTaskHarness(plugin, config, log)
    await task.start()
    await task.deliver()
    await task.finish()
    expect(stub.applied).toEqual(['create 7 {"@timestamp":5,"n":1}'])
    expect(stub.queries.find((query) => query.startsWith('POST /_bulk'))).toContain('require_alias=true')
  } finally {
    await stub.close()
  }
})

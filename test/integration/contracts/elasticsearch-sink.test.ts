import { sinkContract } from 'penstock/testing'
import { afterEach, it } from 'vitest'

import { plugin } from '../../../connectors/elasticsearch-sink/index.ts'
import { ElasticsearchClient } from '../../support/elasticsearch/elasticsearch-client.ts'
import { HttpFaults } from '../../support/http-faults.ts'
import { describeWith, service } from '../../support/services.ts'
import { patienceMs } from '../../support/until.ts'

let prepared = 0

describeWith(['elasticsearch'], 'the Elasticsearch sink', () => {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })

  const cases = sinkContract({
    plugin,
    waitMs: patienceMs,
    unusable: { 'connection.url': 'http://127.0.0.1:1', 'max.retries': '0' },
    wrong: [
      { what: 'a user without a password', change: { 'connection.username': 'alice' }, names: ['connection.password'] },
      { what: 'a cluster that is away', change: { 'connection.url': 'http://127.0.0.1:1' }, names: ['connection.url'] },
    ],
    prepare: async () => {
      prepared += 1
      const run = `contract-${process.pid}-${prepared}`
      const faults = await HttpFaults.before(service('elasticsearch'))
      const topics: readonly [string, string] = [`${run}-first`, `${run}-second`]
      const client = new ElasticsearchClient(service('elasticsearch'))
      closing.push(async () => {
        await faults.close()
        for (const topic of topics) await fetch(`${service('elasticsearch')}/${topic}`, { method: 'DELETE' })
      })
      return {
        faults,
        topics,
        config: {
          name: run,
          topics: topics.join(','),
          'connection.url': faults.url,
          'retry.backoff.ms': '5',
          'behavior.on.null.values': 'DELETE',
        },
        record: (number, { partition }) => ({ key: `${partition}-${number}`, value: { number } }),
        identify: ({ topic, key, value }) => (value === null ? null : `${topic} ${String(key)}`),
        delivered: async () => {
          const found: string[] = []
          for (const topic of topics) {
            const { status } = await fetch(`${service('elasticsearch')}/${topic}`, { method: 'HEAD' })
            if (status === 404) continue
            for (const id of (await client.documents(topic)).keys()) found.push(`${topic} ${id}`)
          }
          return found
        },
      }
    },
    interrupt: async ({ faults }) => {
      faults.decide = () => ({ kind: 'drop' })
      return async () => void (faults.decide = () => ({ kind: 'pass' }))
    },
  })
  for (const { name, run } of cases) it(name, run)
})

import { describe, it } from 'node:test'

import { sourceContract } from 'penstock/testing'

import { plugin } from '../src/feed-source.js'
import { ExampleServer } from './example-server.js'

const cases = sourceContract({
  plugin,
  waitMs: 60_000,
  wrong: [{ what: 'a text that is no URL', change: { url: 'somewhere' }, names: ['url'] }],
  async prepare() {
    const server = new ExampleServer()
    await server.start()
    return {
      server,
      config: { url: `${server.url}/feed`, topic: 'entries', 'batch.size': '2', 'poll.interval.ms': '1' },
      add: (count) => server.add(count),
      identify: ({ value }) => (Array.isArray(value) ? String(value[1]) : null),
      close: async () => await server.close(),
    }
  },
  unusable: { url: 'http://127.0.0.1:1/feed' },
  async interrupt({ server }) {
    server.isBusy = true
    return async () => void (server.isBusy = false)
  },
})

describe('the feed source', () => {
  for (const { name, run } of cases) it(name, run)
})

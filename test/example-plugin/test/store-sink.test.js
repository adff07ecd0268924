import { describe, it } from 'node:test'

import { manifestContract, sinkContract } from 'penstock/testing'

import { plugin } from '../src/store-sink.js'
import { ExampleServer } from './example-server.js'

const cases = sinkContract({
  plugin,
  waitMs: 60_000,
  wrong: [{ what: 'a text that is no URL', change: { url: 'somewhere' }, names: ['url'] }],
  async prepare() {
    const server = new ExampleServer()
    await server.start()
    return {
      server,
      config: { url: `${server.url}/store` },
      record: (number) => ({ key: `key ${number}`, value: { number } }),
      identify: ({ originalTopic, originalPartition, originalOffset }) =>
        `${originalTopic}-${originalPartition}-${originalOffset}`,
      delivered: () => [...server.stored.keys()],
      close: async () => await server.close(),
    }
  },
  unusable: { url: 'http://127.0.0.1:1/store' },
  async interrupt({ server }) {
    server.isBusy = true
    return async () => void (server.isBusy = false)
  },
})

describe('the store sink', () => {
  for (const { name, run } of cases) it(name, run)
})

describe('the package', () => {
  for (const { name, run } of manifestContract(new URL('..', import.meta.url))) it(name, run)
})

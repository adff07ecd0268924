import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect, it } from 'vitest'

import { plugin } from '../../../../connectors/elasticsearch-sink/index.ts'
import { MemoryLog, SinkTaskHarness } from '../../../support/task/sink-task-harness.ts'
import { until } from '../../../support/until.ts'

const indices = '{"orders":{"settings":{"index":{"uuid":"u"}}}}'
const refused = { status: 403, error: { type: 'security_exception', reason: 'not yours' } }
const malformed = { status: 400, error: { type: 'mapper_parsing_exception', reason: 'no number' } }
const bulkResponse = JSON.stringify({ errors: true, items: [{ index: malformed }, { index: refused }] })

it('a report that fails because another document has failed the task rejects nowhere else', async () => {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(request.url?.includes('_bulk') === true ? bulkResponse : indices)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const log = new MemoryLog()
  for (const key of ['1', '2']) log.append({ topic: 'orders', key, value: { id: key } })
  const config = {
    name: 'es',
    topics: 'orders',
    'connection.url': `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    'external.resource.usage': 'INDEX',
    'topic.to.external.resource.mapping': 'orders:orders',
  }
  const unhandled: unknown[] = []
  const note = (error: unknown): unknown => unhandled.push(error)
  process.on('unhandledRejection', note)
  const task = new SinkTaskHarness(plugin, config, log)
  const { promise: report, reject } = Promise.withResolvers<void>()
  let reports = 0
  task.reporter = {
    keepsRecords: true,
    report: async () => {
      reports += 1
      await report
    },
  }
  try {
    await task.start()
    await expect(task.deliverAll()).rejects.toThrow('ES_REFUSED')
    await until('the report', () => reports === 1)
    reject(new Error('the task has ended'))
    // Rejections without a handler are reported at the end of the turn.
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', note)
    await task.crash()
    server.closeAllConnections()
    server.close()
  }
})

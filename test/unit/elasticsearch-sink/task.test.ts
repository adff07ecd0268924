import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DeadlineExceededError } from 'penstock/api'
import { expect, it } from 'vitest'
import { plugin } from '../../../connectors/elasticsearch-sink/index.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'
import { until } from '../../support/until.ts'

it('a flush to a cluster that does not respond ends after flush.timeout.ms of the task’s clock', async () => {
  const server = createServer((request, response) => {
    if (request.url?.includes('_bulk') !== true) response.end('{"orders":{"settings":{"index":{"uuid":"u"}}}}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const log = new MemoryLog()
  log.append({ topic: 'orders', key: '1', value: { id: 1 } })
  const clock = new ManualClock()
  const config = {
    name: 'es',
    topics: 'orders',
    'connection.url': `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    'external.resource.usage': 'INDEX',
    'topic.to.external.resource.mapping': 'orders:orders',
    'flush.timeout.ms': '1000',
  }
  const task = new SinkTaskHarness(plugin, config, log, clock)
  try {
    await task.start()
    let failure: unknown = null
    void task.deliverAll().catch((error: unknown) => (failure = error))
    await until('the flush ends', () => {
      clock.advance(1000)
      return failure !== null
    })
    expect(failure).toBeInstanceOf(DeadlineExceededError)
    expect((failure as Error).message).toBe('timed out after 1000 ms')
  } finally {
    await task.crash()
    server.closeAllConnections()
    server.close()
  }
})

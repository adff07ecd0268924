import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { configDef } from '../../../connectors/s3-sink/config.ts'
import { S3Store } from '../../../connectors/s3-sink/s3-store.ts'
import { storeSettings } from '../../../connectors/s3-sink/settings.ts'
import { parseConfig } from '../../../src/config/parse-config.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { quietLogger } from '../../support/quiet-logger.ts'

let server: Server
let refusals = 0
beforeEach(async () => {
  server = createServer((incoming, outgoing) => {
    incoming.resume().on('end', () => {
      const refused = refusals > 0
      refusals -= 1
      outgoing.writeHead(refused ? 503 : 200).end(refused ? '<Error><Code>SlowDown</Code></Error>' : '')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

it('tells what it waits for when requests keep failing, and when they get through again', async () => {
  const settings = parseConfig(configDef, {
    'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
    'flush.size': '1000',
    's3.bucket.name': 'archive',
    'store.url': `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    'aws.access.key.id': 'key',
    'aws.secret.access.key': 'secret',
    's3.part.retries': '2',
    's3.retry.backoff.ms': '1',
  })
  const told: (string | null)[] = []
  const logger = quietLogger()
  const store = new S3Store(storeSettings(settings), systemClock, logger, { waitsFor: (reason) => told.push(reason) })
  const mark = { writer: 'w', topicId: null, clusterId: null, first: null }
  const put = () => store.putObject('k', [Buffer.from('a')], { kind: 'any' }, mark, new AbortController().signal)
  refusals = 1
  await put()
  expect(told).toEqual([])
  refusals = 2
  await put()
  expect(told).toEqual([expect.stringMatching(/^PUT k to http.* fails and is tried again: SlowDown/), null])
  expect(logger.lines.map(({ message }) => message)).toEqual([
    expect.stringContaining('failed 2 times'),
    expect.stringContaining('takes requests again'),
  ])
  store.close()
})

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect, it } from 'vitest'

import { RestClient } from '../../../src/cli/rest-client/rest-client.ts'
import { systemClock } from '../../../src/foundation/clock.ts'

it('keeps all digits of integers that a number cannot hold', async () => {
  const text = '{"big":9007199254740993,"small":7,"list":[-9007199254740993,1.5]}'
  const server = createServer((_request, response) => response.end(text))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = new RestClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, null, systemClock)
  expect(JSON.stringify(await client.send('GET', '/'))).toBe(text)
  server.closeAllConnections()
  server.close()
})

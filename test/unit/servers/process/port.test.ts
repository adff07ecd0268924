import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

import { expect, it } from 'vitest'

import { freePort, freePorts, freePortWithin } from '../../../../src/servers/process/port.ts'

it('free ports differ, and are outside the ephemeral range', async () => {
  const ports = await freePorts([null, null, null])
  expect(new Set(ports).size).toBe(3)
  for (const port of ports) expect(port >= 10_000 && port < 30_000).toBe(true)
})

it('a preferred port is used if it is free, otherwise another one', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  expect(await freePort(port)).not.toBe(port)
  await new Promise((resolve) => server.close(resolve))
  expect(await freePort(port)).toBe(port)
})

it('a port of a range is one that no other process uses, or there is an error with the range', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await expect(freePortWithin({ from: port, to: port })).rejects.toThrow(`no free port from ${port} to ${port}`)
  await new Promise((resolve) => server.close(resolve))
  expect(await freePortWithin({ from: port, to: port })).toBe(port)
})

import { createServer, type AddressInfo } from 'node:net'

import { advertisedAddress, type WorkerConfig } from '../../config/worker/worker-config.ts'
import type { ListenAddress } from '../../foundation/network/listen-address.ts'
import { deferred } from '../../foundation/async/deferred.ts'
import { formatListenAddress } from '../../foundation/network/listen-address.ts'

/** Where the REST API listens, and under which address other workers reach it. */
export interface RestListeners {
  readonly listeners: readonly ListenAddress[]
  readonly advertisedHost: string
  /** `host:port`: the id of the worker in statuses and in the group. */
  readonly workerId: string
}

/** Replaces port 0 by a free port: the group learns the address before the REST API listens. */
export async function restListeners(config: WorkerConfig): Promise<RestListeners> {
  const listeners = await Promise.all(config.listeners.map(withPort))
  const [first = { host: '127.0.0.1', port: 0 }] = listeners
  const advertised = advertisedAddress(config, first.port)
  return { listeners, advertisedHost: advertised.host, workerId: formatListenAddress(advertised) }
}

async function withPort(address: ListenAddress): Promise<ListenAddress> {
  if (address.port !== 0) return address
  const server = createServer()
  const listening = deferred<void>()
  server.once('error', (error) => listening.reject(error))
  server.listen({ port: 0, host: address.host === '' ? '127.0.0.1' : address.host }, () => listening.resolve())
  await listening.promise
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return { host: address.host, port }
}

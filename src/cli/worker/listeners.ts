import { createServer, type AddressInfo } from 'node:net'

import { advertisedAddress } from '../../config/worker/rest/advertised.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import type { RestListener } from '../../config/worker/rest/listener.ts'
import { deferred } from '../../foundation/async/deferred.ts'
import { formatListenAddress } from '../../foundation/network/listen-address.ts'

/** Where the REST API listens, and under which address other workers reach it. */
export interface RestListeners {
  readonly listeners: readonly RestListener[]
  readonly advertisedHost: string
  /** `host:port`: the id of the worker in statuses and in the group. */
  readonly workerId: string
}

/** Replaces port 0 by a free port: the group learns the address before the REST API listens. */
export async function restListeners(config: WorkerConfig): Promise<RestListeners> {
  const listeners = await Promise.all(config.listeners.map(withPort))
  const advertised = advertisedAddress(config, listeners)
  return { listeners, advertisedHost: advertised.host, workerId: formatListenAddress(advertised) }
}

async function withPort(address: RestListener): Promise<RestListener> {
  if (address.port !== 0) return address
  const server = createServer()
  const listening = deferred<void>()
  server.once('error', (error) => listening.reject(error))
  server.listen({ port: 0, host: address.host === '' ? '127.0.0.1' : address.host }, () => listening.resolve())
  await listening.promise
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return { ...address, port }
}

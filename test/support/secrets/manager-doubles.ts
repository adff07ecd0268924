import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server that stands for a secret manager where the real one is not available: it has one secret, `user` of `shop`. */
export interface ManagerDouble {
  readonly url: string
  close(): Promise<void>
}

const fields = { user: 'alice-of-shop' }
/** What {@link startVaultDouble} accepts. */
export const doubleToken = 'hvs.t0ken-of-the-worker'

/** A Vault with the secret `secret/shop`, by its API documentation. */
export async function startVaultDouble(): Promise<ManagerDouble> {
  return await started(({ url, headers }, response) => {
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    if (headers['x-vault-token'] !== doubleToken) send(403, { errors: ['permission denied'] })
    else if (url?.startsWith('/v1/sys/internal/ui/mounts/secret/') === true)
      send(200, { data: { type: 'kv', path: 'secret/', options: { version: '2' } } })
    else if (url === '/v1/secret/data/shop')
      send(200, { lease_id: '', lease_duration: 0, data: { data: fields, metadata: { version: 1, destroyed: false } } })
    else send(404, { errors: [] })
  })
}

/** An AWS Secrets Manager with the secret `shop`. It checks no signature. */
export async function startAwsDouble(): Promise<ManagerDouble> {
  return await started((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { SecretId: name } = JSON.parse(Buffer.concat(parts).toString()) as { readonly SecretId: string }
      const found = name === 'shop'
      const body = found
        ? { Name: name, SecretString: JSON.stringify(fields) }
        : { __type: 'ResourceNotFoundException', Message: "Secrets Manager can't find the specified secret." }
      response.writeHead(found ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body))
    })
  })
}

async function started(listener: RequestListener): Promise<ManagerDouble> {
  const server: Server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

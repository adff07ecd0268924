import type { IncomingMessage } from 'node:http'

import type { SignedRequest } from '../../herder/internal/internal-requests.ts'
import { signatureHeaders } from '../../herder/internal/request-signature.ts'
import type { RestRequest } from '../route.ts'

/** Whether a worker of the group may have sent it: the handler checks the signature, which replaces credentials (KIP-507). */
export function isSignedByWorker({ method, headers }: IncomingMessage, path: string): boolean {
  const [, operation] = /^\/connectors\/[^/]+\/(tasks|fence)\/?$/.exec(path) ?? []
  return (
    headers[signatureHeaders.signature.toLowerCase()] !== undefined &&
    ((method === 'POST' && operation === 'tasks') || (method === 'PUT' && operation === 'fence'))
  )
}

export function signedRequestOf({ headers, body, isTrusted }: RestRequest): SignedRequest {
  const header = (name: string): string | null => {
    const value = headers[name.toLowerCase()]
    return typeof value === 'string' ? value : null
  }
  return {
    signature: header(signatureHeaders.signature),
    algorithm: header(signatureHeaders.algorithm),
    body,
    isTrusted,
  }
}

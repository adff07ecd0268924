import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http'

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[]

// An import as an ES module would evaluate the module's lazy members: 14 MB.
const { ServerResponse } = process.getBuiltinModule('node:http')

const names = [
  'Access-Control-Allow-Credentials',
  'Access-Control-Allow-Headers',
  'Access-Control-Allow-Methods',
  'Access-Control-Allow-Origin',
  'Access-Control-Max-Age',
  'Allow',
  'Connection',
  'Content-Length',
  'Content-Type',
  'Location',
  'Retry-After',
  'Vary',
  'Warning',
  'WWW-Authenticate',
]
const titles: Readonly<Record<string, string>> = Object.fromEntries(names.map((name) => [name.toLowerCase(), name]))

/**
 * Writes the names of headers as Kafka Connect does (`Content-Type`); fastify writes them in lower case. They mean the same,
 * but scripts search a response for `Location:`.
 */
export class RestServerResponse<Request extends IncomingMessage> extends ServerResponse<Request> {
  override writeHead(statusCode: number, reason?: string | Headers, headers?: Headers): this {
    if (typeof reason === 'string') return super.writeHead(statusCode, reason, titled(headers))
    return super.writeHead(statusCode, titled(reason))
  }
}

function titled(headers: Headers = {}): Headers {
  if (Array.isArray(headers)) return headers
  const titled: OutgoingHttpHeaders = {}
  for (const name in headers) titled[titles[name] ?? name] = headers[name]
  return titled
}

import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http'

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[]

// An import as an ES module would evaluate the module's lazy members: 14 MB.
const { ServerResponse } = process.getBuiltinModule('node:http')

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
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [titleCase(name), value]))
}

function titleCase(name: string): string {
  return name.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase()).replace(/^Www-/, 'WWW-')
}

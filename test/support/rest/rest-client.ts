import { request as httpRequest } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'

import { contractProblems } from './openapi.ts'

export interface ReceivedResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** The body as JSON. */
  readonly json: unknown
}

/** A response does not conform to openapi.yaml. */
export class ContractError extends Error {
  override readonly name = 'ContractError'
}

/** A client of the REST API that checks every response against openapi.yaml. */
export class RestClient {
  readonly #url: URL
  readonly #tls: Pick<RequestOptions, 'ca' | 'cert' | 'key'>

  /** @param tls of an https URL */
  constructor(url: string, tls: Pick<RequestOptions, 'ca' | 'cert' | 'key'> = {}) {
    this.#url = new URL(url)
    this.#tls = tls
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<ReceivedResponse> {
    return this.send('GET', path, null, headers)
  }

  post(path: string, body: unknown = null): Promise<ReceivedResponse> {
    return this.send('POST', path, body)
  }

  put(path: string, body: unknown = null): Promise<ReceivedResponse> {
    return this.send('PUT', path, body)
  }

  delete(path: string): Promise<ReceivedResponse> {
    return this.send('DELETE', path, null)
  }

  /** Sends a body as it is when it is text, else as JSON; declares it as JSON unless `headers` say otherwise. */
  async send(
    method: string,
    path: string,
    body: unknown = null,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ReceivedResponse> {
    const text = body === null ? null : typeof body === 'string' ? body : JSON.stringify(body)
    const response = await this.exchange(method, path, text, headers)
    if (method !== 'HEAD' && method !== 'OPTIONS') {
      const contentType = response.headers['content-type']
      const problems = contractProblems(method, path, {
        status: response.status,
        contentType: typeof contentType === 'string' ? contentType : null,
        body: response.body,
      })
      if (problems.length > 0) throw new ContractError(problems.join('\n'))
    }
    return response
  }

  /** Sends without a check: the server is another one. */
  exchange(
    method: string,
    path: string,
    body: string | null,
    headers: Readonly<Record<string, string>>,
  ): Promise<ReceivedResponse> {
    const declared =
      body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    return new Promise((resolve, reject) => {
      const { hostname, port, protocol } = this.#url
      const isSecure = protocol === 'https:'
      const options = {
        host: hostname.replace(/^\[|\]$/g, ''),
        port,
        method,
        path,
        headers: { ...declared, ...headers },
        ...(isSecure ? { ...this.#tls, agent: false } : {}),
      }
      const request = (isSecure ? httpsRequest : httpRequest)(options, (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8')
          const isJson = response.headers['content-type'] === 'application/json' && text !== ''
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: text,
            json: isJson ? JSON.parse(text) : null,
          })
        })
      })
      request.on('error', reject)
      request.end(body ?? undefined)
    })
  }
}

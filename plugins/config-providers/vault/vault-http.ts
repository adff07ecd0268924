import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'

import { ConfigError, RetriableError } from 'penstock/api'

import { secretObject, type SecretObject } from '../secret-fields.ts'

/** One request of Vault's HTTP API. */
export interface VaultRequest {
  readonly method: 'GET' | 'POST'
  /** Below `/v1/`, its segments encoded. */
  readonly path: string
  readonly token?: string
  readonly body?: Readonly<Record<string, string>>
}

/** A response of Vault. */
export interface VaultResponse {
  readonly status: number
  /** An empty object for a response without a body. */
  readonly body: SecretObject
}

/** The maximum size of a response in bytes (I10). Vault's own limit of a secret is 1 MiB with the default storage. */
const maxBytes = 4 * 1024 * 1024

/**
 * Sends requests to Vault. Without a package: the API is JSON over HTTP, and what is needed beside it (own authorities, one
 * redirect, errors that name the cause) is what the clients leave to their callers.
 */
export class VaultHttp {
  readonly #address: URL
  readonly #namespace: string
  /** In PEM; null: those of Node.js. */
  readonly #authorities: string | null

  constructor(address: URL, namespace: string, authorities: string | null) {
    this.#address = address
    this.#namespace = namespace
    this.#authorities = authorities
  }

  /** @throws RetriableError when Vault does not respond; ConfigError when it is no Vault, or its certificate is not trusted */
  async send(request: VaultRequest, signal: AbortSignal): Promise<VaultResponse> {
    const base = this.#address.href.replace(/\/$/, '')
    let url = new URL(`${base}/v1/${request.path}`)
    let response = await this.#exchange(url, request, signal)
    // A standby node of a cluster redirects to the active one. As Vault's own client: once, and never from https to http.
    if (response.location !== null && (response.status === 307 || response.status === 301 || response.status === 302)) {
      const next = new URL(response.location, url)
      if (url.protocol === 'https:' && next.protocol !== 'https:') {
        throw new ConfigError(`Vault at ${url.origin} redirects to ${next.origin}, which is not encrypted`)
      }
      url = next
      response = await this.#exchange(url, request, signal)
    }
    const body = response.text.trim() === '' ? {} : secretObject(response.text)
    if (body === null) {
      const { origin } = url
      const what = `the server at ${origin} responds with ${response.status} and no JSON: is vault.addr a Vault server?`
      throw response.status >= 500 ? new RetriableError(what) : new ConfigError(what)
    }
    return { status: response.status, body }
  }

  async #exchange(url: URL, request: VaultRequest, signal: AbortSignal): Promise<Exchange> {
    const { method, token, body } = request
    const payload = body === undefined ? null : JSON.stringify(body)
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const options = {
      method,
      agent: false,
      signal,
      headers: {
        'x-vault-request': 'true',
        ...(token === undefined ? {} : { 'x-vault-token': token }),
        ...(this.#namespace === '' ? {} : { 'x-vault-namespace': this.#namespace }),
        ...(payload === null
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
      },
      ...(this.#authorities === null ? {} : { ca: this.#authorities }),
    }
    try {
      return await new Promise<Exchange>((resolve, reject) => {
        const sent = send(url, options, (response) => {
          textOf(response).then((text) => {
            const { statusCode = 0, headers } = response
            resolve({ status: statusCode, location: headers.location ?? null, text })
          }, reject)
        })
        sent.on('error', reject)
        sent.end(payload ?? undefined)
      })
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw unreachable(url, error)
    }
  }
}

interface Exchange {
  readonly status: number
  readonly location: string | null
  readonly text: string
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of response) {
    const bytes = part as Buffer
    size += bytes.length
    if (size > maxBytes) throw new ConfigError(`the response has more than ${maxBytes} bytes`)
    parts.push(bytes)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** What the codes of failed connections mean for an operator. */
function unreachable(url: URL, error: unknown): Error {
  if (error instanceof ConfigError) return error
  const code = codeOf(error)
  const failed = `Vault at ${url.origin} cannot be reached (${code})`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new RetriableError(`${failed}: the name ${url.hostname} has no address; check vault.addr and DNS`)
  }
  if (code === 'ECONNREFUSED') return new RetriableError(`${failed}: no process listens there; check vault.addr`)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new ConfigError(`${failed}: its certificate is for another name; use that in vault.addr`)
  }
  if (code === 'CERT_HAS_EXPIRED') return new ConfigError(`${failed}: its certificate has expired`)
  if (/CERT|ISSUER|SIGNATURE/.test(code)) {
    return new ConfigError(`${failed}: no known authority has signed its certificate; set vault.pem`)
  }
  if (/^(?:EPROTO|ERR_SSL_|HPE_)/.test(code)) {
    return new ConfigError(`${failed}: it speaks another protocol than ${url.protocol}// of vault.addr`)
  }
  return new RetriableError(failed)
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Of a name with several addresses, each has an error of its own.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : null
  const code: unknown = Reflect.get(error, 'code') ?? (first instanceof Error ? Reflect.get(first, 'code') : null)
  return typeof code === 'string' ? code : error.name
}

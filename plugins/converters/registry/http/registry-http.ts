import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'

import {
  backoffMs,
  DeadlineExceededError,
  isJsonObject,
  parseJson,
  RetriableError,
  withDeadline,
  type Clock,
  type JsonObject,
  type JsonValue,
} from 'penstock/api'

import type { RegistrySettings, RegistryUrl } from './registry-settings.ts'

/** One request of the registry's API. */
export interface RegistryRequest {
  readonly method: 'GET' | 'POST'
  /** From the first slash on, its segments encoded. */
  readonly path: string
  readonly body?: JsonObject
  /** What to do where the server does not have the path at all. */
  readonly adviceIfAbsent?: string
}

/** What the registry says: a result, or one of its errors with the codes 404xx, 409xx and 422xx. */
export interface RegistryResponse {
  readonly status: number
  /** Of an error; 0 of a result. */
  readonly errorCode: number
  /** Of an error. */
  readonly message: string
  readonly body: JsonValue
  /** Of the server that responded. */
  readonly url: string
}

/** The maximum size of a response in bytes (I10). */
const maxBytes = 32 * 1024 * 1024
const mediaType = 'application/vnd.schemaregistry.v1+json'

/**
 * Sends requests to a registry, to the next URL and again when one does not respond. With Node's `http`, because its `fetch` has
 * no certificates of clients and no authorities per connection.
 */
export class RegistryHttp {
  readonly #settings: RegistrySettings
  readonly #clock: Clock
  /** The URL that responded last. */
  #current = 0

  constructor(settings: RegistrySettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  /** @throws RetriableError when no URL responds with a result, or with an error of the registry that is about the request */
  async send(request: RegistryRequest, signal: AbortSignal): Promise<RegistryResponse> {
    const { maxRetries, backoff } = this.#settings
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#sendToEach(request, signal)
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof UnavailableError) || attempt > maxRetries || !error.soon) throw error
      }
      await this.#clock.sleep(backoffMs(backoff, attempt), signal)
    }
  }

  async #sendToEach(request: RegistryRequest, signal: AbortSignal): Promise<RegistryResponse> {
    const { urls } = this.#settings
    let last: unknown = null
    for (let turn = 0; turn < urls.length; turn += 1) {
      const index = (this.#current + turn) % urls.length
      try {
        const response = await this.#exchange(urls[index] as RegistryUrl, request, signal)
        this.#current = index
        return response
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof UnavailableError)) throw error
        last = error
      }
    }
    throw last
  }

  async #exchange(target: RegistryUrl, request: RegistryRequest, signal: AbortSignal): Promise<RegistryResponse> {
    const { timeoutMs } = this.#settings
    let received: { readonly status: number; readonly text: string }
    try {
      const deadline = { clock: this.#clock, ms: timeoutMs, signal }
      received = await withDeadline(deadline, async (bound) => await this.#request(target, request, bound))
    } catch (error) {
      throw unreachable(target, error)
    }
    return judged(target, received, request)
  }

  async #request(target: RegistryUrl, request: RegistryRequest, signal: AbortSignal) {
    const payload = request.body === undefined ? null : JSON.stringify(request.body)
    const url = new URL(`${target.url}${request.path}`)
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const headers = {
      accept: `${mediaType}, application/json`,
      ...(target.authorization === null ? {} : { authorization: target.authorization }),
      ...(payload === null ? {} : { 'content-type': mediaType, 'content-length': String(Buffer.byteLength(payload)) }),
    }
    // Without kept connections: schemas are looked up once, and converters have no end at which to close them.
    const options = { method: request.method, agent: false, signal, headers, ...this.#settings.tls }
    return await new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
      const sent = send(url, options, (response) => {
        textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject)
      })
      sent.on('error', reject)
      sent.end(payload ?? undefined)
    })
  }
}

/** The registry cannot do it, or not at this moment. `soon`: it is worth a retry within seconds. */
class UnavailableError extends RetriableError {
  readonly soon: boolean

  constructor(message: string, soon: boolean, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause })
    this.soon = soon
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of response) {
    const bytes = part as Buffer
    size += bytes.length
    if (size > maxBytes) throw new UnavailableError(`the response has more than ${maxBytes} bytes`, false)
    parts.push(bytes)
  }
  return Buffer.concat(parts).toString('utf8')
}

function judged(
  { url }: RegistryUrl,
  { status, text }: { readonly status: number; readonly text: string },
  { adviceIfAbsent }: RegistryRequest,
): RegistryResponse {
  const body = jsonOrNull(text)
  const result = { status, url, body: body?.json ?? null }
  if (status >= 200 && status < 300 && body !== null) return { ...result, errorCode: 0, message: '' }
  const error = body !== null && isJsonObject(body.json) ? body.json : {}
  const errorCode = Number(error['error_code'] ?? 0)
  const message = typeof error['message'] === 'string' ? error['message'] : text.slice(0, 200)
  // The registry's own codes have five digits. A 404 without one is of a server that is no registry.
  if (isAboutRequest(status, errorCode)) return { ...result, errorCode, message }
  const said = `the schema registry at ${url} responds with ${status}${message === '' ? '' : `: ${message}`}`
  if (status === 401 || status === 403)
    throw new UnavailableError(
      `${said}. Check basic.auth.user.info, or bearer.auth.token, and the rights of the user`,
      false,
    )
  if (status === 429 || status >= 500) throw new UnavailableError(said, true)
  if (status === 404 && adviceIfAbsent !== undefined) throw new UnavailableError(`${said}. ${adviceIfAbsent}`, false)
  throw new UnavailableError(`${said}. Is schema.registry.url the URL of a schema registry?`, false)
}

function isAboutRequest(status: number, errorCode: number): boolean {
  if (status === 404) return errorCode > 40_400 && errorCode < 40_500
  return status === 409 || status === 422 || status === 413 || (status === 400 && errorCode !== 0)
}

function jsonOrNull(text: string): { readonly json: JsonValue } | null {
  try {
    return { json: parseJson(text) }
  } catch {
    return null
  }
}

/** What the codes of failed connections mean for an operator. */
function unreachable({ url }: RegistryUrl, error: unknown): Error {
  if (error instanceof UnavailableError) return error
  const code = codeOf(error)
  const failed = `the schema registry at ${url} cannot be reached (${code})`
  if (error instanceof DeadlineExceededError)
    return new UnavailableError(`the schema registry at ${url} does not respond: ${error.message}`, true, error)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new UnavailableError(`${failed}: its name has no address; check schema.registry.url and DNS`, true, error)
  if (code === 'ECONNREFUSED')
    return new UnavailableError(`${failed}: no process listens there; check schema.registry.url`, true, error)
  if (/CERT|ISSUER|SIGNATURE/.test(code))
    return new UnavailableError(
      `${failed}: its certificate is not trusted; check schema.registry.ssl.truststore.location`,
      false,
      error,
    )
  return new UnavailableError(failed, true, error)
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Of a name with several addresses, each has an error of its own.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : null
  const code: unknown = Reflect.get(error, 'code') ?? (first instanceof Error ? Reflect.get(first, 'code') : null)
  return typeof code === 'string' ? code : error.name
}

import { errorMessage } from '../../foundation/error-message.ts'
import { readFileSync } from 'node:fs'

import type { Clock } from '../../foundation/clock.ts'
import { exitCodes } from '../../foundation/process/exit-codes.ts'
import { CommandError } from '../command/command-error.ts'
import { requestError } from './request-error.ts'

/** Kafka Connect takes at most 90 s for an operation of its herder. Milliseconds. */
const timeoutMs = 100_000
/** How often, and after how long, a request is sent again that the workers of a group refuse while they rebalance. */
const rebalance = { attempts: 20, pauseMs: 500 }

export interface Request {
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** Sends requests to a REST API of Kafka Connect. */
export class RestClient {
  readonly url: string
  readonly #authorization: string | null
  readonly #clock: Clock

  constructor(url: string, authorization: string | null, clock: Clock) {
    this.url = url
    this.#authorization = authorization
    this.#clock = clock
  }

  /** Returns the JSON of the response; null when it has no body. @throws CommandError that says what to do */
  async send<T>(method: string, path: string, request: Request = {}): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.#open(method, path, { ...request, deadline: AbortSignal.timeout(timeoutMs) })
      const text = await this.#textOf(response)
      if (response.ok) return text === '' ? (null as T) : (this.#parsed(text, path) as T)
      const refused = requestError({ url: this.url, method, path, status: response.status, text })
      if (!/rebalance/i.test(text) || attempt >= rebalance.attempts) throw refused
      await this.#clock.sleep(rebalance.pauseMs, request.signal)
    }
  }

  /** The time of the server, in milliseconds of the epoch; null when it does not tell. */
  async date(): Promise<number | null> {
    const response = await this.#open('GET', '/', { deadline: AbortSignal.timeout(timeoutMs) })
    await this.#textOf(response)
    const time = Date.parse(response.headers.get('Date') ?? '')
    return Number.isNaN(time) ? null : time
  }

  /** Returns a response of server-sent events, whose body the caller reads until the signal aborts. @throws CommandError */
  async stream(path: string, request: Request & { readonly signal: AbortSignal }): Promise<Response> {
    const headers = { Accept: 'text/event-stream', ...request.headers }
    const response = await this.#open('GET', path, { ...request, headers, deadline: request.signal })
    if (response.ok) return response
    const text = await this.#textOf(response)
    throw requestError({ url: this.url, method: 'GET', path, status: response.status, text })
  }

  async #open(method: string, path: string, request: Request & { readonly deadline: AbortSignal }): Promise<Response> {
    const { query, body, headers, signal, deadline } = request
    try {
      return await fetch(this.url + path + queryText(query), {
        method,
        redirect: 'manual',
        signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
        headers: {
          Accept: 'application/json',
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(this.#authorization === null ? {} : { Authorization: this.#authorization }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      throw unreachable(this.url, error)
    }
  }

  async #textOf(response: Response): Promise<string> {
    try {
      return await response.text()
    } catch (error) {
      throw unreachable(this.url, error)
    }
  }

  #parsed(text: string, path: string): unknown {
    try {
      return JSON.parse(text, allDigits)
    } catch {
      throw new CommandError(
        `${this.url}${path} did not return JSON. Is it the REST API of a worker? It begins: ${text.slice(0, 80)}`,
        exitCodes.serverFailed,
      )
    }
  }
}

/** In Node 24, not yet in the types. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown }

/** Integers that a number cannot hold are kept as they are written, and written like this again. */
function allDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const isExact = typeof value !== 'number' || Number.isSafeInteger(value) || context?.source === undefined
  return isExact || !/^-?\d+$/.test(context.source) ? value : rawJSON(context.source)
}

function queryText(query: Request['query']): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {}))
    for (const each of value === undefined ? [] : [value].flat()) params.append(name, each)
  return params.size === 0 ? '' : `?${params.toString()}`
}

function unreachable(url: string, error: unknown): CommandError {
  const { name, cause } = error as Error
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? ''
  const reason = name === 'TimeoutError' ? 'it did not respond in time' : (causes[code] ?? errorMessage(cause ?? error))
  const advice = /CERT|SSL|TLS|SELF_SIGNED|ISSUER/.test(code)
    ? 'Name the certificate to trust: penstock context add NAME --url URL --ca FILE'
    : 'Start a worker (penstock worker), or name another server: --url URL, or penstock context use NAME'
  return new CommandError(`cannot reach ${url}: ${reason}. ${advice}.`, exitCodes.unreachable)
}

const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no server listens there',
  ENOTFOUND: 'its host name is unknown',
  EAI_AGAIN: 'its host name cannot be looked up now',
  ECONNRESET: 'it closed the connection',
  EHOSTUNREACH: 'its host cannot be reached',
  ETIMEDOUT: 'its host does not respond',
  UND_ERR_CONNECT_TIMEOUT: 'its host does not respond',
  UND_ERR_SOCKET: 'it closed the connection',
}

/** Trusts the certificates in a file besides those of the system. @throws CommandError when it cannot be read or has none */
export async function trust(file: string): Promise<void> {
  const { getCACertificates, setDefaultCACertificates } = await import('node:tls')
  try {
    setDefaultCACertificates([...getCACertificates('default'), readFileSync(file, 'utf8')])
  } catch (error) {
    throw new CommandError(`The certificates in ${file} cannot be used: ${errorMessage(error)}`)
  }
}

import { exactJson } from '../model/records/exact-json.ts'

/** A request that the worker refused, or that did not reach it (status 0). */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

/** Kafka Connect's error response. */
interface ErrorBody {
  readonly error_code?: number
  readonly message?: string
}

/**
 * Sends a request to the worker that served the page; the browser adds the credentials with which the page was opened.
 * Returns the JSON of the response, null for an empty one.
 * @throws ApiError with the worker's message
 */
export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const text = await send(method, path, options)
  return (text === '' ? null : JSON.parse(text)) as T
}

/** As {@link call} with GET, but keeps all digits of integers: see {@link exactJson}. @throws ApiError */
export async function callExact<T>(path: string, signal: AbortSignal): Promise<T> {
  return exactJson(await send('GET', path, { signal })) as T
}

async function send(method: string, path: string, { body, signal }: CallOptions): Promise<string> {
  const response = await reached(
    fetch(path, {
      method,
      headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    }),
  )
  const text = await reached(response.text())
  if (!response.ok) throw new ApiError(response.status, messageOf(text) ?? `HTTP ${response.status}`)
  return text
}

export interface CallOptions {
  readonly body?: unknown
  readonly signal?: AbortSignal
}

async function reached<T>(request: Promise<T>): Promise<T> {
  try {
    return await request
  } catch (error) {
    throw new ApiError(0, 'The worker does not respond.', { cause: error })
  }
}

function messageOf(text: string): string | null {
  try {
    return (JSON.parse(text) as ErrorBody).message ?? null
  } catch {
    return null
  }
}

/** `/connectors/{name}` and what follows, with the name encoded. */
export function connectorPath(name: string, rest = ''): string {
  return `/connectors/${encodeURIComponent(name)}${rest}`
}

import type { IncomingMessage } from 'node:http'
import type { RequestOptions } from 'node:https'
import type { ForwardTls } from '../../config/worker/rest/listener-tls.ts'

import { text } from 'node:stream/consumers'

import { errorMessage } from '../../foundation/error-message.ts'

/** A request to another worker. */
export interface WorkerRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

/** The response of another worker. */
export type WorkerResponse = Pick<Response, 'status' | 'headers' | 'text'>

/**
 * Sends a request to another worker over http, or over https with its certificates. Redirects are not followed.
 * @param tls null: the authorities of the system are trusted
 */
export async function workerFetch(url: string, init: WorkerRequest, tls: ForwardTls | null): Promise<WorkerResponse> {
  return isSecure(url) ? await httpsFetch(url, init, tls) : await fetch(url, { ...init, redirect: 'manual' })
}

/** Returns why {@link workerFetch} failed. */
export function failureOf(error: unknown, url: string): string {
  const cause = causeOf(error)
  const isOfTls = isSecure(url) && /CERT|ISSUER|SELF_SIGNED|^ERR_SSL|^ERR_TLS/.test(codeOf(cause))
  if (!isOfTls) return errorMessage(cause)
  const { origin } = new URL(url)
  return `${errorMessage(cause)}. This worker and the one at ${origin} must trust each other's certificates: check ssl.keystore and ssl.truststore of both`
}

/** Whether {@link workerFetch} failed before there was a connection, so that the other worker has not seen the request. */
export function isUnsent(error: unknown): boolean {
  return ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'].includes(codeOf(causeOf(error)))
}

/** Node's `fetch` hides the cause behind "fetch failed". */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? error.cause : error
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function isSecure(url: string): boolean {
  return /^https:/i.test(url)
}

/** Node's `fetch` takes no certificates. */
async function httpsFetch(url: string, init: WorkerRequest, tls: ForwardTls | null): Promise<WorkerResponse> {
  // As an import it would be loaded in each worker, and few need it.
  const { request } = process.getBuiltinModule('node:https')
  const { method, headers, body, signal } = init
  const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }
  const options = { method, headers: { ...headers, ...length }, signal, agent: false, ...tlsOptions(tls) }
  const received = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(url, options, resolve)
    sent.on('error', reject)
    sent.end(body)
  })
  const found = await text(received)
  return { status: received.statusCode ?? 0, headers: headersOf(received), text: async () => found }
}

function headersOf({ headers }: IncomingMessage): Headers {
  const single = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  )
  return new Headers(Object.fromEntries<string>(single))
}

function tlsOptions(tls: ForwardTls | null): RequestOptions {
  if (tls === null) return {}
  const { verifyHost, ...certificates } = tls
  return verifyHost ? certificates : { ...certificates, checkServerIdentity: () => undefined }
}

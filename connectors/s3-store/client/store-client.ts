import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { systemClock, type Clock } from 'penstock/api'

import { credentialInput, credentialsError } from './credentials/credentials.ts'
import { PieceStream } from './piece-stream.ts'
import { collect, ExchangeError } from './exchange.ts'
import { proxyAgents } from './proxy-agents.ts'
import type { StoreSettings } from '../config/store-settings.ts'

/** An error document, a page of 1,000 names of 1,024 bytes: more bytes than this of a response are dropped. */
const maxResponseBytes = 4 * 1024 * 1024

/**
 * The SDK's client, configured so that this sink decides about retries, checksums, redirects to other regions and the clock:
 * the SDK would adopt the date of every response, also of a response from a proxy with a wrong clock.
 */
export class StoreClient {
  readonly s3: S3Client
  readonly #clock: Clock
  /** Statuses as they were received: the SDK replaces the 200 of a response whose body is an error. */
  readonly #statuses = new WeakMap<object, number>()
  #clockSkewMs = 0

  constructor(settings: StoreSettings, clock: Clock) {
    this.#clock = clock
    this.s3 = new S3Client(clientConfig(settings))
    this.#keepClock()
    this.#signBodies()
    this.#observeResponses()
  }

  close(): void {
    this.s3.destroy()
  }

  /** Makes sure that requests can be signed. @throws S3RefusedError, S3UnavailableError. @param renewed asks for other credentials than the last ones. */
  async checkCredentials(renewed: boolean): Promise<void> {
    try {
      await this.s3.config.credentials(renewed ? { forceRefresh: true } : {})
    } catch (error) {
      throw credentialsError(error)
    }
  }

  /** Signs the following requests by the clock of the store, as it stands in the response that an error carries. */
  adoptClock(error: object): void {
    const { $response }: { readonly $response?: { readonly headers?: Readonly<Record<string, string>> } } = error
    this.#clockSkewMs = Date.parse($response?.headers?.['date'] ?? '') - this.#clock.now() || 0
  }

  /** The status of the response that an error of the SDK carries, as it was received; null when it carries none. */
  statusOf(error: unknown): number | null {
    if (typeof error !== 'object' || error === null) return null
    const { $response, $metadata }: { readonly $response?: object; readonly $metadata?: { httpStatusCode?: number } } =
      error
    return ($response === undefined ? null : this.#statuses.get($response)) ?? $metadata?.httpStatusCode ?? null
  }

  /** The SDK signs by the time of this process and this offset, and sets it with every response that has a date. */
  #keepClock(): void {
    Object.defineProperty(this.s3.config, 'systemClockOffset', {
      get: () => this.#clock.now() + this.#clockSkewMs - systemClock.now(),
      set() {},
    })
  }

  #signBodies(): void {
    this.s3.middlewareStack.add(
      (next) => async (args) => {
        const { request } = args
        if (isRequest(request) && request.body instanceof PieceStream)
          request.headers['x-amz-content-sha256'] = request.body.sha256
        return await next(args)
      },
      { step: 'build', priority: 'low', name: 'penstockSigning' },
    )
  }

  #observeResponses(): void {
    this.s3.middlewareStack.add(
      (next) => async (args) => {
        try {
          const result = await next(args)
          const { response } = result
          if (isResponse(response)) this.#statuses.set(response, response.statusCode)
          return result
        } catch (error) {
          throw new ExchangeError(error)
        }
      },
      { step: 'deserialize', priority: 'low', name: 'penstockResponses' },
    )
  }
}

function clientConfig(settings: StoreSettings): S3ClientConfig {
  const { region, storeUrl, pathStyle, accelerate, proxyUrl, requestTimeoutMs } = settings
  // The number of requests in flight limits the number of sockets.
  const agent = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, scheduling: 'lifo' } as const
  return {
    region,
    ...(storeUrl === null ? {} : ownStore(storeUrl)),
    forcePathStyle: pathStyle,
    useAccelerateEndpoint: accelerate,
    ...credentialInput(settings),
    maxAttempts: 1,
    retryMode: 'standard',
    disableClockSkewCorrection: false,
    followRegionRedirects: false,
    expectContinueHeader: settings.expectContinue,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: requestTimeoutMs,
      socketTimeout: requestTimeoutMs,
      ...(proxyUrl === null ? { httpAgent: agent, httpsAgent: agent } : proxyAgents(proxyUrl, agent)),
      logger: silent,
    },
    streamCollector: async (stream: AsyncIterable<Uint8Array>) => await collect(stream, maxResponseBytes),
    logger: silent,
  }
}

/** Sessions are a feature of Amazon's directory buckets, which the SDK recognises by the end of their names. */
function ownStore(storeUrl: string): S3ClientConfig {
  const endpoint = storeUrl.includes('://') ? storeUrl : `https://${storeUrl}`
  return { endpoint, disableS3ExpressSessionAuth: true }
}

/** The SDK writes its warnings to the console without one. */
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

interface SentRequest {
  readonly headers: Record<string, string>
  readonly body?: unknown
}

function isRequest(request: unknown): request is SentRequest {
  return typeof request === 'object' && request !== null && 'headers' in request
}

function isResponse(response: unknown): response is { readonly statusCode: number } {
  return typeof response === 'object' && response !== null && 'statusCode' in response
}

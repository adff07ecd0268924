import type { S3Client } from '@aws-sdk/client-s3'
import { backoffMs, present, type Clock } from 'penstock/api'

import { ConcurrencyLimit } from './concurrency-limit.ts'
import { ExchangeError } from './exchange.ts'
import {
  refusalOf,
  refusedError,
  S3RefusedError,
  S3UnavailableError,
  textOf,
  verdictOf,
  type Refusal,
  type Verdict,
} from './s3-error.ts'
import { StoreClient } from './store-client.ts'
import { StoreWaits, type StoreWait } from './store-waits.ts'
import type { StoreSettings } from '../config/store-settings.ts'

/** The SDK's text for a success that has to have a body and has none. */
const emptyResponse = 'S3 aborted request'

/** The SDK's timeout of a connection also counts the time in which a request waits for a socket: none has to wait for one. */
const maxRequests = 16

/** A request of S3 and how to send it once. */
export interface StoreRequest<Output> {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Null: the request is about the bucket. */
  readonly key: string | null
  /** Whether it has If-Match or If-None-Match. */
  readonly isConditional?: boolean
  readonly send: (client: S3Client, options: { readonly abortSignal: AbortSignal }) => Promise<Output>
  /**
   * What each success of the store has, and how a message names it. A status of 200 alone proves nothing: proxies, login pages
   * and load balancers without a backend respond with one too, and the object is then nowhere. Null: any success counts.
   */
  readonly proof: { readonly name: string; of(output: Output): unknown } | null
  /**
   * For HEAD, whose refusals have no body: a request for the first byte of the object. It tells the refusal of the store from
   * that of a proxy.
   */
  readonly firstByte?: StoreRequest<unknown>
}

/** What messages and rules need of a request. */
type RequestKind = Pick<StoreRequest<unknown>, 'method' | 'key' | 'isConditional'>

/** How a request ended. */
export type StoreOutcome<Output> =
  | { readonly verdict: 'done'; readonly output: Output }
  | { readonly verdict: Verdict; readonly refusal: Refusal }

/** Receives what happens to requests. */
export interface StoreEvents {
  readonly retried?: () => void
  /** A request keeps failing, or gets no response; null: all requests get through. */
  readonly waitsFor?: (reason: string | null) => void
}

/**
 * Sends requests through the SDK's client and decides which are retried. Transient failures are retried indefinitely, with
 * jitter; what an operator has to fix is thrown.
 */
export class StoreRequests {
  readonly #settings: StoreSettings
  readonly #clock: Clock
  readonly #events: StoreEvents
  readonly #client: StoreClient
  readonly #waits: StoreWaits
  readonly #inFlight = new ConcurrencyLimit(maxRequests)
  readonly #store: string

  constructor(settings: StoreSettings, clock: Clock, events: StoreEvents) {
    this.#settings = settings
    this.#clock = clock
    this.#events = events
    this.#client = new StoreClient(settings, clock)
    this.#store = settings.storeUrl ?? `Amazon S3 in ${settings.region}`
    this.#waits = new StoreWaits({
      quietAttempts: settings.quietAttempts,
      store: this.#store,
      clock,
      show: (reason) => events.waitsFor?.(reason),
    })
  }

  close(): void {
    this.#client.close()
  }

  /** Retries until the response is one that a retry would not change. @throws S3RefusedError, or the signal's reason. */
  async untilSettled<Output>(request: StoreRequest<Output>, signal: AbortSignal): Promise<StoreOutcome<Output>> {
    const wait = this.#waits.begin(nameOf(request))
    try {
      return await this.#settled(request, wait, signal)
    } finally {
      wait.over()
    }
  }

  /** As {@link once}; a request without a response is shown after some time. */
  async onceShown<Output>(request: StoreRequest<Output>, signal: AbortSignal): Promise<StoreOutcome<Output>> {
    const wait = this.#waits.begin(nameOf(request))
    try {
      return await this.once(request, signal)
    } finally {
      wait.over()
    }
  }

  async #settled<Output>(
    request: StoreRequest<Output>,
    wait: StoreWait,
    signal: AbortSignal,
  ): Promise<StoreOutcome<Output>> {
    let renewed = false
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted()
      let failure: string
      try {
        const outcome: StoreOutcome<Output> = await this.once(request, signal, renewed)
        if (outcome.verdict === 'done') return outcome
        const { verdict, refusal }: { verdict: Verdict; refusal: Refusal } = outcome
        if (isFinal(verdict, request)) throw this.refused(refusal, request)
        if (verdict !== 'retry' && verdict !== 'adopt-clock' && verdict !== 'refresh-credentials') return outcome
        renewed = verdict === 'refresh-credentials'
        if (verdict === 'adopt-clock' && attempt === 1) continue
        failure = textOf(refusal)
      } catch (error) {
        if (!(error instanceof S3UnavailableError)) throw error
        failure = error.why
      }
      this.#events.retried?.()
      wait.failed(failure)
      const { initialBackoffMs: initialMs, maxBackoffMs: maxMs } = this.#settings
      await this.#clock.sleep(backoffMs({ initialMs, maxMs }, attempt), signal)
    }
  }

  /** Sends the request once. @throws S3UnavailableError when there is no response of the store, S3RefusedError, or the signal's reason. */
  async once<Output>(
    request: StoreRequest<Output>,
    signal: AbortSignal,
    renewed = false,
  ): Promise<StoreOutcome<Output>> {
    await this.#client.checkCredentials(renewed)
    try {
      const send = (): Promise<Output> => request.send(this.#client.s3, { abortSignal: signal })
      const output = await this.#inFlight.run(signal, send)
      const { proof } = request
      if (proof === null || isGiven(proof.of(output))) return { verdict: 'done', output }
      throw this.unavailable(request, `the response has no ${proof.name}: it was cut off, or is not the store's`)
    } catch (error) {
      signal.throwIfAborted()
      return await this.#failed(request, error, signal)
    }
  }

  async #failed<Output>(
    request: StoreRequest<Output>,
    error: unknown,
    signal: AbortSignal,
  ): Promise<StoreOutcome<Output>> {
    if (error instanceof S3UnavailableError || !(error instanceof Error)) throw error
    if (error instanceof ExchangeError) throw this.unavailable(request, error.why, error.cause)
    const status = this.#client.statusOf(error)
    if (status === null) throw this.#unsendable(request, error)
    if (error.message === emptyResponse) throw this.unavailable(request, 'the response is empty', error)
    const refusal = refusalOf(error, status, request.method)
    if (status < 300 && !refusal.isStores) {
      throw this.unavailable(request, `HTTP ${status} with a body that is cut off, or not the store's`, error)
    }
    const verdict = verdictOf(refusal, request.method)
    if (verdict === 'unproven') return await this.#proven(request, status, signal)
    if (verdict === 'adopt-clock') this.#client.adoptClock(error)
    return { verdict, refusal }
  }

  /** @throws S3UnavailableError when the object is there although HEAD was refused. */
  async #proven<Output>(
    request: StoreRequest<Output>,
    status: number,
    signal: AbortSignal,
  ): Promise<StoreOutcome<Output>> {
    const outcome = await this.once(present(request.firstByte, 'a request for the first byte'), signal)
    if (outcome.verdict !== 'done' && outcome.refusal.status !== 416) return outcome
    const why = `HTTP ${status}, but GET finds the object: a proxy in front of the store responds to HEAD`
    throw this.unavailable(request, why)
  }

  /** The error for a request that may succeed later. */
  unavailable(request: RequestKind, why: string, cause?: unknown): S3UnavailableError {
    return new S3UnavailableError(`${nameOf(request)} failed at ${this.#store}`, why, cause)
  }

  /** The error for a request that an operator has to make possible. */
  refused(refusal: Refusal, request: RequestKind): S3RefusedError {
    return refusedError(refusal, nameOf(request), this.#settings.bucket, this.#settings.region)
  }

  /** What no store could accept is not sent: a bucket name with a slash, a region that cannot be part of a host name. */
  #unsendable(request: RequestKind, error: Error): Error {
    if (error instanceof TypeError || error instanceof RangeError || error instanceof S3RefusedError) return error
    const text = `${nameOf(request)} cannot be sent: ${error.message.replace(/\.$/, '')}. Check s3.bucket.name, s3.region and store.url.`
    return new S3RefusedError(text, { code: codeOfUnsendable(error), cause: error })
  }
}

function codeOfUnsendable({ name, message }: Error): string {
  if (name === 'InvalidBucketName') return 'S3_NO_BUCKET'
  return message.startsWith('Region') ? 'S3_REGION' : 'S3_REFUSED'
}

function nameOf({ method, key }: RequestKind): string {
  return `${method} ${key ?? 'bucket'}`
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

/** Whether no condition, retry or look-up could make a difference. */
function isFinal(verdict: Verdict, { method, isConditional = false }: RequestKind): boolean {
  if (verdict === 'fatal') return method !== 'HEAD'
  return verdict === 'conditions-unknown' && !isConditional
}

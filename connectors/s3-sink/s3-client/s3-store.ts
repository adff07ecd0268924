import { backoffMs, type Clock, type Logger, errorMessage } from 'penstock/api'

import { doubtOf, tagHeader, type Evidence } from './answer-evidence.ts'
import { checksumOf, customerKeyHeaders, digest, encryptionHeaders } from './body-checks.ts'
import { credentialSource, type CredentialSource } from './credentials.ts'
import { endpointOf, pathOf, type Endpoint } from './endpoint.ts'
import { HttpExchange, type HttpAnswer } from './http-exchange.ts'
import { markHeaders, markIn, type ObjectMark } from '../object/object-mark.ts'
import {
  refusalOf,
  refusedError,
  S3UnavailableError,
  textOf,
  verdictOf,
  xmlText,
  type Refusal,
  type Verdict,
} from './s3-error.ts'
import type { StoreSettings } from '../config/settings.ts'
import { queryString, sha256Hex, signatureHeaders } from './sign-request.ts'
import { StoreWaits, type StoreWait } from './store-waits.ts'

/** When an object may be put: where none is, over the one with that tag, or whatever is there. */
export type Condition = { readonly kind: 'absent' | 'any' } | { readonly kind: 'tag'; readonly tag: string }

/** How putting an object ended. */
export type PutOutcome = 'done' | 'precondition-failed' | 'no-such-upload' | 'conditions-unknown'

/** A part that is in the store. */
export interface StoredPart {
  readonly number: number
  readonly tag: string
  readonly checksum: string | null
}

/** What is known of an object without reading it. */
export interface ObjectHead {
  readonly tag: string
  readonly bytes: number
  /** Null for an object that was not written by this sink. */
  readonly mark: ObjectMark | null
}

/** A multipart upload under way. */
export interface OpenUpload {
  readonly key: string
  readonly uploadId: string
}

interface Call {
  readonly method: string
  readonly key: string | null
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: readonly Uint8Array[]
  readonly maxAnswerBytes?: number
  /** Without it a success is none, and the request is sent again. */
  readonly expects?: Evidence
}

interface Outcome {
  readonly answer: HttpAnswer
  readonly refusal: Refusal | null
  readonly verdict: Verdict | 'done'
}

/** What whoever uses a store may want to know. */
export interface StoreEvents {
  readonly retried?: () => void
  /** A request keeps failing, or gets no response; null: all requests get through. */
  readonly waitsFor?: (reason: string | null) => void
}

/**
 * The few requests of S3 that a sink needs, signed by ourselves: the AWS SDK costs more memory than the rest of a
 * worker's task. What passes by itself is retried for ever, with jitter; what an operator has to mend is thrown.
 */
export class S3Store {
  readonly #settings: StoreSettings
  readonly #clock: Clock
  readonly #waits: StoreWaits
  readonly #endpoint: Endpoint
  readonly #http: HttpExchange
  readonly #credentials: CredentialSource
  readonly #events: StoreEvents
  #clockSkewMs = 0

  constructor(settings: StoreSettings, clock: Clock, logger: Logger, events: StoreEvents = {}) {
    this.#settings = settings
    this.#clock = clock
    this.#events = events
    this.#endpoint = endpointOf(settings)
    this.#http = new HttpExchange(this.#endpoint.origin, settings.requestTimeoutMs)
    this.#credentials = credentialSource(settings)
    this.#waits = new StoreWaits({
      quietAttempts: settings.quietAttempts,
      origin: this.#endpoint.origin.origin,
      clock,
      logger,
      show: (reason) => events.waitsFor?.(reason),
    })
  }

  close(): void {
    this.#http.close()
  }

  /**
   * Asks for the bucket, once. That the keys may not ask for its location is no objection.
   * @throws S3UnavailableError when the store is away, S3RefusedError when bucket, keys or region are wrong.
   */
  async checkBucket(signal: AbortSignal): Promise<void> {
    const call: Call = { method: 'GET', key: null, query: { location: '' } }
    let outcome = await this.#attempt(call, signal, false)
    if (outcome.verdict === 'adopt-clock') outcome = await this.#attempt(call, signal, false)
    const { refusal, verdict } = outcome
    if (refusal === null || refusal.code === 'AccessDenied' || verdict === 'conditions-unknown') return
    if (verdict === 'retry') throw this.#unavailable('GET bucket', textOf(refusal))
    throw refusedError(refusal, 'GET ?location', this.#settings.bucket, this.#settings.region)
  }

  /** Puts a whole object. */
  async putObject(
    key: string,
    body: readonly Uint8Array[],
    condition: Condition,
    mark: ObjectMark,
    signal: AbortSignal,
  ): Promise<PutOutcome> {
    const headers = {
      ...this.#newObjectHeaders(mark),
      ...conditionHeaders(condition),
      ...(await this.#bodyHeaders(body)),
    }
    return putOutcome(await this.#untilSettled({ method: 'PUT', key, headers, body, expects: tagHeader }, signal))
  }

  async createUpload(key: string, mark: ObjectMark, signal: AbortSignal): Promise<string> {
    const { checksum } = this.#settings
    const headers = {
      ...this.#newObjectHeaders(mark),
      ...(checksum === null ? {} : { 'x-amz-checksum-algorithm': checksum.toUpperCase() }),
    }
    const call: Call = { method: 'POST', key, query: { uploads: '' }, headers, expects: { element: 'UploadId' } }
    const { answer, refusal } = await this.#untilSettled(call, signal)
    if (refusal !== null) throw this.#refused(refusal, call)
    return xmlText(answer.body, 'UploadId') ?? ''
  }

  /** Null when the store has forgotten the upload. */
  async uploadPart(
    key: string,
    uploadId: string,
    number: number,
    body: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<StoredPart | null> {
    const headers = { ...customerKeyHeaders(this.#settings.encryption), ...(await this.#bodyHeaders(body)) }
    const query = { partNumber: String(number), uploadId }
    const call: Call = { method: 'PUT', key, query, headers, body, expects: tagHeader }
    const { answer, verdict, refusal } = await this.#untilSettled(call, signal)
    if (verdict === 'no-such-upload') return null
    if (refusal !== null) throw this.#refused(refusal, call)
    const checksum =
      this.#settings.checksum === null ? null : (headers[`x-amz-checksum-${this.#settings.checksum}`] ?? null)
    return { number, tag: answer.headers['etag'] ?? '', checksum }
  }

  async completeUpload(
    key: string,
    uploadId: string,
    parts: readonly StoredPart[],
    condition: Condition,
    signal: AbortSignal,
  ): Promise<PutOutcome> {
    const element = `Checksum${(this.#settings.checksum ?? '').toUpperCase()}`
    const list = parts.map(
      ({ number, tag, checksum }) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>${tag.replaceAll('"', '&quot;')}</ETag>${
          checksum === null ? '' : `<${element}>${checksum}</${element}>`
        }</Part>`,
    )
    const xml = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list.join('')}</CompleteMultipartUpload>`
    const headers = { ...conditionHeaders(condition), ...customerKeyHeaders(this.#settings.encryption) }
    const body = [Buffer.from(xml)]
    const call: Call = { method: 'POST', key, query: { uploadId }, headers, body, expects: { element: 'ETag' } }
    return putOutcome(await this.#untilSettled(call, signal))
  }

  /** Uploads that were begun and neither completed nor given up, by what their keys begin with. Empty when they may not be asked for. */
  async listUploads(prefix: string, signal: AbortSignal): Promise<readonly OpenUpload[]> {
    const { answer, refusal } = await this.#attempt(
      { method: 'GET', key: null, query: { uploads: '', prefix } },
      signal,
      false,
    )
    if (refusal !== null) return []
    return [...answer.body.matchAll(/<Upload>.*?<\/Upload>/gs)].flatMap(([xml]) => {
      const key = xmlText(xml, 'Key')
      const uploadId = xmlText(xml, 'UploadId')
      return key === null || uploadId === null ? [] : [{ key, uploadId }]
    })
  }

  /** Gives an upload up, once; a store that does not answer keeps it until its own rules remove it. */
  async abortUpload(key: string, uploadId: string, signal: AbortSignal): Promise<void> {
    await this.#attempt({ method: 'DELETE', key, query: { uploadId } }, signal, false)
  }

  /** Null when there is no such object; `denied` also when there may be none: who may not list a bucket is told no more. */
  async headObject(key: string, signal: AbortSignal): Promise<ObjectHead | 'denied' | null> {
    const headers = customerKeyHeaders(this.#settings.encryption)
    const call: Call = { method: 'HEAD', key, headers, expects: tagHeader }
    const { answer, refusal, verdict } = await this.#untilSettled(call, signal)
    if (refusal !== null) {
      if (verdict === 'not-found') return null
      if (refusal.status === 403 || refusal.status === 401) return 'denied'
      throw this.#refused(refusal, call)
    }
    return {
      tag: answer.headers['etag'] ?? '',
      bytes: Number(answer.headers['content-length'] ?? 0),
      mark: markIn(answer.headers),
    }
  }

  /** The bytes of an object; null when it is not there as `head` describes it. */
  async getObject(key: string, head: ObjectHead, signal: AbortSignal): Promise<Buffer | null> {
    const headers = customerKeyHeaders(this.#settings.encryption)
    const call: Call = { method: 'GET', key, headers, maxAnswerBytes: head.bytes, expects: tagHeader }
    const { answer, refusal, verdict } = await this.#untilSettled(call, signal)
    if (refusal !== null && verdict === 'fatal') throw this.#refused(refusal, call)
    return refusal === null && answer.bytes.length === head.bytes ? answer.bytes : null
  }

  /** Attempts until there is an answer that another attempt would not change. @throws S3RefusedError, or the signal's reason. */
  async #untilSettled(call: Call, signal: AbortSignal): Promise<Outcome> {
    const wait = this.#waits.begin(`${call.method} ${call.key ?? ''}`)
    let gotThrough = false
    try {
      const outcome = await this.#settled(call, wait, signal)
      gotThrough = true
      return outcome
    } finally {
      wait.over(gotThrough)
    }
  }

  async #settled(call: Call, wait: StoreWait, signal: AbortSignal): Promise<Outcome> {
    let renewed = false
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted()
      let failure: string
      try {
        const outcome = await this.#attempt(call, signal, renewed)
        const { verdict, refusal } = outcome
        if (refusal !== null && isFinal(verdict, call)) throw this.#refused(refusal, call)
        if (verdict !== 'retry' && verdict !== 'adopt-clock' && verdict !== 'refresh-credentials') return outcome
        renewed = verdict === 'refresh-credentials'
        failure = refusal === null ? '' : textOf(refusal)
        if (verdict === 'adopt-clock' && attempt === 1) continue
      } catch (error) {
        if (!(error instanceof S3UnavailableError)) throw error
        failure = error.message
      }
      this.#events.retried?.()
      wait.failed(failure)
      const { initialBackoffMs: initialMs, maxBackoffMs: maxMs } = this.#settings
      await this.#clock.sleep(backoffMs({ initialMs, maxMs }, attempt), signal)
    }
  }

  async #attempt(call: Call, signal: AbortSignal, renewed: boolean): Promise<Outcome> {
    const { method, key, query = {}, body = [], maxAnswerBytes } = call
    const path = pathOf(this.#endpoint, key)
    const length = body.reduce((sum, piece) => sum + piece.length, 0)
    const headers: Record<string, string> = { host: this.#endpoint.host, ...call.headers }
    if (method !== 'GET' && method !== 'HEAD') headers['content-length'] = String(length)
    const request = { method, path, query, headers, bodySha256: sha256Hex(body) }
    const credentials = await this.#credentials(renewed)
    const nowMs = this.#clock.now() + this.#clockSkewMs
    const signature = signatureHeaders(request, credentials, this.#settings.region, nowMs)
    const fullPath = Object.keys(query).length === 0 ? path : `${path}?${queryString(query)}`
    let answer: HttpAnswer
    try {
      const limit = maxAnswerBytes === undefined ? {} : { maxAnswerBytes }
      answer = await this.#http.send(
        { method, path: fullPath, headers: { ...headers, ...signature }, body, ...limit },
        signal,
      )
    } catch (error) {
      signal.throwIfAborted()
      throw this.#unavailable(`${method} ${key ?? 'bucket'}`, errorMessage(error), error)
    }
    const refusal = refusalOf(answer, method)
    const doubt = refusal === null && call.expects !== undefined ? doubtOf(answer, call.expects) : null
    if (doubt !== null) throw this.#unavailable(`${method} ${key ?? 'bucket'}`, doubt)
    const verdict = refusal === null ? 'done' : verdictOf(refusal, method)
    if (verdict === 'unproven') return await this.#proven(call, answer.status, signal)
    if (verdict === 'adopt-clock') this.#clockSkewMs = Date.parse(answer.headers['date'] ?? '') - this.#clock.now() || 0
    return { answer, refusal, verdict }
  }

  /**
   * Asks for the first byte of an object whose HEAD was refused, by the store or by something before it: to GET the store
   * responds with its error document. @throws S3UnavailableError when the object is there all the same
   */
  async #proven({ key, headers = {} }: Call, status: number, signal: AbortSignal): Promise<Outcome> {
    const call: Call = { method: 'GET', key, headers: { ...headers, range: 'bytes=0-0' }, expects: tagHeader }
    const outcome = await this.#attempt(call, signal, false)
    if (outcome.refusal !== null && outcome.refusal.status !== 416) return outcome
    const why = `HTTP ${status}, but GET finds the object: something before the store responds to HEAD`
    throw this.#unavailable(`HEAD ${key ?? 'bucket'}`, why)
  }

  #unavailable(doing: string, why: string, cause?: unknown): S3UnavailableError {
    const text = `${doing} at ${this.#endpoint.origin.origin} did not get through: ${why}`
    return new S3UnavailableError(text, { code: 'S3_UNAVAILABLE', ...(cause === undefined ? {} : { cause }) })
  }

  #refused(refusal: Refusal, { method, key }: Call): Error {
    return refusedError(refusal, `${method} ${key ?? ''}`, this.#settings.bucket, this.#settings.region)
  }

  #newObjectHeaders(mark: ObjectMark): Record<string, string> {
    const { acl, encryption } = this.#settings
    return {
      ...markHeaders(mark),
      ...(acl === null ? {} : { 'x-amz-acl': acl }),
      ...encryptionHeaders(encryption),
    }
  }

  async #bodyHeaders(body: readonly Uint8Array[]): Promise<Record<string, string>> {
    const { md5, checksum } = this.#settings
    return {
      ...(md5 ? { 'content-md5': digest('md5', body) } : {}),
      ...(checksum === null ? {} : { [`x-amz-checksum-${checksum}`]: await checksumOf(checksum, body) }),
    }
  }
}

/** Whether no condition, other attempt or look-up could make a difference. */
function isFinal(verdict: Verdict | 'done', { method, headers = {} }: Call): boolean {
  if (verdict === 'fatal') return method !== 'HEAD'
  return verdict === 'conditions-unknown' && !('if-match' in headers) && !('if-none-match' in headers)
}

function conditionHeaders(condition: Condition): Record<string, string> {
  if (condition.kind === 'absent') return { 'if-none-match': '*' }
  return condition.kind === 'tag' ? { 'if-match': condition.tag } : {}
}

function putOutcome({ verdict }: Outcome): PutOutcome {
  switch (verdict) {
    case 'precondition-failed':
    case 'no-such-upload':
    case 'conditions-unknown':
      return verdict
    // An If-Match finds no object: what was to be replaced is gone.
    case 'not-found':
      return 'precondition-failed'
    default:
      return 'done'
  }
}

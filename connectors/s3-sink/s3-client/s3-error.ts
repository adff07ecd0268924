import { ConnectError, RetriableError } from 'penstock/api'

import type { HttpAnswer } from './http-exchange.ts'

/** What is to be done about an answer that is no success. */
export type Verdict =
  | 'retry'
  | 'refresh-credentials'
  | 'adopt-clock'
  | 'precondition-failed'
  | 'conditions-unknown'
  | 'no-such-upload'
  | 'not-found'
  | 'fatal'
  /** The response has no body, and nothing shows that the store gave it. */
  | 'unproven'

/** An answer of the store that is no success. */
export interface Refusal {
  readonly status: number
  /** S3's word for it, such as `SlowDown`; the status where the answer had no body. */
  readonly code: string
  readonly message: string
  /** Whether the body is the store's error document, or, to HEAD, a header is the store's. Else it may be a proxy's. */
  readonly isStores: boolean
}

/** The member of an XML answer, with its entities resolved; null when there is none. */
export function xmlText(xml: string, element: string): string | null {
  const found = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1]
  if (found === undefined) return null
  return found.replace(/&(?:lt|gt|quot|apos|amp|#(\d+));/g, (entity: string, code: string | undefined) =>
    code === undefined ? (entities[entity] ?? entity) : String.fromCodePoint(Number(code)),
  )
}

const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&amp;': '&',
}

/** Every response of S3 has it, and of most stores that speak its language. */
const storeHeader = 'x-amz-request-id'

/** What an answer says; null when it is a success. A completed upload may fail inside an answer of status 200. */
export function refusalOf(answer: HttpAnswer, method: string): Refusal | null {
  const failed = answer.status < 200 || answer.status >= 300 || /^\s*(?:<\?xml[^>]*>)?\s*<Error>/.test(answer.body)
  if (!failed) return null
  const code = xmlText(answer.body, 'Code')
  return {
    status: answer.status,
    code: code ?? `HTTP ${answer.status}`,
    message: xmlText(answer.body, 'Message') ?? '',
    isStores: code !== null || (method === 'HEAD' && (answer.headers[storeHeader] ?? '') !== ''),
  }
}

const passing = new Set([
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'RequestTimeout',
  'RequestTimeoutException',
  'OperationAborted',
  'ConditionalRequestConflict',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'BandwidthLimitExceeded',
  'XMinioServerNotInitialized',
  // The name of a new bucket has not reached every DNS server.
  'TemporaryRedirect',
  // The bytes are in memory still, and arrive whole the next time.
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
  'IncompleteBody',
])

/** What a refusal says, for who waits until it passes. */
export function textOf({ code, message, isStores }: Refusal): string {
  return isStores ? `${code} ${message}` : `${code} without an error code of S3: perhaps of a proxy before the store`
}

/**
 * Sorts refusals into what passes by itself, what can be corrected here, and what an operator has to correct. What is not the
 * store's own is no verdict of the store: a page that says 404 does not say that an object is missing.
 */
export function verdictOf({ status, code, isStores }: Refusal, method: string): Verdict {
  if (code === 'RequestTimeTooSkewed') return 'adopt-clock'
  if (code === 'ExpiredToken' || code === 'TokenRefreshRequired') return 'refresh-credentials'
  if (code === 'PreconditionFailed' || status === 412) return 'precondition-failed'
  // A store may forget the parts rather than the upload.
  if (code === 'NoSuchUpload' || code === 'InvalidPart') return 'no-such-upload'
  if (code === 'NotImplemented' || status === 501) return 'conditions-unknown'
  if (passing.has(code) || status >= 500 || status === 429 || status === 408 || status === 409) return 'retry'
  if (!isStores) return method === 'HEAD' ? 'unproven' : 'retry'
  return status === 404 && code !== 'NoSuchBucket' ? 'not-found' : 'fatal'
}

/** The store refused a request for good, or there is nothing to sign one with. */
export class S3RefusedError extends ConnectError {}

/** The store cannot be reached, or asks to come back later. */
export class S3UnavailableError extends RetriableError {}

/** Says what was refused and what to do. `doing` names the request, as in `PUT key`. */
export function refusedError(refusal: Refusal, doing: string, bucket: string, region: string): S3RefusedError {
  const { code, advice } = adviceOf(refusal, bucket, region)
  const said = refusal.message === '' ? refusal.code : `${refusal.code}: ${refusal.message}`
  return new S3RefusedError(`${doing} in bucket ${bucket} was refused (${said}). ${advice}`, { code })
}

function adviceOf({ status, code }: Refusal, bucket: string, region: string): { code: string; advice: string } {
  switch (code) {
    case 'NoSuchBucket':
      return { code: 'S3_NO_BUCKET', advice: `Create the bucket ${bucket}, or correct s3.bucket.name.` }
    case 'InvalidBucketName':
      return {
        code: 'S3_NO_BUCKET',
        advice:
          'No bucket can have that name: s3.bucket.name takes 3 to 63 lower-case letters, digits, dots and hyphens.',
      }
    case 'InvalidAccessKeyId':
    case 'XAdminUserNotFound':
      return { code: 'S3_CREDENTIALS', advice: 'The store does not know the access key: check aws.access.key.id.' }
    case 'SignatureDoesNotMatch':
      return {
        code: 'S3_CREDENTIALS',
        advice: 'The secret key does not belong to the access key: check aws.secret.access.key.',
      }
    case 'PermanentRedirect':
    case 'AuthorizationHeaderMalformed':
    case 'IllegalLocationConstraintException':
      return { code: 'S3_REGION', advice: `The bucket is in another region: s3.region is ${region}.` }
    case 'InvalidDigest':
      return {
        code: 'S3_CORRUPTED',
        advice: 'What arrived is not what was sent: look for a proxy that changes requests.',
      }
    default:
      if (status === 403 || status === 401) {
        return {
          code: 'S3_DENIED',
          advice: 'Grant the credentials s3:PutObject and s3:AbortMultipartUpload on the objects of this bucket.',
        }
      }
      if (status === 301 || status === 307) {
        return { code: 'S3_REGION', advice: `The bucket is in another region: s3.region is ${region}.` }
      }
      return { code: 'S3_REFUSED', advice: 'Look the code up in the documentation of the store.' }
  }
}

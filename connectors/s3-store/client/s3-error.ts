import { ConnectError, RetriableError } from 'penstock/api'

/** What to do about a response that is not a success. */
export type Verdict =
  | 'retry'
  | 'refresh-credentials'
  | 'adopt-clock'
  | 'precondition-failed'
  | 'conditions-unknown'
  | 'no-such-upload'
  | 'not-found'
  | 'fatal'
  /** The response has no body, and nothing shows that the store sent it. */
  | 'unproven'

/** A response that is not a success. */
export interface Refusal {
  readonly status: number
  /** S3's error code, such as `SlowDown`; the status where the response has none. */
  readonly code: string
  readonly message: string
  /** Whether the body is the store's error document or, for HEAD, a header is the store's. Otherwise it may be a proxy's. */
  readonly isStores: boolean
}

/** Every response of S3 has this header, and of most stores that implement its API. */
const storeHeader = 'x-amz-request-id'

/** The parts of the SDK's errors that say what the response was. */
interface ServiceError {
  readonly Code?: unknown
  readonly message?: unknown
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

/** The refusal that an error of the SDK stands for. @param status as it was received; the SDK changes that of errors with status 200. */
export function refusalOf(error: object, status: number, method: string): Refusal {
  const { Code, message, $response }: ServiceError = error
  const code = typeof Code === 'string' && Code !== '' ? Code : null
  return {
    status,
    code: code ?? `HTTP ${status}`,
    message: code === null || typeof message !== 'string' || message === 'UnknownError' ? '' : message,
    isStores: code !== null || (method === 'HEAD' && ($response?.headers?.[storeHeader] ?? '') !== ''),
  }
}

/** Errors that end without anyone's help. */
const transientCodes = new Set([
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
  // The name of a new bucket has not reached every DNS server yet.
  'TemporaryRedirect',
  // The bytes are still in memory: they can be sent again.
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
  'IncompleteBody',
])

/** Of stores that keep objects in files: an object has the name of a directory of the new one. */
const parentCodes = new Set(['ObjectParentIsFile', 'XMinioParentIsObject'])

/** A refusal in words, for the message about a request that is retried. */
export function textOf({ code, message, isStores }: Refusal): string {
  if (!isStores) return `${code} without an error code of S3, perhaps from a proxy in front of the store`
  return message === '' ? code : `${code}: ${message}`
}

/**
 * Tells apart the refusals that a retry gets past, those that this sink can fix, and those that an operator has to fix. A
 * response that is not the store's own says nothing about the store: a proxy's page with status 404 does not mean that the
 * object is missing.
 */
export function verdictOf({ status, code, isStores }: Refusal, method: string): Verdict {
  if (code === 'RequestTimeTooSkewed') return 'adopt-clock'
  if (code === 'ExpiredToken' || code === 'TokenRefreshRequired') return 'refresh-credentials'
  if (code === 'PreconditionFailed' || (status === 412 && isStores)) return 'precondition-failed'
  // A store may forget the parts rather than the upload.
  if (code === 'NoSuchUpload' || code === 'InvalidPart') return 'no-such-upload'
  if (code === 'NotImplemented' || status === 501) return 'conditions-unknown'
  if (parentCodes.has(code)) return 'fatal'
  if (transientCodes.has(code) || status >= 500 || status === 429 || status === 408 || status === 409) return 'retry'
  if (!isStores) return method === 'HEAD' ? 'unproven' : 'retry'
  return status === 404 && code !== 'NoSuchBucket' ? 'not-found' : 'fatal'
}

/** The store refused a request permanently, or there are no credentials to sign it with. */
export class S3RefusedError extends ConnectError {}

/** The store cannot be reached, or cannot take the request at the moment. */
export class S3UnavailableError extends RetriableError {
  readonly why: string

  /** @param what the request that failed, and where. */
  constructor(what: string, why: string, cause?: unknown) {
    super(`${what}: ${why}`, { code: 'S3_UNAVAILABLE', ...(cause === undefined ? {} : { cause }) })
    this.why = why
  }
}

/** Says what was refused and what to do. @param request in words: `PUT key`. */
export function refusedError(refusal: Refusal, request: string, bucket: string, region: string): S3RefusedError {
  const { code, advice } = adviceOf(refusal, bucket, region)
  const said = refusal.message === '' ? refusal.code : `${refusal.code}: ${refusal.message}`
  return new S3RefusedError(`${request} in bucket ${bucket} was refused (${said}). ${advice}`, { code })
}

function adviceOf({ status, code }: Refusal, bucket: string, region: string): { code: string; advice: string } {
  switch (code) {
    case 'NoSuchBucket':
      return { code: 'S3_NO_BUCKET', advice: `Create the bucket ${bucket}, or correct s3.bucket.name.` }
    case 'InvalidBucketName':
      return {
        code: 'S3_NO_BUCKET',
        advice: 'Correct s3.bucket.name: a bucket name has 3 to 63 lower-case letters, digits, dots and hyphens.',
      }
    case 'InvalidAccessKeyId':
    case 'XAdminUserNotFound':
      return { code: 'S3_CREDENTIALS', advice: 'The store does not know the access key. Check aws.access.key.id.' }
    case 'SignatureDoesNotMatch':
      return {
        code: 'S3_CREDENTIALS',
        advice: 'The secret key does not belong to the access key. Check aws.secret.access.key.',
      }
    case 'PermanentRedirect':
    case 'AuthorizationHeaderMalformed':
    case 'IllegalLocationConstraintException':
      return { code: 'S3_REGION', advice: otherRegion(region) }
    case 'ObjectParentIsFile':
    case 'XMinioParentIsObject':
      return {
        code: 'S3_REFUSED',
        advice:
          'An object has the name of a directory of this one, and this store keeps objects in files. Move that object away, or leave out the records with such values of partition.field.name.',
      }
    case 'InvalidDigest':
      return {
        code: 'S3_CORRUPTED',
        advice: 'The store received other bytes than were sent. Look for a proxy that changes requests.',
      }
    default:
      if (status === 403 || status === 401 || code === 'AccessDenied') {
        return {
          code: 'S3_DENIED',
          advice: 'Grant the credentials s3:PutObject and s3:AbortMultipartUpload on the objects of this bucket.',
        }
      }
      if (status === 301 || status === 307) {
        return { code: 'S3_REGION', advice: otherRegion(region) }
      }
      return { code: 'S3_REFUSED', advice: 'Look up the code in the documentation of the store.' }
  }
}

function otherRegion(region: string): string {
  return `The bucket is in another region. Set s3.region, which is ${region}, to the region of the bucket.`
}

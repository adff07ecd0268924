import { createHash, createHmac } from 'node:crypto'

/** Keys that sign requests. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | null
}

/** A request as it is signed. `path` is encoded, `query` is not. */
export interface RequestToSign {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** Lower-case names; `host` among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly bodySha256: string
}

const emptyHash = createHash('sha256').update('').digest('hex')

/** SHA-256 of a body in pieces, as hex. */
export function sha256Hex(pieces: readonly Uint8Array[]): string {
  if (pieces.length === 0) return emptyHash
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}

/** Percent-encodes as AWS wants it: everything but letters, digits and `-_.~`. */
export function awsEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** The query string in the order in which it is signed. */
export function queryString(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(([key, value]) => `${awsEncode(key)}=${awsEncode(value)}`)
  return pairs.toSorted().join('&')
}

/**
 * The headers of AWS Signature Version 4 for S3, to be added to the request's own.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 * @param nowMs the time of the store: it refuses what is a quarter of an hour off.
 */
export function signatureHeaders(
  request: RequestToSign,
  credentials: Credentials,
  region: string,
  nowMs: number,
): Record<string, string> {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '')
  const day = time.slice(0, 8)
  const added: Record<string, string> = { 'x-amz-content-sha256': request.bodySha256, 'x-amz-date': time }
  if (credentials.sessionToken !== null) added['x-amz-security-token'] = credentials.sessionToken
  const headers = Object.entries({ ...request.headers, ...added }).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const signed = headers.map(([name]) => name).join(';')
  const canonical = [
    request.method,
    request.path,
    queryString(request.query),
    ...headers.map(([name, value]) => `${name}:${value.trim().replace(/\s+/g, ' ')}`),
    '',
    signed,
    request.bodySha256,
  ].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  let key: string | Buffer = `AWS4${credentials.secretAccessKey}`
  for (const part of [day, region, 's3', 'aws4_request']) key = createHmac('sha256', key).update(part).digest()
  const signature = createHmac('sha256', key).update(toSign).digest('hex')
  added['authorization'] =
    `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`
  return added
}

import { describe, expect, it } from 'vitest'

import { refusalOf, refusedError, verdictOf } from '../../../../connectors/s3-store/client/s3-error.ts'

describe('responses of the store', () => {
  it.each([
    ['PUT', {}, false],
    ['PUT', { $response: { headers: { 'x-amz-request-id': '1' } } }, false],
    ['PUT', { name: 'NotFound', Code: 'NoSuchKey' }, true],
    ['HEAD', {}, false],
    ['HEAD', { $response: { headers: { 'x-amz-request-id': '1' } } }, true],
  ] as const)('to %s are the own ones of the store by their document or header: %j', (method, error, isStores) => {
    expect(refusalOf(error, 404, method)).toMatchObject({ status: 404, isStores })
  })

  it.each([
    ['PUT', 404, 'retry'],
    ['POST', 404, 'retry'],
    ['GET', 404, 'retry'],
    ['GET', 403, 'retry'],
    ['PUT', 412, 'retry'],
    ['HEAD', 404, 'unproven'],
    ['HEAD', 403, 'unproven'],
    ['HEAD', 503, 'retry'],
  ] as const)("that may be a proxy's say nothing about the store: %s %d means %s", (method, status, verdict) => {
    expect(verdictOf({ status, code: `HTTP ${status}`, message: '', isStores: false }, method)).toBe(verdict)
  })

  it.each([
    [503, 'SlowDown', 'retry'],
    [500, 'HTTP 500', 'retry'],
    [429, 'HTTP 429', 'retry'],
    [400, 'RequestTimeout', 'retry'],
    [400, 'BadDigest', 'retry'],
    [400, 'XAmzContentSHA256Mismatch', 'retry'],
    [307, 'TemporaryRedirect', 'retry'],
    [409, 'ConditionalRequestConflict', 'retry'],
    [403, 'RequestTimeTooSkewed', 'adopt-clock'],
    [400, 'ExpiredToken', 'refresh-credentials'],
    [412, 'PreconditionFailed', 'precondition-failed'],
    [501, 'NotImplemented', 'conditions-unknown'],
    [404, 'NoSuchUpload', 'no-such-upload'],
    [400, 'InvalidPart', 'no-such-upload'],
    [404, 'NoSuchKey', 'not-found'],
    [404, 'NoSuchBucket', 'fatal'],
    [403, 'AccessDenied', 'fatal'],
    [400, 'InvalidArgument', 'fatal'],
    [409, 'ObjectParentIsFile', 'fatal'],
  ] as const)('%d %s means %s', (status, code, verdict) => {
    expect(verdictOf({ status, code, message: '', isStores: true }, 'PUT')).toBe(verdict)
  })

  it.each([
    [404, 'NoSuchBucket', 'S3_NO_BUCKET'],
    [400, 'InvalidBucketName', 'S3_NO_BUCKET'],
    [403, 'InvalidAccessKeyId', 'S3_CREDENTIALS'],
    [403, 'SignatureDoesNotMatch', 'S3_CREDENTIALS'],
    [301, 'PermanentRedirect', 'S3_REGION'],
    [301, 'HTTP 301', 'S3_REGION'],
    [400, 'InvalidDigest', 'S3_CORRUPTED'],
    [403, 'AccessDenied', 'S3_DENIED'],
    [400, 'InvalidArgument', 'S3_REFUSED'],
  ])('%d %s is reported as %s', (status, code, reported) => {
    const error = refusedError({ status, code, message: 'why', isStores: true }, 'PUT k', 'b', 'r')
    expect(error.code).toBe(reported)
    expect(error.message).toContain(`${reported}: PUT k in bucket b was refused (${code}: why).`)
  })
})

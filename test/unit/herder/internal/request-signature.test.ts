import { describe, expect, it } from 'vitest'

import { BadRequestError, ForbiddenError, WorkerStartingError } from '../../../../src/herder/herder-errors.ts'
import { checkSignature, signatureHeaders, signedHeaders } from '../../../../src/herder/internal/request-signature.ts'

const key = {
  key: Buffer.from('AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=', 'base64'),
  algorithm: 'HmacSHA256',
  createdMs: 0,
}
const body = '[{"a":"b"}]'
const signature = 'Eroe1tB3QaSe5EJ0n/U/3E2UQZRh4D5G73yb9AU1xkM='
const allowed = ['HmacSHA256']

describe('the signature of a request between workers', () => {
  it('is that of Kafka Connect', () => {
    expect(signedHeaders(key, 'HmacSHA256', body)).toEqual({
      [signatureHeaders.signature]: signature,
      [signatureHeaders.algorithm]: 'HmacSHA256',
    })
    expect(signedHeaders(key, 'HmacSHA256', '')[signatureHeaders.signature]).toBe(
      '04tCCW2A9F+Ca0Sp1WB95ySWpBXT9KGoyI47udqNwcs=',
    )
  })

  it('is accepted for the body and the key with which it was made', () => {
    checkSignature(body, { signature, algorithm: 'HmacSHA256' }, { key, allowed })
    const sha512 = signedHeaders(key, 'HmacSHA512', body)[signatureHeaders.signature] ?? null
    checkSignature(body, { signature: sha512, algorithm: 'HmacSHA512' }, { key, allowed: [...allowed, 'HmacSHA512'] })
  })

  it.each([
    ['no signature', { signature: null }, BadRequestError, 'missing required signature'],
    ['no algorithm', { algorithm: null }, BadRequestError, 'missing required signature'],
    ['an algorithm that is not allowed', { algorithm: 'HmacMD5' }, BadRequestError, "'HmacMD5' key signing algorithm"],
    ['another body', { body: '[]' }, ForbiddenError, 'invalid signature'],
    ['another key', { key: { ...key, key: Buffer.alloc(32) } }, ForbiddenError, 'invalid signature'],
    ['a signature that is cut', { signature: signature.slice(0, 20) }, ForbiddenError, 'invalid signature'],
    ['a signature that is not base64', { signature: 'not-base64!' }, BadRequestError, 'Illegal base64 character 2d'],
    [
      'an algorithm that does not exist',
      { algorithm: 'HmacNope' },
      BadRequestError,
      'Algorithm HmacNope not available',
    ],
    ['no session key yet', { key: null }, WorkerStartingError, 'has not been able to read a session key'],
  ])('is refused with %s', (_what, change, type, message) => {
    const given = { body, key, signature, algorithm: 'HmacSHA256', ...change }
    const check = (): void => checkSignature(given.body, given, { key: given.key, allowed })
    expect(check).toThrow(type)
    expect(check).toThrow(message)
  })
})

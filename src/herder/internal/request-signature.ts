import { createHmac, timingSafeEqual } from 'node:crypto'

import { hmacAlgorithms } from '../../config/worker/worker-config-def.ts'
import { BadRequestError, ForbiddenError, WorkerStartingError } from '../herder-errors.ts'
import type { SessionKey } from './session-keys.ts'

/** The headers of a request between workers (KIP-507): the HMAC of its body in base64, and the algorithm by its Java name. */
export const signatureHeaders = {
  signature: 'X-Connect-Authorization',
  algorithm: 'X-Connect-Request-Signature-Algorithm',
} as const

/** What a request between workers carries; null: the header is missing. */
export interface RequestSignature {
  readonly signature: string | null
  readonly algorithm: string | null
}

export function signedHeaders(key: SessionKey, algorithm: string, body: string): Readonly<Record<string, string>> {
  return {
    [signatureHeaders.signature]: hmac(key, algorithm, body).toString('base64'),
    [signatureHeaders.algorithm]: algorithm,
  }
}

/**
 * Checks that a worker of the group has sent the request: the messages are Connect's.
 * @param allowed `inter.worker.verification.algorithms`
 * @throws BadRequestError, WorkerStartingError, ForbiddenError
 */
export function checkSignature(
  body: string,
  { signature, algorithm }: RequestSignature,
  { key, allowed }: { readonly key: SessionKey | null; readonly allowed: readonly string[] },
): void {
  if (signature === null || algorithm === null) {
    throw new BadRequestError('Internal request missing required signature')
  }
  if (!hmacAlgorithms.some((known) => known === algorithm))
    throw new BadRequestError(`Algorithm ${algorithm} not available`)
  const illegal = /[^A-Za-z0-9+/=]/.exec(signature)
  if (illegal !== null) throw new BadRequestError(`Illegal base64 character ${illegal[0].charCodeAt(0).toString(16)}`)
  if (!allowed.includes(algorithm)) {
    throw new BadRequestError(
      `This worker does not support the '${algorithm}' key signing algorithm used by other workers. This worker is currently ` +
        `configured to use: [${allowed.join(', ')}]. Check that all workers' configuration files permit the same set of ` +
        'signature algorithms, and correct any misconfigured worker and restart it.',
    )
  }
  if (key === null) {
    throw new WorkerStartingError(
      'This worker is still starting up and has not been able to read a session key from the config topic yet.',
    )
  }
  const expected = hmac(key, algorithm, body)
  const given = Buffer.from(signature, 'base64')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new ForbiddenError('Internal request contained invalid signature.')
  }
}

function hmac({ key }: SessionKey, algorithm: string, body: string): Buffer {
  // HmacSHA256 is HMAC with sha256.
  return createHmac(algorithm.slice('Hmac'.length).toLowerCase(), key).update(body).digest()
}

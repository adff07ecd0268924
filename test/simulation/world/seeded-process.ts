import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

import type { Random } from './random.ts'

/**
 * Replaces the random numbers of the process by those of a seed: jitter, member ids, topic ids and session keys. This thread
 * must run nothing but the simulation, as other code would draw from the sequence too.
 */
export function seedProcess(random: Random): void {
  const bytes = (size: number): Buffer => Buffer.from(Array.from({ length: size }, () => random.integer(0, 255)))
  const uuid = (): ReturnType<typeof crypto.randomUUID> => {
    const hex = bytes(16).toString('hex')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
  }
  Math.random = () => random.number()
  Object.assign(crypto, { randomUUID: uuid, randomBytes: bytes })
  globalThis.crypto.randomUUID = uuid
  syncBuiltinESMExports()
}

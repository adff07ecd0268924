import { createHash } from 'node:crypto'

/** Shorter tokens are refused: they could be guessed, as their hash is computed quickly. */
export const minTokenLength = 32

/** The form of a hash, for messages. */
export const tokenHashForm = '$sha256$<hash>'

/** Returns whether a text can be a token: random, in printable characters without spaces. */
export function isToken(text: string): boolean {
  return text.length >= minTokenLength && /^[\x21-\x7e]+$/.test(text)
}

/** Returns the hash of a random token: `$sha256$` and the digest in Base64 without padding. */
export function tokenHash(token: string): string {
  return `$sha256$${createHash('sha256').update(token).digest('base64').replace(/=+$/, '')}`
}

export function isTokenHash(text: string): boolean {
  return /^\$sha256\$[A-Za-z0-9+/]{43}$/.test(text)
}

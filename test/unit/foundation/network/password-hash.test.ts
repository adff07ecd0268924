import { describe, expect, it } from 'vitest'

import { PasswordHash } from '../../../../src/foundation/network/password-hash.ts'
import { isToken, isTokenHash, tokenHash } from '../../../../src/foundation/network/token-hash.ts'

const salt = 'AAECAwQFBgcICQoLDA0ODw'
const hash = '7hWaUB8RCWZx4kkQyGGeVCHLu8hRHe50e4NtOH/IVBI'
const form = (cost: string, salted = salt, hashed = hash): string => `$scrypt$${cost}$${salted}$${hashed}`

describe('the hash of a password', () => {
  // Computed by Python's hashlib.scrypt.
  it.each([
    ['pass wörd: 1', form('ln=14,r=8,p=1')],
    ['correct horse', form('ln=15,r=8,p=2', salt, 'wN4drGRVyNt7Yi8GGwmguhoqOqXaNoI6O8CPLH7LZ1s')],
  ])('of another program verifies "%s", and no other text', async (password, text) => {
    const parsed = PasswordHash.parse(text)
    expect(await parsed?.verify(password)).toBe(true)
    expect(await parsed?.verify(`${password} `)).toBe(false)
    expect(await parsed?.verify('')).toBe(false)
    expect(String(parsed)).toBe(text)
  })

  it('has a salt of its own, and is parsed from its text', async () => {
    const [one, other] = [await PasswordHash.of('secret'), await PasswordHash.of('secret')]
    expect(String(one)).not.toBe(String(other))
    expect(String(one)).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(await PasswordHash.parse(String(one))?.verify('secret')).toBe(true)
  })

  it.each([
    ['no hash', 'secret'],
    ['another algorithm', `$argon2id$ln=14,r=8,p=1$${salt}$${hash}`],
    ['a cost that is too low', form('ln=13,r=8,p=1')],
    ['a cost that takes too much memory', form('ln=20,r=8,p=1')],
    ['a cost that takes too long', form('ln=14,r=8,p=99')],
    ['another block size', form('ln=14,r=32,p=1')],
    ['no rounds', form('ln=14,r=8,p=0')],
    ['a short salt', form('ln=14,r=8,p=1', 'AAEC')],
    ['a short hash', form('ln=14,r=8,p=1', salt, '7hWa')],
    ['a long hash', form('ln=14,r=8,p=1', salt, hash.repeat(4))],
    ['a line end', `${form('ln=14,r=8,p=1')}\n`],
  ])('is not parsed from %s', (_what, text) => {
    expect(PasswordHash.parse(text)).toBeNull()
  })

  it('of no password verifies none', async () => {
    expect(await PasswordHash.ofNoPassword().verify('')).toBe(false)
  })
})

describe('the hash of a token', () => {
  it('is SHA-256 in Base64', () => {
    const text = tokenHash('a-token-of-thirty-two-characters')
    expect(text).toBe('$sha256$k6xso+snF8/+KelTxvgM4GXyV4RYV4SLFA9wvqy+t/s')
    expect(isTokenHash(text)).toBe(true)
    expect(isTokenHash(`${text}=`)).toBe(false)
  })

  it('is one of a long text without spaces', () => {
    expect(isToken('x'.repeat(32))).toBe(true)
    expect(isToken('x'.repeat(31))).toBe(false)
    expect(isToken(`${'x'.repeat(32)} x`)).toBe(false)
  })
})

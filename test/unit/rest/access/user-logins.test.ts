import { beforeEach, describe, expect, it } from 'vitest'

import { parseRestUsers } from '../../../../src/config/worker/rest/rest-users.ts'
import { tokenHash } from '../../../../src/foundation/network/token-hash.ts'
import type { Caller } from '../../../../src/rest/access/caller.ts'
import type { Credentials } from '../../../../src/rest/access/credentials.ts'
import { UserLogins } from '../../../../src/rest/access/user-logins.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const password = 'pass wörd: 1'
const hash = '$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$7hWaUB8RCWZx4kkQyGGeVCHLu8hRHe50e4NtOH/IVBI'
const token = 'a-token-of-thirty-two-characters'
const file = `alice.role=operate\nalice.password=${hash}\nci.role=admin\nci.token=${tokenHash(token)}`
const basic = (user: string, given: string): Credentials => ({ scheme: 'basic', user, password: given })

let clock = new ManualClock()
let logins: UserLogins
beforeEach(() => {
  clock = new ManualClock()
  logins = new UserLogins(parseRestUsers(file), clock)
})

const login = async (credentials: Credentials | null, address = '10.0.0.1'): Promise<Caller> =>
  await logins.login(credentials, address)

describe('a log-in', () => {
  it('with a password is that of the user', async () => {
    expect(await login(basic('alice', password))).toMatchObject({ user: 'alice', role: 'operate', proof: 'password' })
  })

  it('with a token is that of its user', async () => {
    expect(await login({ scheme: 'bearer', token })).toMatchObject({ user: 'ci', role: 'admin', proof: 'user token' })
  })

  it.each([
    ['a wrong password', basic('alice', 'wrong')],
    ['no password', basic('alice', '')],
    ['an unknown user', basic('bob', password)],
    ['a user without a password', basic('ci', password)],
    ['a token as password', basic('ci', token)],
    ['the hash of a token', { scheme: 'bearer', token: tokenHash(token) } as const],
    ['a short token', { scheme: 'bearer', token: 'x' } as const],
    ['a password as token', { scheme: 'bearer', token: password } as const],
    ['nothing that is known', null],
  ])('with %s is refused', async (_what, credentials) => {
    await expect(async () => await login(credentials)).rejects.toMatchObject({ status: 401 })
  })

  it('computes the hash of a password once in a minute', async () => {
    expect(logins.login(basic('alice', password), '')).toBeInstanceOf(Promise)
    await login(basic('alice', password))
    expect(logins.login(basic('alice', password), '')).toMatchObject({ user: 'alice' })
    clock.advance(59_999)
    expect(logins.login(basic('alice', password), '')).toMatchObject({ user: 'alice' })
    clock.advance(1)
    expect(await logins.login(basic('alice', password), '')).toMatchObject({ user: 'alice' })
    await expect(login(basic('alice', 'wrong'))).rejects.toMatchObject({ status: 401 })
    expect(logins.login(basic('alice', password), '')).toMatchObject({ user: 'alice' })
  })

  it('computes the hash once for the same password at the same time', async () => {
    const callers = await Promise.all(Array.from({ length: 50 }, () => login(basic('alice', password))))
    // Each hash is paid for by the address, which has ten.
    expect(callers.map(({ user }) => user)).toEqual(Array.from({ length: 50 }, () => 'alice'))
  })

  it('that fails too often is refused without being checked, and works again later', async () => {
    const wrong = await Promise.allSettled(Array.from({ length: 12 }, (_, n) => login(basic('alice', `wrong ${n}`))))
    const statuses = wrong.map((each) => (each.status === 'rejected' ? (each.reason as { status: number }).status : 0))
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429, 429])
    await expect(async () => await login(basic('alice', password))).rejects.toMatchObject({
      status: 429,
      retryAfterSeconds: 6,
    })
    await expect(async () => await login({ scheme: 'bearer', token: 'x'.repeat(40) })).rejects.toMatchObject({
      status: 429,
    })
    expect(await login({ scheme: 'bearer', token })).toMatchObject({ user: 'ci' })
    expect(await login(basic('alice', password), '10.0.0.2')).toMatchObject({ user: 'alice' })
    // A password that was verified needs no check.
    expect(await login(basic('alice', password))).toMatchObject({ user: 'alice' })
    clock.advance(60_001)
    expect(await login(basic('alice', password))).toMatchObject({ user: 'alice' })
  })

  it('that succeeds is not counted', async () => {
    for (let i = 0; i < 15; i += 1) {
      // Passwords that were verified are forgotten.
      logins.replace(parseRestUsers(file))
      await login(basic('alice', password))
    }
    await expect(login(basic('alice', 'wrong'))).rejects.toMatchObject({ status: 401 })
  })

  it('is refused with 503 when too many wait', async () => {
    const many = Array.from({ length: 40 }, (_, n) => login(basic('alice', `wrong ${n}`), `10.0.1.${n}`))
    const outcomes = await Promise.allSettled(many)
    const busy = outcomes.filter(
      (each) => each.status === 'rejected' && (each.reason as { status: number }).status === 503,
    )
    expect(busy).toHaveLength(8)
  })

  it('of a user that is no longer in the file is refused, also when it is being checked', async () => {
    await login(basic('alice', password))
    clock.advance(60_001)
    // The second log-in waits for the check of the first.
    const checked = [login(basic('alice', password)), login(basic('alice', password))]
    logins.replace(parseRestUsers(`ci.role=read\nci.token=${tokenHash(token)}`))
    for (const each of checked) await expect(each).rejects.toMatchObject({ status: 401 })
    await expect(login(basic('alice', password))).rejects.toMatchObject({ status: 401 })
    expect(await login({ scheme: 'bearer', token })).toMatchObject({ user: 'ci', role: 'read' })
  })

  it('leaves the event loop free while the hash is computed', async () => {
    let rounds = 0
    const count = (): void => {
      rounds += 1
      pending = setImmediate(count)
    }
    let pending = setImmediate(count)
    await login(basic('alice', password))
    clearImmediate(pending)
    expect(rounds).toBeGreaterThan(2)
  })
})

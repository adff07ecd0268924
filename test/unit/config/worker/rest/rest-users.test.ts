import { describe, expect, it } from 'vitest'

import { parseRestUsers, unsignedUsersWarnings } from '../../../../../src/config/worker/rest/rest-users.ts'

const salt = 'AAECAwQFBgcICQoLDA0ODw'
const password = `$scrypt$ln=14,r=8,p=1$${salt}$7hWaUB8RCWZx4kkQyGGeVCHLu8hRHe50e4NtOH/IVBI`
const token = `$sha256$${'A'.repeat(43)}`
const lines = (...text: string[]): string => text.join('\n')

describe('a file of users', () => {
  it('has a role, credentials and connectors for each', () => {
    const users = parseRestUsers(
      lines(
        '# comment',
        `alice.password=${password}`,
        'alice.role = operate ',
        'alice.connectors = orders-*, shop',
        `ci.job@acme.token: ${token}`,
        'ci.job@acme.role=admin',
      ),
    )
    expect(users).toMatchObject([
      { name: 'alice', role: 'operate', connectors: ['orders-*', 'shop'], token: null },
      { name: 'ci.job@acme', role: 'admin', connectors: null, password: null, token },
    ])
    expect(String(users[0]?.password)).toBe(password)
  })

  it('may have a user with both a password and a token', () => {
    const [user] = parseRestUsers(lines('a.role=read', `a.password=${password}`, `a.token=${token}`))
    expect(user).toMatchObject({ name: 'a', token })
    expect(user?.password).not.toBeNull()
  })

  it.each([
    ['no user', '# nothing\n', /It has no users/],
    ['an unknown key', 'a.rôle=read', /"a.rôle" is not a setting of a user. These are: <user>.role, /],
    ['a key without a user', `.role=read\n.password=${password}`, /User "": a name has 1 to 128 characters/],
    ['a name with a colon', `a\\:b.role=read\na\\:b.password=${password}`, /User "a:b": a name has .*without colons/],
    ['a name with a line end', `a\\nb.role=read\na\\nb.password=${password}`, /control characters/],
    ['no role', `a.password=${password}`, /User "a" has no role. Set a.role to read, operate, admin/],
    ['an unknown role', `a.role=root\na.password=${password}`, /has the role "root". Set a.role to read, operate/],
    ['no credentials', 'a.role=read', /no password and no token.*penstock hash-password$/],
    ['a password in clear', 'a.role=read\na.password=hunter2', /password is not a hash of the form \$scrypt\$/],
    ['a token in clear', `a.role=read\na.token=${'x'.repeat(40)}`, /token is not a hash.*hash-password --token$/],
    ['no connectors', `a.role=read\na.password=${password}\na.connectors=`, /has an empty pattern/],
    ['an empty pattern', `a.role=read\na.password=${password}\na.connectors=b,,c`, /has an empty pattern/],
    ['one token twice', `a.role=read\na.token=${token}\nb.role=read\nb.token=${token}`, /"a" and "b" have the same/],
  ])('with %s is refused', (_what, text, message) => {
    expect(() => parseRestUsers(text)).toThrow(message)
  })

  it('that is refused shows no password and no hash', () => {
    for (const text of ['a.role=read\na.password=hunter2', `a.role=${'x'.repeat(3)}\na.password=${password}`]) {
      expect(() => parseRestUsers(text)).toThrow(
        expect.objectContaining({ message: expect.not.stringMatching(/hunter2|7hWaUB8/) }),
      )
    }
  })

  it('has a limit', () => {
    const many = Array.from({ length: 1001 }, (_, n) => `u${n}.role=read`)
    expect(() => parseRestUsers(lines(...many))).toThrow('It has 1001 users; the maximum is 1000')
    const patterns = Array.from({ length: 101 }, (_, n) => `p${n}`).join(',')
    expect(() => parseRestUsers(`a.role=read\na.password=${password}\na.connectors=${patterns}`)).toThrow(
      '101 patterns',
    )
  })
})

describe('users without signatures between the workers', () => {
  const warnings = (protocol: string, hasToken: boolean, hasUsers = true): readonly string[] =>
    unsignedUsersWarnings({ restUsersFile: hasUsers ? 'u' : null, restTokenFile: hasToken ? 't' : null }, protocol)

  it('are warned about, unless there is a token', () => {
    expect(warnings('compatible', false)).toEqual([
      expect.stringMatching(/^rest.users.file is set and connect.protocol is compatible/),
    ])
    expect(warnings('eager', false)).toHaveLength(1)
    expect([
      ...warnings('compatible', true),
      ...warnings('sessioned', false),
      ...warnings('eager', false, false),
    ]).toEqual([])
  })
})

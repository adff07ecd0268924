import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { UsersFile, UsersWatch } from '../../../src/cli/access/users-file.ts'
import { hashOf } from '../../../src/cli/hash-password-command.ts'
import { PasswordHash } from '../../../src/foundation/network/password-hash.ts'
import { tokenHash } from '../../../src/foundation/network/token-hash.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { quietLogger } from '../../support/quiet-logger.ts'

const users = (...names: string[]): string =>
  names.map((name) => `${name}.role=read\n${name}.token=${tokenHash(name.repeat(40))}\n`).join('')

let directory = ''
let path = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-users-'))
  path = join(directory, 'users.properties')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const write = (text: string, mode = 0o600): void => {
  writeFileSync(`${path}.part`, text, { mode })
  chmodSync(`${path}.part`, mode)
  renameSync(`${path}.part`, path)
}

describe('the file of users', () => {
  it.each([
    ['is missing', () => undefined, /cannot be read: ENOENT.*Create it: see docs\/guides\/users.md/],
    [
      'can be read by others',
      () => write(users('a'), 0o644),
      /can be used by other users \(mode 0644\). Run: chmod 600 /,
    ],
    ['can be written by its group', () => write(users('a'), 0o660), /can be used by other users \(mode 0660\)/],
    ['is a directory', () => mkdirSync(path), /is not a file with users/],
    ['is too large', () => write('#'.repeat(1024 * 1024 + 1)), /is not a file with users/],
    ['is malformed', () => write('a.role=reed'), /cannot be used. User "a" has the role "reed". Set a.role to/],
  ])('that %s is refused', (_what, prepare, message) => {
    prepare()
    const read = (): unknown => new UsersFile(path).read()
    expect(read).toThrow(message)
    expect(read).toThrow(new RegExp(`^REST_USERS_FILE: The file of "rest.users.file", ${path}`))
  })

  it('may be read by its group, as a mounted secret of Kubernetes is', () => {
    write(users('a'), 0o440)
    expect(new UsersFile(path).read().users).toMatchObject([{ name: 'a' }])
  })
})

describe('a change of the file of users', () => {
  let seen: string[][] = []
  let watch: UsersWatch
  const logger = quietLogger()
  const begin = (): void => {
    seen = []
    const file = new UsersFile(path)
    watch = new UsersWatch({
      file,
      read: file.read(),
      onChange: (found) => seen.push(found.map(({ name }) => name)),
      clock: new ManualClock(),
      logger,
    })
  }

  it('is seen, whether it is written or replaced', async () => {
    write(users('a'))
    begin()
    await watch.check()
    expect(seen).toEqual([])
    write(users('a', 'b'))
    await watch.check()
    writeFileSync(path, users('c'))
    await watch.check()
    await watch.check()
    expect(seen).toEqual([['a', 'b'], ['c']])
  })

  it('is seen where a link is changed', async () => {
    const targets = ['one', 'two'].map((name) => join(directory, name))
    for (const [index, target] of targets.entries())
      writeFileSync(target, users(['a', 'b'][index] ?? ''), { mode: 0o600 })
    symlinkSync(targets[0] ?? '', path)
    begin()
    symlinkSync(targets[1] ?? '', `${path}.part`)
    renameSync(`${path}.part`, path)
    await watch.check()
    expect(seen).toEqual([['b']])
  })

  it.each([
    [
      'is malformed',
      () => write('a.role=reed'),
      /The file of .* cannot be used. User "a" has the role "reed".*\. The users that were read before keep their access$/,
    ],
    ['is empty', () => write(''), /It has no users/],
    ['can be read by others', () => write(users('b'), 0o644), /can be used by other users/],
    ['is removed', () => rmSync(path), /cannot be read: ENOENT/],
  ])('that %s keeps the users, and raises a condition until it is corrected', async (_what, damage, text) => {
    write(users('a'))
    begin()
    damage()
    await watch.check()
    expect(watch.conditions.get('REST_USERS_FILE')).toMatch(text)
    await watch.check()
    expect(watch.conditions.size).toBe(1)
    expect(seen).toEqual([])
    write(users('a'))
    await watch.check()
    expect(watch.conditions.size).toBe(0)
    write(users('a', 'b'))
    await watch.check()
    expect(seen).toEqual([['a', 'b']])
  })
})

describe('penstock hash-password', () => {
  it('hashes the password without the line end', async () => {
    const hash = await hashOf('pass wörd\n', false)
    expect(await PasswordHash.parse(hash)?.verify('pass wörd')).toBe(true)
  })

  it('hashes a token', async () => {
    expect(await hashOf(`${'x'.repeat(32)}\r\n`, true)).toBe(tokenHash('x'.repeat(32)))
  })

  it.each([
    ['', false, /A password is one line/],
    ['\n', false, /A password is one line/],
    ['two\nlines\n', false, /A password is one line/],
    ['x'.repeat(1025), false, /A password is one line of 1 to 1024/],
    ['short', true, /A token has 32 to 1024 printable characters.*openssl rand -hex 32/],
    [`${'x'.repeat(32)} ${'x'.repeat(32)}`, true, /A token has/],
  ])('refuses %j', async (input, isForToken, message) => {
    await expect(hashOf(input, isForToken)).rejects.toThrow(message)
  })
})

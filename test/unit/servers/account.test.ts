import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { ownedDirectory } from '../../../src/servers/account.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-test-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

/** Ourselves: giving a file to oneself needs no rights. */
const account = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

describe('a directory of an account', () => {
  it('is created, and its owner changed with all its contents except the targets of links', () => {
    const path = join(directory, 'given')
    mkdirSync(join(path, 'data'), { recursive: true })
    writeFileSync(join(path, 'data/file'), '')
    symlinkSync('/nowhere', join(path, 'data/link'))
    const given: string[] = []
    ownedDirectory(path, account, (name) => given.push(String(name)))
    expect(given).toEqual([path, join(path, 'data'), join(path, 'data/file')])
    expect(readdirSync(ownedDirectory(join(directory, 'made'), account))).toEqual([])
  })

  it('is given away though files and directories in it vanish meanwhile', () => {
    mkdirSync(join(directory, 'data/base'), { recursive: true })
    for (const name of ['postmaster.pid', 'base/1', 'base/2']) writeFileSync(join(directory, 'data', name), '')
    const given: string[] = []
    ownedDirectory(directory, account, (name, uid, gid) => {
      // A directory's listing has been read when its first entry comes: the others go.
      if (name === join(directory, 'data/base')) rmSync(join(directory, 'data/postmaster.pid'))
      if (name === join(directory, 'data/base/1')) rmSync(join(directory, 'data/base'), { recursive: true })
      chownSync(name, uid, gid)
      given.push(String(name))
    })
    expect(given).toEqual([directory, join(directory, 'data'), join(directory, 'data/base')])
  })

  it('fails when it may not be given away', () => {
    writeFileSync(join(directory, 'file'), '')
    const refused = (): void => {
      throw Object.assign(new Error('EPERM: operation not permitted, chown'), { code: 'EPERM' })
    }
    expect(() => ownedDirectory(directory, account, refused)).toThrow('EPERM')
  })
})

import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { ownedFolder } from '../../../src/servers/account.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'penstock-test-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Ourselves: giving a file to oneself needs no rights. */
const account = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

describe('a folder of an account', () => {
  it('is made, and given away with all that is in it but what links name', () => {
    const path = join(folder, 'given')
    mkdirSync(join(path, 'data'), { recursive: true })
    writeFileSync(join(path, 'data/file'), '')
    symlinkSync('/nowhere', join(path, 'data/link'))
    const given: string[] = []
    ownedFolder(path, account, (name) => given.push(String(name)))
    expect(given).toEqual([path, join(path, 'data'), join(path, 'data/file')])
    expect(readdirSync(ownedFolder(join(folder, 'made'), account))).toEqual([])
  })

  it('is given away though files and folders in it vanish meanwhile', () => {
    mkdirSync(join(folder, 'data/base'), { recursive: true })
    for (const name of ['postmaster.pid', 'base/1', 'base/2']) writeFileSync(join(folder, 'data', name), '')
    const given: string[] = []
    ownedFolder(folder, account, (name, uid, gid) => {
      // A folder's listing has been read when its first entry comes: the others go.
      if (name === join(folder, 'data/base')) rmSync(join(folder, 'data/postmaster.pid'))
      if (name === join(folder, 'data/base/1')) rmSync(join(folder, 'data/base'), { recursive: true })
      chownSync(name, uid, gid)
      given.push(String(name))
    })
    expect(given).toEqual([folder, join(folder, 'data'), join(folder, 'data/base')])
  })

  it('fails when it may not be given away', () => {
    writeFileSync(join(folder, 'file'), '')
    const refused = (): void => {
      throw Object.assign(new Error('EPERM: operation not permitted, chown'), { code: 'EPERM' })
    }
    expect(() => ownedFolder(folder, account, refused)).toThrow('EPERM')
  })
})

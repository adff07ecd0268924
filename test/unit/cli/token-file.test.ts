import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { execFile, execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { tokenOf } from '../../../src/cli/token-file.ts'

let directory = ''
let file = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-token-'))
  file = join(directory, 'token')
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

const given = 'a'.repeat(32)
const put = (text: string | Buffer, mode = 0o600): void => {
  writeFileSync(file, text)
  chmodSync(file, mode)
}
const tokenHere = (): string => tokenOf(file, 'rest.token.file')

describe('a token file that is missing', () => {
  it('is made with a random token of 256 bits, for its user alone, whatever the umask', () => {
    const before = process.umask(0)
    try {
      const token = tokenHere()
      expect(Buffer.from(token, 'base64url')).toHaveLength(32)
      expect(statSync(file).mode & 0o777).toBe(0o600)
      expect(readFileSync(file, 'utf8')).toBe(`${token}\n`)
      expect(readdirSync(directory)).toEqual(['token'])
    } finally {
      process.umask(before)
    }
  })

  it('has another token each time, and keeps it', () => {
    const token = tokenHere()
    expect(tokenHere()).toBe(token)
    expect(tokenOf(`${file}2`, 'rest.token.file')).not.toBe(token)
  })

  it('is an error by name where it cannot be made', () => {
    expect(() => tokenOf(join(directory, 'none', 'token'), 'rest.token.file')).toThrow(
      /^TOKEN_FILE: The file of "rest.token.file", \S+\/none\/token, cannot be read or created: ENOENT/,
    )
  })
})

describe('a token file that is there', () => {
  it.each([given, `${given}\n`, ` ${given} \r\n`])('gives its token, and stays as it is: %j', (text) => {
    put(text, 0o400)
    expect(tokenHere()).toBe(given)
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it.each([0o640, 0o604, 0o620, 0o602, 0o660, 0o666, 0o644, 0o610])('is refused with mode %o', (mode) => {
    put(given, mode)
    expect(tokenHere).toThrow(/^TOKEN_FILE: .* can be used by other users \(mode 0\d{3}\)\. Run: chmod 600 /)
    expect(readFileSync(file, 'utf8')).toBe(given)
  })

  it.each(['', '\n', 'short', `${'a'.repeat(31)}\n`, `${given} ${given}`, `${given}ä`, `${given}\0`])(
    'is refused when it holds %j, and the text is not repeated',
    (text) => {
      put(text)
      expect(tokenHere).toThrow(/^TOKEN_FILE: .* holds no token of at least 32 printable characters/)
      expect(tokenHere).not.toThrow(/aaaa/)
    },
  )

  it('is refused when it is a directory, a pipe, or far too long', () => {
    mkdirSync(file)
    expect(tokenHere).toThrow(/^TOKEN_FILE: /)
    rmSync(file, { recursive: true })
    execFileSync('mkfifo', ['-m', '600', file])
    expect(tokenHere).toThrow(/^TOKEN_FILE: .* is not a file with a token/)
    rmSync(file)
    put('a'.repeat(5000))
    expect(tokenHere).toThrow(/^TOKEN_FILE: .* is not a file with a token/)
  })

  it.runIf(process.getuid?.() === 0)('is refused when it belongs to another user', () => {
    put(given)
    execFileSync('chown', ['12345', file])
    expect(tokenHere).toThrow(/^TOKEN_FILE: .* belongs to another user \(uid 12345\)/)
  })

  it('is the same for workers that start with it at the same time', async () => {
    const module = new URL('../../../src/cli/token-file.ts', import.meta.url).href
    const script = `import { tokenOf } from '${module}'; console.log(tokenOf('${file}', 'rest.token.file'))`
    const run = promisify(execFile)
    const all = Array.from({ length: 6 }, () => run(process.execPath, ['--input-type=module', '-e', script]))
    const tokens = (await Promise.all(all)).map(({ stdout }) => stdout.trim())
    expect(tokens).toEqual(tokens.map(() => tokenHere()))
    expect(readdirSync(directory)).toEqual(['token'])
  })
})

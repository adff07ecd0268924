import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'

import { ConfigError } from '../api/errors.ts'
import { argumentFault } from '../config/definition/argument-fault.ts'
import { exitCodes } from '../foundation/process/exit-codes.ts'
import { PasswordHash } from '../foundation/network/password-hash.ts'
import { isToken, minTokenLength, tokenHash } from '../foundation/network/token-hash.ts'

export const usage = `penstock hash-password [--token]

Reads a password from standard input and prints its hash, for a line USER.password=HASH in the file of rest.users.file.

  --token     reads a random token instead, for a line USER.token=HASH
`

/** The maximum is that of a header. */
const maxLength = 1024

const options = { token: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const

/** Prints the hash of the password or token on standard input, and returns the exit code. @throws ConfigError */
export async function runHashPasswordCommand(args: readonly string[]): Promise<number> {
  const config = { args: [...args], options }
  const fault = argumentFault('hash-password', config)
  if (fault !== null) throw new ConfigError(fault)
  const { values } = parseArgs(config)
  const output = values.help === true ? usage : `${await hashOf(await secret(), values.token === true)}\n`
  process.stdout.write(output)
  return exitCodes.done
}

/** The hash of a password or token, with or without the line end that a shell appends. @throws ConfigError */
export async function hashOf(input: string, isForToken: boolean): Promise<string> {
  const given = input.replace(/\r?\n$/, '')
  if (isForToken) {
    if (isToken(given) && given.length <= maxLength) return tokenHash(given)
    throw new ConfigError(
      `A token has ${minTokenLength} to ${maxLength} printable characters without spaces. Create one with: openssl rand -hex 32`,
    )
  }
  if (given !== '' && given.length <= maxLength && !/\p{Cc}/u.test(given)) return String(await PasswordHash.of(given))
  throw new ConfigError(`A password is one line of 1 to ${maxLength} characters, without control characters`)
}

/** All of standard input; at a terminal one line, which is not shown. */
async function secret(): Promise<string> {
  if (!process.stdin.isTTY) return await text(process.stdin)
  process.stderr.write('Password or token (not shown): ')
  const hidden = new Writable({ write: (_part, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: hidden, terminal: true })
  try {
    return await terminal.question('')
  } finally {
    terminal.close()
    process.stderr.write('\n')
  }
}

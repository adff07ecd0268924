import { errorMessage } from '../../foundation/error-message.ts'
import { resolve } from 'node:path'

import { CommandError } from '../command/command-error.ts'
import { PrivateFile } from '../private-file.ts'
import type { Context } from './contexts.ts'

const maxBytes = 4096

/** @throws CommandError when a text is not `env:NAME` or `file:PATH` */
export function checkReference(option: string, reference: string): void {
  if (/^(?:env:\w+|file:.+)$/.test(reference)) return
  throw new CommandError(
    `${option} says where the secret is: env:NAME for an environment variable, or file:PATH. ` +
      'The secret itself does not belong on a command line, which other users of the machine can see.',
  )
}

/** The Authorization header of requests with a context; null without credentials. @throws CommandError */
export function authorizationOf(context: Context, env: NodeJS.ProcessEnv): string | null {
  if (context.token !== undefined) return `Bearer ${secretAt(context.token, '--token', env)}`
  if (context.user === undefined) return null
  const password = context.password === undefined ? '' : secretAt(context.password, '--password', env)
  return `Basic ${Buffer.from(`${context.user}:${password}`).toString('base64')}`
}

function secretAt(reference: string, option: string, env: NodeJS.ProcessEnv): string {
  checkReference(option, reference)
  const place = reference.slice(reference.indexOf(':') + 1)
  const secret = reference.startsWith('env:') ? env[place] : fileText(place, option)
  if (secret !== undefined && secret.trim() !== '') return secret.trim()
  throw new CommandError(
    reference.startsWith('env:')
      ? `The environment variable ${place}, which the context names for ${option}, is not set. Run: export ${place}=…`
      : `The file ${place}, which the context names for ${option}, is empty.`,
  )
}

function fileText(path: string, option: string): string {
  const rules = { key: option, code: 'CREDENTIALS_FILE', content: 'a secret', maxBytes, isGroupReadable: true }
  try {
    return new PrivateFile(resolve(path), rules).read()
  } catch (error) {
    const reason = errorMessage(error)
    throw new CommandError(reason.startsWith('The file') ? reason : `The file of ${option} cannot be read: ${reason}`)
  }
}

import { errorMessage } from '../../foundation/error-message.ts'
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

import { CommandError } from '../command/command-error.ts'

/** A server, and how to log in: secrets are named, never kept. */
export interface Context {
  readonly url: string
  /** Where the bearer token is: `env:NAME` or `file:PATH`. */
  readonly token?: string
  readonly user?: string
  /** Where the password of the user is: `env:NAME` or `file:PATH`. */
  readonly password?: string
  /** A file of certificates to trust besides those of the system. */
  readonly ca?: string
}

/** All contexts, and the one that commands use. */
export interface Contexts {
  readonly current: string | null
  readonly contexts: Readonly<Record<string, Context>>
}

const none: Contexts = { current: null, contexts: {} }

/** The file of the contexts, which `XDG_CONFIG_HOME` moves. */
export function contextsFile(env: NodeJS.ProcessEnv): string {
  const home = env['XDG_CONFIG_HOME'] ?? ''
  return join(home === '' ? join(homedir(), '.config') : home, 'penstock', 'contexts.json')
}

/** Reads the contexts; there are none without the file. @throws CommandError that names the file when it is damaged */
export function readContexts(file: string): Contexts {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return none
    throw new CommandError(`The contexts in ${file} cannot be read: ${errorMessage(error)}`)
  }
  try {
    return parsedContexts(JSON.parse(text))
  } catch {
    throw new CommandError(`${file} does not hold contexts. Remove it, and add them again with penstock context add.`)
  }
}

/** Writes the contexts: whole or not at all, readable by this user only. @throws CommandError */
export function writeContexts(file: string, contexts: Contexts): void {
  const part = `${file}.${process.pid}`
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(part, `${JSON.stringify(contexts, null, 2)}\n`, { mode: 0o600 })
    chmodSync(part, 0o600)
    renameSync(part, file)
  } catch (error) {
    throw new CommandError(`The contexts cannot be written to ${file}: ${errorMessage(error)}`)
  }
}

function parsedContexts(value: unknown): Contexts {
  const { current, contexts } = value as Contexts
  for (const { url } of Object.values(contexts)) if (typeof url !== 'string') throw new TypeError('no url')
  return { current: current ?? null, contexts }
}

/** Returns the contexts with one added, or replaced. The first becomes the current one. */
export function withContext(all: Contexts, name: string, context: Context): Contexts {
  return { current: all.current ?? name, contexts: { ...all.contexts, [name]: context } }
}

/** Returns the contexts without one. @throws CommandError when there is none of that name */
export function withoutContext(all: Contexts, name: string): Contexts {
  named(all, name)
  const { [name]: _removed, ...contexts } = all.contexts
  return { current: all.current === name ? null : all.current, contexts }
}

/** Returns the context of that name. @throws CommandError when there is none */
export function named(all: Contexts, name: string): Context {
  const context = Object.hasOwn(all.contexts, name) ? all.contexts[name] : undefined
  if (context !== undefined) return context
  const names = Object.keys(all.contexts)
  const known =
    names.length === 0 ? 'There are none: penstock context add NAME --url URL' : `There are: ${names.join(', ')}`
  throw new CommandError(`There is no context "${name}". ${known}.`)
}

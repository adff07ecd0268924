import { CommandError } from '../command/command-error.ts'
import { named, readContexts, contextsFile, type Context } from './contexts.ts'

/** Where a worker listens unless it is told otherwise. */
export const defaultUrl = 'http://127.0.0.1:8083'

/** What a command line and the environment say about the server. */
export interface ServerWish {
  readonly url: string | null
  readonly context: string | null
}

/** The server of a command, and who named it. */
export interface ServerChoice extends Context {
  readonly from: '--url' | 'PENSTOCK_URL' | 'default' | `context ${string}`
}

/**
 * The server that a command talks to: of `--url`, of `--context`, of `PENSTOCK_URL`, of the current context, or the default. A
 * URL uses the credentials of `PENSTOCK_TOKEN` if it is set.
 * @throws CommandError when a context does not exist, or a URL is none
 */
export function chosenServer({ url, context }: ServerWish, env: NodeJS.ProcessEnv): ServerChoice {
  if (url !== null && context !== null) throw new CommandError('Give --url or --context, not both.')
  if (url !== null) return { ...ofUrl(url, env, '--url'), from: '--url' }
  const fromEnvironment = env['PENSTOCK_URL'] ?? ''
  if (context === null && fromEnvironment !== '')
    return { ...ofUrl(fromEnvironment, env, 'PENSTOCK_URL'), from: 'PENSTOCK_URL' }
  const all = readContexts(contextsFile(env))
  const name = context ?? all.current
  if (name === null) return { ...ofUrl(defaultUrl, env, 'default'), from: 'default' }
  return { ...named(all, name), from: `context ${name}` }
}

function ofUrl(url: string, env: NodeJS.ProcessEnv, from: string): Context {
  const token = env['PENSTOCK_TOKEN'] === undefined ? {} : { token: 'env:PENSTOCK_TOKEN' }
  return { url: checkedUrl(url, from), ...token }
}

/** The URL without a trailing slash. @throws CommandError when it is none, or has a password in it */
export function checkedUrl(text: string, from: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new CommandError(`${from} is the address of a server, such as ${defaultUrl}, not "${text}"`)
  if (url.password !== '' || url.username !== '')
    throw new CommandError(
      `${from} has a user or password in it, which other users of this machine can see. ` +
        'Use: penstock context add NAME --url URL --user USER --password env:NAME',
    )
  return text.replace(/\/+$/, '')
}
